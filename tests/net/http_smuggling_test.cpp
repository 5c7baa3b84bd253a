// What one recipient might read differently from the next is refused, and nothing behind it is looked at.
#include "common/http_hostile.h"
#include "net/http_support.h"

namespace pollux::test {
namespace {

constexpr std::string_view good = "GET /good HTTP/1.1\r\nHost: a\r\n\r\n";

class HttpSmugglingTest : public HttpWireTest {
protected:
    /// Reads the refusal of a request, behind so many good ones, and looks at what reached the handlers.
    void expect_refused(HttpPeer& peer, const HostileRequest& hostile, std::size_t good_ones) {
        SCOPED_TRACE(printable(hostile.bytes));
        for (std::size_t i = 0; i < good_ones; ++i) EXPECT_EQ(peer.read().status, 200u);
        const Answer answer = peer.read();
        EXPECT_EQ(answer.status, hostile.status);
        EXPECT_TRUE(answer.says_close());
        EXPECT_EQ(peer.end(), HttpEnd::closed);
        const HttpSeen told = http_seen.seen();
        ASSERT_EQ(told.requests.size(), good_ones) << "only good ones may reach a handler";
        for (const SeenRequest& request : told.requests) EXPECT_EQ(request.target, "/good");
        ASSERT_EQ(told.refusals.size(), 1u);
        EXPECT_EQ(told.refusals.back().status, hostile.status);
        EXPECT_NE(told.refusals.back().why, "");
        http_seen.forget();
    }
};

INSTANTIATE_TEST_SUITE_P(Wires, HttpSmugglingTest, every_wire, wire_name);

TEST_P(HttpSmugglingTest, by_itself_and_behind_good_requests) {
    serve();
    for (const HostileRequest& hostile : hostile_requests()) {
        for (const std::size_t before : {std::size_t{0}, std::size_t{2}}) {
            std::string bytes;
            for (std::size_t i = 0; i < before; ++i) bytes += good;
            HttpPeer peer = connect();
            peer.send(bytes + hostile.bytes + std::string{smuggled});
            expect_refused(peer, hostile, before);
        }
    }
}

TEST_P(HttpSmugglingTest, behind_a_request_that_is_answered_later) {
    serve({.on_request = [this](const http::Request& request, http::Response& response) {
        answer_later(request, response, "late");
    }});
    for (const HostileRequest& hostile : hostile_requests()) {
        HttpPeer peer = connect();
        peer.send(std::string{good} + hostile.bytes + std::string{smuggled});
        expect_refused(peer, hostile, 1);
    }
}

TEST_P(HttpSmugglingTest, byte_by_byte) {
    if (wire == Wire::unix_domain) GTEST_SKIP() << "as over TCP";
    serve();
    for (const HostileRequest& hostile : hostile_requests()) {
        if (wire == Wire::tls && hostile.bytes.size() % 8 != 0) continue;  // a part of them will do
        HttpPeer peer = connect();
        send_bytewise(peer, hostile.bytes);
        peer.try_send(smuggled);
        expect_refused(peer, hostile, 0);
    }
}

TEST_P(HttpSmugglingTest, bad_chunks_of_a_streamed_body) {
    serve({.on_head = streamed});
    for (const HostileRequest& hostile : hostile_chunks()) {
        HttpPeer peer = connect();
        peer.send(hostile.bytes + std::string{smuggled});
        SCOPED_TRACE(printable(hostile.bytes));
        EXPECT_EQ(peer.read().status, hostile.status);
        EXPECT_TRUE(peer.is_closed());
        const HttpSeen told = http_seen.seen();
        EXPECT_EQ(told.requests.size(), 1u);
        EXPECT_EQ(told.body_ends, 0u);
        EXPECT_EQ(told.aborts, 1u);
        http_seen.forget();
    }
}

}  // namespace
}  // namespace pollux::test
