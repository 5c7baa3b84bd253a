// Negotiating permessage-deflate.
#include "proto/ws/deflate_offer.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/http/characters.h"

namespace pollux::ws {

namespace {

constexpr std::string_view extension_name = "permessage-deflate";
constexpr std::string_view server_takeover = "server_no_context_takeover";
constexpr std::string_view client_takeover = "client_no_context_takeover";
constexpr std::string_view server_bits = "server_max_window_bits";
constexpr std::string_view client_bits = "client_max_window_bits";
constexpr unsigned max_bits = 15;

struct Parameter {
    std::string_view name;
    std::optional<std::string_view> value;
};

struct Extension {
    std::string_view name;
    std::vector<Parameter> parameters;
};

/// Reads `Sec-WebSocket-Extensions` (RFC 6455, 9.1): a list of tokens with parameters whose values are tokens, bare or
/// in quotes.
class ExtensionList {
public:
    explicit ExtensionList(std::string_view text) : rest_(text) {}

    /// Appends what the text has. False if it is not such a list.
    [[nodiscard]] bool read(std::vector<Extension>& out) {
        while (true) {
            skip_space();
            if (take(',')) continue;  // a list may have empty members (RFC 9110, 5.6.1)
            if (rest_.empty()) return true;
            if (!read_extension(out.emplace_back())) return false;
            skip_space();
            if (!rest_.empty() && !take(',')) return false;
        }
    }

private:
    bool read_extension(Extension& out) {
        out.name = token();
        if (out.name.empty()) return false;
        while (true) {
            skip_space();
            if (!take(';')) return true;
            skip_space();
            Parameter& parameter = out.parameters.emplace_back();
            parameter.name = token();
            if (parameter.name.empty()) return false;
            skip_space();
            if (!take('=')) continue;
            skip_space();
            if (!read_value(parameter)) return false;
        }
    }

    bool read_value(Parameter& parameter) {
        const bool quoted = take('"');
        parameter.value = token();
        return !parameter.value->empty() && (!quoted || take('"'));
    }

    std::string_view token() {
        std::size_t size = 0;
        while (size < rest_.size() && http::is_token(rest_.substr(size, 1))) ++size;
        const std::string_view result = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return result;
    }

    void skip_space() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
    }

    bool take(char wanted) {
        if (rest_.empty() || rest_.front() != wanted) return false;
        rest_.remove_prefix(1);
        return true;
    }

    std::string_view rest_;
};

/// All of a message's extensions, over all lines of the field. None if one cannot be read.
std::optional<std::vector<Extension>> extensions_of(const http::Fields& fields) {
    std::vector<Extension> extensions;
    bool good = true;
    fields.each("Sec-WebSocket-Extensions",
                [&](std::string_view value) { good = good && ExtensionList{value}.read(extensions); });
    if (!good) return std::nullopt;
    return extensions;
}

/// 8 to 15, without a zero in front (RFC 7692, 7.1.2). 0: it is nothing of the kind.
unsigned window_bits(std::string_view text) noexcept {
    if (text.size() == 1 && (text[0] == '8' || text[0] == '9')) return static_cast<unsigned>(text[0] - '0');
    if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5') {
        return 10 + static_cast<unsigned>(text[1] - '0');
    }
    return 0;
}

/// The parameters of one offer or answer, each at most once and with a value that it may have.
struct Terms {
    bool server_no_context_takeover = false;
    bool client_no_context_takeover = false;
    std::optional<unsigned> server_max_window_bits{};
    std::optional<unsigned> client_max_window_bits{};  // 0: without a value, which only an offer may be

    static std::optional<Terms> read(const Extension& extension) {
        Terms terms;
        for (const Parameter& parameter : extension.parameters) {
            if (!terms.add(parameter)) return std::nullopt;
        }
        return terms;
    }

private:
    bool add(const Parameter& parameter) {
        const auto& [name, value] = parameter;
        if (name == server_takeover) return !value && !std::exchange(server_no_context_takeover, true);
        if (name == client_takeover) return !value && !std::exchange(client_no_context_takeover, true);
        if (name == server_bits) {
            if (server_max_window_bits || !value) return false;
            server_max_window_bits = window_bits(*value);
            return *server_max_window_bits != 0;
        }
        if (name != client_bits || client_max_window_bits) return false;
        client_max_window_bits = value ? window_bits(*value) : 0;
        return !value || *client_max_window_bits != 0;
    }
};

void append_flag(std::string& out, bool set, std::string_view name) {
    if (set) out.append("; ").append(name);
}

void append_bits(std::string& out, bool named, unsigned bits, std::string_view name) {
    if (named) out.append("; ").append(name).append("=").append(std::to_string(bits));
}

bool is_shared(const Deflate& wanted) noexcept {
    return wanted.memory == DeflateMemory::shared;
}

}  // namespace

std::optional<DeflateAgreement> choose_deflate(const http::Fields& request, const Deflate& wanted) {
    if (!wanted.enabled) return std::nullopt;
    const auto extensions = extensions_of(request);
    if (!extensions) return std::nullopt;
    for (const Extension& extension : *extensions) {
        if (extension.name != extension_name) continue;
        const std::optional<Terms> offer = Terms::read(extension);
        if (!offer) continue;
        DeflateAgreement agreement;
        agreement.server_no_context_takeover =
            offer->server_no_context_takeover || wanted.server_no_context_takeover || is_shared(wanted);
        agreement.client_no_context_takeover =
            offer->client_no_context_takeover || wanted.client_no_context_takeover || is_shared(wanted);
        agreement.server_window_bits =
            std::min(wanted.server_max_window_bits, offer->server_max_window_bits.value_or(max_bits));
        agreement.server_window_asked = offer->server_max_window_bits.has_value();
        // Only who says that it can limit its window may be told to (RFC 7692, 7.1.2.2).
        if (offer->client_max_window_bits) {
            const unsigned told = *offer->client_max_window_bits;
            agreement.client_window_bits = std::min(wanted.client_max_window_bits, told == 0 ? max_bits : told);
        }
        return agreement;
    }
    return std::nullopt;
}

std::string deflate_answer(const DeflateAgreement& agreement) {
    std::string answer{extension_name};
    append_flag(answer, agreement.server_no_context_takeover, server_takeover);
    append_flag(answer, agreement.client_no_context_takeover, client_takeover);
    append_bits(answer, agreement.server_window_asked || agreement.server_window_bits < max_bits,
                agreement.server_window_bits, server_bits);
    append_bits(answer, agreement.client_window_bits < max_bits, agreement.client_window_bits, client_bits);
    return answer;
}

std::string deflate_offer(const Deflate& wanted) {
    std::string offer{extension_name};
    append_flag(offer, wanted.server_no_context_takeover || is_shared(wanted), server_takeover);
    append_flag(offer, wanted.client_no_context_takeover || is_shared(wanted), client_takeover);
    append_bits(offer, wanted.server_max_window_bits < max_bits, wanted.server_max_window_bits, server_bits);
    offer.append("; ").append(client_bits);
    if (wanted.client_max_window_bits < max_bits) {
        offer.append("=").append(std::to_string(wanted.client_max_window_bits));
    }
    return offer;
}

DeflateAnswer read_deflate_answer(const http::Fields& answer, const Deflate& offered) {
    constexpr DeflateAnswer unacceptable{.acceptable = false};
    const auto extensions = extensions_of(answer);
    if (!extensions) return unacceptable;
    if (extensions->empty()) return {};
    if (!offered.enabled || extensions->size() != 1 || extensions->front().name != extension_name) return unacceptable;
    const std::optional<Terms> terms = Terms::read(extensions->front());
    if (!terms) return unacceptable;
    const unsigned server = terms->server_max_window_bits.value_or(max_bits);
    const unsigned client = terms->client_max_window_bits.value_or(max_bits);
    const bool takeover_denied = offered.server_no_context_takeover || is_shared(offered);
    if (server > offered.server_max_window_bits || client == 0) return unacceptable;
    if (takeover_denied && !terms->server_no_context_takeover) return unacceptable;
    return {true, DeflateAgreement{
                      .server_no_context_takeover = terms->server_no_context_takeover,
                      .client_no_context_takeover =
                          terms->client_no_context_takeover || offered.client_no_context_takeover || is_shared(offered),
                      .server_window_bits = server,
                      .client_window_bits = std::min(client, offered.client_max_window_bits),
                  }};
}

}  // namespace pollux::ws
