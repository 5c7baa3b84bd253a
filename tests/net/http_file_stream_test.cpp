// Files that are larger than what a connection takes at a time: slow readers, pipelines, files that get shorter.
#include <gmock/gmock.h>

#include <filesystem>
#include <string>

#include "net/http_files_support.h"

namespace pollux::test {
namespace {

using testing::HasSubstr;

class HttpFileStreamTest : public HttpFilesTest {};

INSTANTIATE_TEST_SUITE_P(Wires, HttpFileStreamTest, every_wire, wire_name);

TEST_P(HttpFileStreamTest, a_large_file_to_a_slow_reader) {
    const std::string content = pattern(0, sanitized ? 8 << 20 : 20 << 20);
    write("large", content);
    serve_files({.max_cached_file_bytes = 1000});
    HttpPeer slow = connect(16 * 1024);
    slow.send("GET /large HTTP/1.1\r\nHost: test\r\n\r\n");
    ASSERT_TRUE(http_seen.wait_for_requests(1));
    settle();
    // It holds nobody up.
    HttpPeer other = connect();
    const std::size_t last = content.size() - 1;
    EXPECT_EQ(other.get("/large", line("Range", "bytes=" + std::to_string(last) + "-")).body, content.substr(last));
    std::size_t pending = 0;
    run_on(engine.reactor(0), [&] { pending = engine.reactor(0).find(seen.id(0))->bytes_pending(); });
    EXPECT_LT(pending, 2U << 20) << "it is read as it is sent";
    const Answer answer = slow.read();
    EXPECT_EQ(answer.status, 200U);
    EXPECT_TRUE(answer.body == content) << "lost, doubled or swapped";
}

TEST_P(HttpFileStreamTest, a_file_in_memory_to_a_slow_reader) {
    const std::string content = pattern(0, sanitized ? 1 << 20 : 8 << 20);
    write("large", content);
    serve_files({.max_cached_file_bytes = 16 << 20});
    HttpPeer slow = connect(16 * 1024);
    slow.send("GET /large HTTP/1.1\r\nHost: test\r\n\r\n");
    ASSERT_TRUE(http_seen.wait_for_requests(1));
    settle();
    // What is being sent stays what it was, whatever becomes of the file.
    write("large", "another", 1);
    const Answer answer = slow.read();
    EXPECT_TRUE(answer.body == content) << "lost, doubled or swapped";
}

TEST_P(HttpFileStreamTest, pipelined_answers_come_in_order) {
    const std::string content = pattern(0, 200'000);
    write("large", content);
    write("small", "small");
    serve_files({.max_cached_file_bytes = 1000});
    HttpPeer peer = connect();
    constexpr int rounds = 20;
    std::string requests;
    for (int i = 0; i < rounds; ++i) {
        for (const char* path : {"/small", "/large", "/nothing", "/small"}) {
            requests += std::string{"GET "} + path + " HTTP/1.1\r\nHost: test\r\n\r\n";
        }
    }
    peer.send(requests);
    for (int i = 0; i < rounds; ++i) {
        EXPECT_EQ(peer.read().body, "small");
        EXPECT_TRUE(peer.read().body == content);
        EXPECT_EQ(peer.read().status, 404U);
        EXPECT_EQ(peer.read().body, "small");
    }
}

TEST_P(HttpFileStreamTest, a_file_that_gets_shorter_ends_the_connection) {
    constexpr std::size_t size = 32 << 20;
    folder.write("large", "");
    std::filesystem::resize_file(folder / "large", size);  // has no blocks on the disk
    serve_files();
    HttpPeer peer = connect(16 * 1024);
    peer.send("GET /large HTTP/1.1\r\nHost: test\r\n\r\n");
    ASSERT_TRUE(http_seen.wait_for_requests(1));
    settle();
    std::filesystem::resize_file(folder / "large", size / 4);
    const std::string rest = peer.read_rest();
    EXPECT_THAT(rest.substr(0, rest.find("\r\n\r\n")), HasSubstr("Content-Length: " + std::to_string(size)));
    EXPECT_LT(rest.size(), size);
    // A Unix socket knows no reset: the length tells alone.
    const bool hides_reset = wire == Wire::unix_domain;
    EXPECT_TRUE(peer.end() == HttpEnd::reset || (hides_reset && peer.end() == HttpEnd::closed));
}

TEST_P(HttpFileStreamTest, a_client_that_goes_away_harms_nobody) {
    folder.write("large", "");
    std::filesystem::resize_file(folder / "large", 64 << 20);
    serve_files();
    for (int i = 0; i < 10; ++i) {
        HttpPeer peer = connect(16 * 1024);
        peer.send("GET /large HTTP/1.1\r\nHost: test\r\n\r\n");
        settle();
    }
    EXPECT_TRUE(seen.wait_for_closes(10));
    EXPECT_EQ(connect().get("/large", "Range: bytes=0-0\r\n").status, 206U);
}

}  // namespace
}  // namespace pollux::test
