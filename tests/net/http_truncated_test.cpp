// Requests that are cut off: never delivered as complete, and whoever had a part of them is told.
#include "net/http_support.h"

namespace pollux::test {
namespace {

/// How a client leaves.
enum class Leave : std::uint8_t {
    finished,  ///< An orderly end of what it sends; it still reads.
    cut,       ///< The socket is closed; with TLS, without a word.
    reset,
};

class HttpTruncatedTest : public HttpWireTest {
protected:
    /// Sends a part of a request and leaves.
    void cut_off(std::string_view part, Leave leave) {
        HttpPeer peer = connect();
        peer.send(part);
        if (leave == Leave::reset) settle();  // a reset overtakes what was not received yet
        switch (leave) {
            case Leave::finished: {
                peer.finish_sending();
                const std::string answer = peer.read_rest();
                EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 400 ")) << answer;
                EXPECT_TRUE(peer.is_closed());
                break;
            }
            case Leave::cut:
                peer.socket().close();
                break;
            case Leave::reset:
                peer.socket().reset();
                break;
        }
    }

    /// Cuts a request off everywhere. Its head has so many bytes.
    void expect_never_complete(const std::string& request, std::size_t head) {
        std::size_t requests = http_seen.seen().heads.size();
        std::size_t connections = seen.seen().closes;
        for (const Leave leave : {Leave::finished, Leave::cut, Leave::reset}) {
            for (std::size_t size = 0; size < request.size(); ++size) {
                cut_off(std::string_view{request}.substr(0, size), leave);
                ASSERT_TRUE(seen.wait_for_closes(++connections)) << "cut off at " << size;
                requests += size >= head ? 1 : 0;
                const HttpSeen told = http_seen.seen();
                ASSERT_EQ(told.heads.size(), requests) << "cut off at " << size;
                ASSERT_EQ(told.body_ends, 0u) << "cut off at " << size;
                ASSERT_EQ(told.streams, 0u) << "cut off at " << size;
                ASSERT_EQ(told.aborts, told.requests.size()) << "cut off at " << size;
            }
        }
    }
};

INSTANTIATE_TEST_SUITE_P(Wires, HttpTruncatedTest, every_wire, wire_name);

TEST_P(HttpTruncatedTest, requests_are_never_complete) {
    const std::string fields = "POST / HTTP/1.1\r\nHost: a\r\n";
    const std::string sized_head = fields + "Content-Length: 6\r\n\r\n";
    const std::string chunked_head = fields + "Transfer-Encoding: chunked\r\n\r\n";
    serve();
    expect_never_complete(sized_head + "abcdef", sized_head.size());
    EXPECT_EQ(http_seen.seen().requests.size(), 0u);
    expect_never_complete(chunked_head + "3;x\r\nabc\r\n0\r\nA: b\r\n\r\n", chunked_head.size());
    EXPECT_EQ(http_seen.seen().requests.size(), 0u);
    serve({.on_head = streamed});
    http_seen.forget();
    expect_never_complete(sized_head + "abcdef", sized_head.size());
    EXPECT_EQ(http_seen.seen().requests.size(), http_seen.seen().heads.size());
    expect_never_complete(chunked_head + "3;x\r\nabc\r\n0\r\nA: b\r\n\r\n", chunked_head.size());
    EXPECT_EQ(http_seen.seen().requests.size(), http_seen.seen().heads.size());
}

TEST_P(HttpTruncatedTest, what_came_before_is_answered) {
    serve();
    const std::string good = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const std::string cut = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc";
    for (std::size_t size = 0; size <= cut.size(); size += 7) {
        HttpPeer peer = connect();
        peer.send(good + good + cut.substr(0, size));
        peer.finish_sending();
        EXPECT_EQ(peer.read().status, 200u) << size;
        EXPECT_EQ(peer.read().status, 200u) << size;
        const std::string rest = peer.read_rest();
        EXPECT_TRUE(rest.empty() || rest.starts_with("HTTP/1.1 400 ")) << rest;
        EXPECT_TRUE(peer.is_closed());
    }
    for (const SeenRequest& request : http_seen.seen().requests) EXPECT_EQ(request.method, http::Method::get);
}

}  // namespace
}  // namespace pollux::test
