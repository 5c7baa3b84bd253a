// Fuzzes the opening handshake: requests, answers, and the extensions in both. The input: a byte of choices, a byte of
// options, the lines of a head.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/support.h"
#include "proto/http/characters.h"
#include "proto/http/message_parser.h"
#include "proto/ws/deflate_offer.h"
#include "proto/ws/handshake.h"

namespace {

using pollux::http::Fields;
using pollux::http::MessageParser;
using pollux::test::Choices;
using pollux::test::insist;
using pollux::ws::Deflate;
using pollux::ws::DeflateAgreement;
using pollux::ws::DeflateAnswer;
using pollux::ws::DeflateMemory;
using pollux::ws::Role;

/// The fields of a head with these lines; none if there is no such head.
class Head {
public:
    explicit Head(std::string_view lines)
        : head_(std::string{"GET / HTTP/1.1\r\n"}.append(lines).append("\r\n\r\n")),
          good_(parser_.parse_head(head_, {})) {}

    [[nodiscard]] std::optional<Fields> fields() const {
        if (!good_) return std::nullopt;
        return Fields{head_.data(), parser_.fields()};
    }

private:
    MessageParser parser_{MessageParser::Direction::request};
    std::string head_;
    bool good_;
};

const std::vector<std::string>& protocols() {
    static const std::vector<std::string> spoken{"chat", "superchat", "v2.chat"};
    return spoken;
}

void try_request(const Fields& fields) {
    const auto refusal = pollux::ws::check_upgrade(pollux::http::Method::get, 1, fields);
    insist(refusal.status == 0 || refusal.status == 400 || refusal.status == 426);
    if (!refusal) {
        const std::string_view key = *fields.find("Sec-WebSocket-Key");
        insist(key.size() == 24 && fields.count("Sec-WebSocket-Key") == 1);
        insist(fields.has_token("Upgrade", "websocket") && fields.has_token("Connection", "upgrade"));
        insist(pollux::ws::accept_key(key) == pollux::ws::accept_key(std::string{key}));
    }
    const std::string_view chosen = pollux::ws::choose_protocol(fields, protocols());
    insist(chosen.empty() || pollux::ws::offers_protocol(fields, chosen));
}

void try_answer(const Fields& fields) {
    const std::array<std::byte, 16> random{};
    if (!pollux::ws::check_answer(101, fields, pollux::ws::make_key(random), protocols()).empty()) return;
    const std::string_view chosen = pollux::ws::chosen_protocol(fields);
    insist(chosen.empty() || std::find(protocols().begin(), protocols().end(), chosen) != protocols().end());
}

void insist_in_range(const DeflateAgreement& agreement) {
    for (const Role role : {Role::server, Role::client}) {
        insist(agreement.window_bits(role) >= 8 && agreement.window_bits(role) <= 15);
    }
}

/// A server's side: what it answers is what a client can take that has no wishes of its own.
void try_offer(const Fields& fields, const Deflate& wanted) {
    const auto agreement = pollux::ws::choose_deflate(fields, wanted);
    if (!agreement) return;
    insist_in_range(*agreement);
    insist(agreement->server_window_bits <= wanted.server_max_window_bits);
    const std::string answer = pollux::ws::deflate_answer(*agreement);
    insist(pollux::http::is_field_value(answer));
    const Head head{"Sec-WebSocket-Extensions: " + answer};
    const DeflateAnswer read =
        pollux::ws::read_deflate_answer(*head.fields(), {.enabled = true, .memory = DeflateMemory::per_connection});
    insist(read.acceptable && read.agreement);
    for (const Role role : {Role::server, Role::client}) {
        insist(read.agreement->window_bits(role) == agreement->window_bits(role));
        insist(read.agreement->no_context_takeover(role) == agreement->no_context_takeover(role));
    }
}

/// A client's side: it gets what it asked for, or refuses.
void try_agreement(const Fields& fields, const Deflate& offered) {
    const DeflateAnswer answer = pollux::ws::read_deflate_answer(fields, offered);
    insist(answer.acceptable || !answer.agreement);
    if (!answer.agreement) return;
    insist_in_range(*answer.agreement);
    insist(answer.agreement->server_window_bits <= offered.server_max_window_bits);
    insist(answer.agreement->client_window_bits <= offered.client_max_window_bits);
    insist(offered.memory != DeflateMemory::shared || (answer.agreement->no_context_takeover(Role::server) &&
                                                       answer.agreement->no_context_takeover(Role::client)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Choices choices{pollux::test::text_of(data, size)};
    const std::uint8_t what = choices.byte();
    const std::uint8_t bits = choices.byte();
    const Deflate deflate{.enabled = true,
                          .memory = (bits & 1) != 0 ? DeflateMemory::shared : DeflateMemory::per_connection,
                          .server_no_context_takeover = (bits & 2) != 0,
                          .client_no_context_takeover = (bits & 4) != 0,
                          .server_max_window_bits = (bits & 8) != 0 ? 10U : 15U,
                          .client_max_window_bits = (bits & 16) != 0 ? 11U : 15U};
    const Head head{choices.rest()};
    const std::optional<Fields> fields = head.fields();
    if (!fields) return 0;
    switch (what) {
        case 'r':
            try_request(*fields);
            break;
        case 'a':
            try_answer(*fields);
            break;
        case 'o':
            try_offer(*fields, deflate);
            break;
        case 'e':
            try_agreement(*fields, deflate);
            break;
        default:
            break;
    }
    return 0;
}
