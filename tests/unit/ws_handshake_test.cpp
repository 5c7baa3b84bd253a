// The opening handshake (RFC 6455, 4): what a request and an answer have to have.
#include "proto/ws/handshake.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "unit/field_lines.h"
#include "unit/ws_support.h"

namespace pollux::test {
namespace {

using ws::accept_key;
using ws::check_answer;
using ws::check_upgrade;
using ws::choose_protocol;
using ws::chosen_protocol;
using ws::Key;
using ws::make_key;
using ws::offers_protocol;
using ws::UpgradeRefusal;

// The example of RFC 6455, 1.3.
constexpr std::string_view sample_key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view sample_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Lines of a message that is right, but for what a test puts in the place of one of them.
class Message {
public:
    explicit Message(std::vector<std::string> lines) : lines_(std::move(lines)) {}

    /// With `line`, or several, instead of the one that begins like this.
    [[nodiscard]] std::string with(std::string_view begin, std::string_view line) const {
        std::string text;
        bool replaced = false;
        for (const std::string& each : lines_) {
            const bool this_one = each.starts_with(begin);
            replaced |= this_one;
            text.append(this_one ? line : each).append(this_one && line.empty() ? "" : "\r\n");
        }
        EXPECT_TRUE(replaced) << begin;
        return text;
    }
    [[nodiscard]] std::string whole() const { return with(lines_.front(), lines_.front()); }

private:
    std::vector<std::string> lines_;
};

const Message request{{"Host: example.com", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                       "Sec-WebSocket-Key: " + std::string{sample_key}}};

unsigned refusal_of(std::string_view lines, http::Method method = http::Method::get, unsigned minor_version = 1) {
    const FieldLines fields{lines};
    const UpgradeRefusal refusal = check_upgrade(method, minor_version, fields.fields());
    EXPECT_EQ(static_cast<bool>(refusal), refusal.status != 0);
    EXPECT_EQ(std::string_view{refusal.why}.empty(), refusal.status == 0);
    return refusal.status;
}

TEST(WsHandshakeTest, a_request_that_is_right) {
    EXPECT_EQ(refusal_of(request.whole()), 0u);
    for (const std::string_view line : {"Connection: keep-alive, Upgrade", "connection: UPGRADE",
                                        "Connection: keep-alive\r\nConnection: upgrade", "Connection: ,upgrade,"}) {
        EXPECT_EQ(refusal_of(request.with("Connection", line)), 0u) << line;
    }
    for (const std::string_view line : {"Upgrade: WebSocket", "upgrade: h2c, websocket"}) {
        EXPECT_EQ(refusal_of(request.with("Upgrade", line)), 0u) << line;
    }
}

TEST(WsHandshakeTest, a_request_for_something_else) {  // RFC 6455, 4.2.1, 1 to 4
    EXPECT_EQ(refusal_of(request.whole(), http::Method::post), 405u);
    EXPECT_EQ(refusal_of(request.whole(), http::Method::head), 405u);
    EXPECT_EQ(refusal_of(request.whole(), http::Method::get, 0), 426u) << "HTTP/1.0";
    for (const std::string_view line :
         {"", "Connection: close", "Connection: upgraded", "Connection: \"upgrade\"", "Connection: up grade"}) {
        EXPECT_EQ(refusal_of(request.with("Connection", line)), 426u) << line;
    }
    for (const std::string_view line : {"", "Upgrade: h2c", "Upgrade: websockets", "Upgrade: web socket", "Upgrade:"}) {
        EXPECT_EQ(refusal_of(request.with("Upgrade", line)), 426u) << line;
    }
}

TEST(WsHandshakeTest, a_request_of_another_version) {  // RFC 6455, 4.4
    for (const std::string_view line :
         {"", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 14", "Sec-WebSocket-Version: 013",
          "Sec-WebSocket-Version: 13, 8",
          "Sec-WebSocket-Version:", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13"}) {
        EXPECT_EQ(refusal_of(request.with("Sec-WebSocket-Version", line)), 426u) << line;
    }
}

TEST(WsHandshakeTest, a_request_without_a_key) {  // RFC 6455, 4.1, 7 and 4.2.1, 5
    EXPECT_EQ(refusal_of(request.with("Sec-WebSocket-Key", "")), 400u);
    const std::string good = "Sec-WebSocket-Key: " + std::string{sample_key};
    EXPECT_EQ(refusal_of(request.with("Sec-WebSocket-Key", good + "\r\n" + good)), 400u) << "two";
    for (const std::string_view key :
         {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ===",
          "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZQA=", "dGhlIHNhbXBsZSBub25j====",
          "dGhlIHNhbXBsZSBub25_ZQ==", "dGhl HNhbXBsZSBub25jZQ==", "=GhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="}) {
        const std::string line = std::string{"Sec-WebSocket-Key: "}.append(key);
        EXPECT_EQ(refusal_of(request.with("Sec-WebSocket-Key", line)), 400u) << key;
    }
    for (const char last : std::string_view{"AQgw"}) {
        const std::string line = "Sec-WebSocket-Key: +/09azAZBsZSBub25jZab" + std::string{last} + "==";
        EXPECT_EQ(refusal_of(request.with("Sec-WebSocket-Key", line)), 0u) << line;
    }
}

TEST(WsHandshakeTest, keys_of_ours_are_keys) {
    Random random{13};
    for (int round = 0; round < 100; ++round) {
        std::array<std::byte, 16> bytes;
        for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.up_to(255));
        const Key key = make_key(bytes);
        const std::string line = "Sec-WebSocket-Key: " + std::string{key.data(), key.size()};
        EXPECT_EQ(refusal_of(request.with("Sec-WebSocket-Key", line)), 0u) << line;
    }
    const std::string nonce = "the sample nonce";
    const Key key = make_key(as_bytes(nonce).first<16>());
    EXPECT_EQ((std::string_view{key.data(), key.size()}), sample_key);
}

TEST(WsHandshakeTest, the_answer_to_a_key) {
    const auto answer = accept_key(sample_key);
    EXPECT_EQ((std::string_view{answer.data(), answer.size()}), sample_accept);
    EXPECT_NE(accept_key("dGhlIHNhbXBsZSBub25jZA=="), answer);
}

TEST(WsHandshakeTest, sub_protocols_are_chosen_among_those_offered) {
    const FieldLines fields{"Sec-WebSocket-Protocol: chat , superchat\r\nSec-WebSocket-Protocol: ,v2.chat,\r\n"};
    for (const std::string_view offered : {"chat", "superchat", "v2.chat"}) {
        EXPECT_TRUE(offers_protocol(fields.fields(), offered)) << offered;
    }
    for (const std::string_view other : {"Chat", "", "super", "chat , superchat", "v2"}) {
        EXPECT_FALSE(offers_protocol(fields.fields(), other)) << other;
    }
    const auto choose = [&](const std::vector<std::string>& spoken) {
        return choose_protocol(fields.fields(), spoken);
    };
    EXPECT_EQ(choose({"v3.chat", "v2.chat", "chat"}), "v2.chat") << "the server's order";
    EXPECT_EQ(choose({"CHAT"}), "");
    EXPECT_EQ(choose({}), "");
    EXPECT_EQ(choose_protocol(FieldLines{""}.fields(), std::vector<std::string>{"chat"}), "");
}

const Message answer{{"Upgrade: websocket", "Connection: Upgrade",
                      "Sec-WebSocket-Accept: " + std::string{sample_accept}, "Server: any"}};

/// Empty if it is right.
std::string_view fault_of(std::string_view lines, unsigned status = 101) {
    static const std::vector<std::string> offered{"chat", "superchat"};
    Key key;
    std::copy(sample_key.begin(), sample_key.end(), key.begin());
    return check_answer(status, FieldLines{lines}.fields(), key, offered);
}

TEST(WsHandshakeTest, an_answer_that_is_right) {  // RFC 6455, 4.1
    EXPECT_EQ(fault_of(answer.whole()), "");
    EXPECT_EQ(fault_of(answer.with("Upgrade", "UPGRADE: WebSocket")), "");
    EXPECT_EQ(fault_of(answer.with("Connection", "Connection: keep-alive, upgrade")), "");
    EXPECT_EQ(fault_of(answer.with("Server", "Sec-WebSocket-Protocol: superchat")), "");
}

TEST(WsHandshakeTest, an_answer_that_is_wrong) {
    for (const unsigned status : {100U, 102U, 200U, 301U, 401U, 426U, 500U}) {
        EXPECT_NE(fault_of(answer.whole(), status), "") << status;
    }
    for (const std::string_view line : {"", "Upgrade: h2c", "Upgrade:"}) {
        EXPECT_NE(fault_of(answer.with("Upgrade", line)), "") << line;
    }
    for (const std::string_view line : {"", "Connection: close", "Connection:"}) {
        EXPECT_NE(fault_of(answer.with("Connection", line)), "") << line;
    }
    const std::string good = "Sec-WebSocket-Accept: " + std::string{sample_accept};
    for (const std::string& line :
         {std::string{}, good + "\r\n" + good, std::string{"Sec-WebSocket-Accept:"}, good + "=",
          std::string{"Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo="}, good.substr(0, good.size() - 1),
          std::string{"Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ=="}}) {
        EXPECT_NE(fault_of(answer.with("Sec-WebSocket-Accept", line)), "") << line;
    }
}

TEST(WsHandshakeTest, an_answer_with_a_sub_protocol_that_was_not_offered) {
    for (const std::string_view line : {"Sec-WebSocket-Protocol: other", "Sec-WebSocket-Protocol: Chat",
                                        "Sec-WebSocket-Protocol:", "Sec-WebSocket-Protocol: chat, superchat",
                                        "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat"}) {
        EXPECT_NE(fault_of(answer.with("Server", line)), "") << line;
    }
    EXPECT_EQ(chosen_protocol(FieldLines{"sec-websocket-protocol: chat\r\n"}.fields()), "chat");
    EXPECT_EQ(chosen_protocol(FieldLines{""}.fields()), "");
}

}  // namespace
}  // namespace pollux::test
