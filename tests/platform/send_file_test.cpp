// Files straight to a socket: any stretch of them, until nothing more is taken, and files that get shorter.
#include <algorithm>
#include <random>

#include "platform/send_file_support.h"

namespace pollux::platform::test {
namespace {

POLLUX_ON_EACH_TRANSPORT(SendFileTest);

TEST_P(SendFileTest, any_stretch_of_a_file) {
    const File file = make(100'000);
    for (const std::size_t offset : {0U, 1U, 4096U, 99'000U}) {
        const IoResult result = loop.poller.send_file(client, file.handle(), offset, 1000);
        ASSERT_EQ(result.status, IoStatus::done);
        ASSERT_GT(result.bytes, 0U);
        ASSERT_LE(result.bytes, 1000U);
        EXPECT_EQ(receive_exactly(loop, server, result.bytes), pattern(offset, result.bytes));
    }
}

TEST_P(SendFileTest, comes_in_order_with_what_is_sent_otherwise) {
    const File file = make(100);
    send_all(loop, client, "head");
    ASSERT_EQ(loop.poller.send_file(client, file.handle(), 0, 100).bytes, 100U);
    send_all(loop, client, "tail");
    EXPECT_EQ(receive_exactly(loop, server, 108), "head" + pattern(0, 100) + "tail");
}

TEST_P(SendFileTest, the_end_of_the_file_is_told) {
    const File file = make(1000);
    const IoResult result = loop.poller.send_file(client, file.handle(), 900, 1000);
    ASSERT_EQ(result.status, IoStatus::done);
    EXPECT_EQ(result.bytes, 100U);
    EXPECT_EQ(loop.poller.send_file(client, file.handle(), 1000, 1).status, IoStatus::end);
    EXPECT_EQ(loop.poller.send_file(client, file.handle(), 5000, 1).status, IoStatus::end);
}

TEST_P(SendFileTest, a_file_may_get_shorter) {
    const File file = make(1000);
    folder.write("file", "");
    EXPECT_EQ(loop.poller.send_file(client, file.handle(), 0, 1000).status, IoStatus::end);
}

TEST_P(SendFileTest, is_refused_when_full_and_room_is_told) {
    constexpr std::size_t size = 64 << 20;
    folder.write("file", "");
    std::filesystem::resize_file(folder / "file", size);  // has no blocks on the disk
    std::error_code error;
    const File file = File::open(folder / "file", error);
    for (int round = 0; round < 5; ++round) {
        const std::size_t sent = fill_from(file, size);
        ASSERT_LT(sent, size);
        loop.poller.arm_send(client, {});
        ASSERT_EQ(receive_exactly(loop, server, sent), std::string(sent, '\0'));
        ASSERT_NE(loop.wait_for(client, sendable) & sendable, 0U);
    }
}

TEST_P(SendFileTest, the_peer_may_read_between_the_refusal_and_the_arming) {
    constexpr std::size_t size = 64 << 20;
    folder.write("file", "");
    std::filesystem::resize_file(folder / "file", size);
    std::error_code error;
    const File file = File::open(folder / "file", error);
    const std::size_t sent = fill_from(file, size);
    std::string text;
    while (text.size() < sent) receive_all(loop.poller, server, text);
    loop.poller.arm_send(client, {});
    EXPECT_NE(loop.wait_for(client, sendable) & sendable, 0U);
}

TEST_P(SendFileTest, a_large_file_arrives_in_order) {
    ConnectionOptions small;
    small.kernel_send_buffer_bytes = 16 * 1024;
    small.kernel_receive_buffer_bytes = 16 * 1024;
    End from;
    End to;
    ASSERT_NO_FATAL_FAILURE(connect_pair(from, to, small));
    const std::size_t size = sanitized ? 1 << 20 : 8 << 20;
    const File file = make(size);
    std::mt19937 random{1};
    std::size_t sent = 0;
    std::string received;
    while (received.size() < size) {
        while (sent < size) {
            const IoResult result = loop.poller.send_file(from, file.handle(), sent,
                                                          std::min<std::size_t>(size - sent, 1 + random() % 500'000));
            if (result.status == IoStatus::would_block) break;
            ASSERT_EQ(result.status, IoStatus::done);
            sent += result.bytes;
        }
        ASSERT_LT(received.size(), sent);
        const std::size_t piece = 1 + random() % (sent - received.size());
        received += receive_exactly(loop, to, piece);
        if (sent < size && received.size() == sent) {
            loop.poller.arm_send(from, {});
            ASSERT_NE(loop.wait_for(from, sendable) & sendable, 0U);
        }
    }
    EXPECT_TRUE(received == pattern(0, size)) << "lost, doubled or swapped";
    loop.close(from);
    loop.close(to);
}

TEST_P(SendFileTest, a_peer_that_has_gone_is_an_error) {
    expect_broken_pipe_when_the_peer_has_gone();
}

}  // namespace
}  // namespace pollux::platform::test
