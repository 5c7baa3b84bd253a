// Requests cut anywhere, and many in one packet: the answers are the same, and in order.
#include "net/http_support.h"

namespace pollux::test {
namespace {

using http::Request;
using http::Response;

/// How a handler goes about it.
enum class Style : std::uint8_t {
    at_once,   ///< Whole body, whole answer in the callback.
    later,     ///< Whole body, answered from the loop by its id.
    streamed,  ///< The body in parts.
    in_parts,  ///< The answer in chunks.
};

constexpr Style every_style[] = {Style::at_once, Style::later, Style::streamed, Style::in_parts};

struct Exchange {
    std::string request;
    std::string_view method = "GET";
};

const std::vector<Exchange>& exchanges() {
    static const std::vector<Exchange> all{
        {"GET /1?a=b HTTP/1.1\r\nHost: a\r\nX:\r\nY: \xC3\xA4\t!\r\n\r\n"},
        {"\r\nPOST /2 HTTP/1.1\r\nhost:a\r\nContent-Length: 14\r\n\r\n\r\n\r\nGET / HTTP"},
        {"HEAD /3 HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD"},
        {"PUT /4 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
         "chunked\r\n\r\n5;x=\"y\"\r\nhello\r\nA\r\n0123456789\r\n0\r\nA: b\r\nC:\r\n\r\n"},
        {"OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
        {"POST /6 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx"},
        {"DELETE http://b/7 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    };
    return all;
}

class HttpSplitTest : public HttpWireTest {
protected:
    [[nodiscard]] HttpHooks hooks(Style style) {
        HttpHooks hooks;
        switch (style) {
            case Style::at_once:
                break;
            case Style::later:
                hooks.on_request = [this](const Request& request, Response& response) {
                    answer_later(request, response, describe(SeenRequest{request}));
                };
                break;
            case Style::streamed:
                hooks.on_head = streamed;
                break;
            case Style::in_parts:
                hooks.on_request = [](const Request& request, Response& response) {
                    const std::string text = describe(SeenRequest{request});
                    EXPECT_EQ(response.begin(request.minor_version() == 0 ? std::optional{text.size()} : std::nullopt),
                              Result::ok);
                    EXPECT_EQ(response.write(std::string_view{text}.substr(0, 5)), Result::ok);
                    EXPECT_EQ(response.write(std::string_view{text}.substr(5)), Result::ok);
                    EXPECT_EQ(response.end(), Result::ok);
                };
                break;
        }
        return hooks;
    }

    /// The bodies of the answers to all requests, one by one.
    std::vector<std::string> ask_one_by_one(HttpPeer& peer) {
        std::vector<std::string> bodies;
        for (const Exchange& exchange : exchanges()) {
            peer.send(exchange.request);
            const Answer answer = peer.read(exchange.method);
            EXPECT_EQ(answer.status, 200u);
            EXPECT_FALSE(answer.says_close());
            bodies.push_back(answer.body);
        }
        return bodies;
    }

    static void expect_answers(HttpPeer& peer, const std::vector<std::string>& bodies) {
        for (std::size_t i = 0; i < bodies.size(); ++i) {
            const Answer answer = peer.read(exchanges()[i].method);
            ASSERT_EQ(answer.status, 200u) << "request " << i;
            ASSERT_EQ(answer.body, bodies[i]);
        }
    }
};

INSTANTIATE_TEST_SUITE_P(Wires, HttpSplitTest, every_wire, wire_name);

TEST_P(HttpSplitTest, requests_cut_anywhere_are_answered_alike) {
    std::string all;
    for (const Exchange& exchange : exchanges()) all += exchange.request;
    std::vector<std::string> bodies;
    for (const Style style : every_style) {
        SCOPED_TRACE(static_cast<int>(style));
        serve(hooks(style));
        HttpPeer peer = connect();
        if (bodies.empty()) bodies = ask_one_by_one(peer);
        EXPECT_EQ(ask_one_by_one(peer), bodies);
        for (std::size_t cut = 0; cut <= all.size(); ++cut) {
            send_cut(peer, all, cut);
            expect_answers(peer, bodies);
            if (HasFatalFailure()) FAIL() << "cut at " << cut;
        }
        send_bytewise(peer, all);
        expect_answers(peer, bodies);
        EXPECT_EQ(http_seen.seen().refusals.size(), 0u);
    }
}

TEST_P(HttpSplitTest, requests_in_one_packet_are_answered_in_order) {
    constexpr std::size_t rounds = 150;
    for (const Style style : every_style) {
        SCOPED_TRACE(static_cast<int>(style));
        serve(hooks(style));
        HttpPeer peer = connect();
        const std::vector<std::string> bodies = ask_one_by_one(peer);
        std::string packet;
        for (std::size_t i = 0; i < rounds; ++i) {
            for (const Exchange& exchange : exchanges()) packet += exchange.request;
        }
        peer.send(packet);
        for (std::size_t i = 0; i < rounds; ++i) {
            expect_answers(peer, bodies);
            ASSERT_FALSE(HasFatalFailure()) << "round " << i;
        }
    }
}

}  // namespace
}  // namespace pollux::test
