// Sending: until nothing more is taken, in parts, and the event that tells that there is room again.
#include <algorithm>
#include <random>

#include "platform/support.h"

namespace pollux::platform::test {
namespace {

class SendTest : public PairTest {};

POLLUX_ON_EACH_TRANSPORT(SendTest);

TEST_P(SendTest, a_small_send_is_taken_whole) {
    const IoResult result = loop.poller.send(client, as_bytes("hello"));
    EXPECT_EQ(result.status, IoStatus::done);
    EXPECT_EQ(result.bytes, 5U);
    EXPECT_EQ(receive_exactly(loop, server, 5), "hello");
}

TEST_P(SendTest, room_is_not_told_to_who_did_not_ask) {
    send_all(loop, client, "hello");
    loop.settle();
    EXPECT_EQ(client.seen & sendable, 0U);
    EXPECT_EQ(server.seen & sendable, 0U);
}

TEST_P(SendTest, is_taken_in_part_and_then_not_at_all) {
    const std::size_t sent = fill(loop, client);
    EXPECT_GT(sent, 0U);
    EXPECT_EQ(loop.poller.send(client, as_bytes("x")).status, IoStatus::would_block);
    EXPECT_EQ(receive_exactly(loop, server, sent), pattern(0, sent));
}

TEST_P(SendTest, room_is_told_after_the_peer_has_read) {
    for (int round = 0; round < 5; ++round) {
        std::size_t sent = 0;
        std::string rest;
        int attempts = 0;
        // The kernel of a busy machine moves bytes to the peer's side, and makes room, after it has refused some.
        do {
            ASSERT_LT(++attempts, 50) << "room is told though there is none";
            sent += fill(loop, client, sent);
            rest = pattern(sent, 1);
            client.sent = 0;
            loop.poller.arm_send(client, as_bytes(rest));
            loop.settle();
            sent += client.sent;
        } while ((client.take_seen() & sendable) != 0);
        ASSERT_EQ(receive_exactly(loop, server, sent), pattern(0, sent));
        ASSERT_NE(loop.wait_for(client, sendable) & sendable, 0U);
        if (client.sent == 0) {
            ASSERT_EQ(loop.poller.send(client, as_bytes(rest)).bytes, 1U);
        }
        ASSERT_EQ(receive_exactly(loop, server, 1), rest);
    }
}

TEST_P(SendTest, room_is_told_once) {
    const std::size_t sent = fill(loop, client);
    loop.poller.arm_send(client, as_bytes("y"));
    receive_exactly(loop, server, sent);
    ASSERT_NE(loop.wait_for(client, sendable) & sendable, 0U);
    loop.settle();
    EXPECT_EQ(client.seen & sendable, 0U) << "it was not armed again";
}

TEST_P(SendTest, the_peer_may_read_before_it_is_armed) {
    const std::size_t sent = fill(loop, client);
    EXPECT_EQ(receive_exactly(loop, server, sent).size(), sent);
    loop.settle();
    // A send that was refused is tried again, or the event says when.
    client.sent = 0;
    const IoResult result = loop.poller.send(client, as_bytes("late"));
    if (result.bytes < 4) {
        loop.poller.arm_send(client, as_bytes("late").subspan(result.bytes));
        EXPECT_NE(loop.wait_for(client, sendable) & sendable, 0U);
    }
}

TEST_P(SendTest, the_peer_may_read_between_the_refusal_and_the_arming) {
    const std::size_t sent = fill(loop, client);
    // Read without a turn of the loop, as a peer on another machine would.
    std::string text;
    while (text.size() < sent) receive_all(loop.poller, server, text);
    loop.poller.arm_send(client, as_bytes("x"));
    EXPECT_NE(loop.wait_for(client, sendable) & sendable, 0U);
}

TEST_P(SendTest, a_large_send_arrives_in_order) {
    ConnectionOptions small;
    small.kernel_send_buffer_bytes = 16 * 1024;
    small.kernel_receive_buffer_bytes = 16 * 1024;
    End from;
    End to;
    ASSERT_NO_FATAL_FAILURE(connect_pair(from, to, small));
    const std::string message = pattern(0, sanitized ? 1 << 20 : 8 << 20);
    std::mt19937 random{1};
    std::string_view rest = message;
    std::string received;
    bool receive_armed = false;
    bool send_armed = false;
    std::vector<std::byte> buffer(std::size_t{256} * 1024);
    const Time deadline = Poller::now() + patience;
    while (received.size() < message.size() && Poller::now() < deadline) {
        if (!send_armed && !rest.empty()) {
            const std::string_view piece = rest.substr(0, 1 + random() % 200'000);
            const IoResult result = loop.poller.send(from, as_bytes(piece));
            ASSERT_NE(result.status, IoStatus::failed);
            rest.remove_prefix(result.bytes);
            if (result.bytes < piece.size()) {
                from.sent = 0;
                loop.poller.arm_send(from, as_bytes(piece.substr(result.bytes)));
                send_armed = true;
            }
        }
        if (!receive_armed) loop.poller.arm_receive(to);
        receive_armed = true;
        loop.turn(send_armed ? deadline : Time{});
        if ((from.seen & sendable) != 0) {
            rest.remove_prefix(from.sent);
            send_armed = false;
        }
        if ((to.seen & receivable) != 0) {
            const IoResult result = loop.poller.receive(to, MutableBytes{buffer}.first(1 + random() % buffer.size()));
            ASSERT_NE(result.status, IoStatus::failed);
            received += as_text(Bytes{buffer}.first(result.bytes));
            receive_armed = false;
            if (random() % 4 == 0) loop.poller.disarm_receive(to);
        }
        from.take_seen();
        to.take_seen();
    }
    EXPECT_EQ(received.size(), message.size());
    EXPECT_TRUE(received == message) << "lost, doubled or swapped";
    loop.close(from);
    loop.close(to);
}

TEST_P(SendTest, parts_arrive_in_order) {
    for (std::size_t count = 1; count <= max_send_parts; ++count) {
        std::string message;
        std::vector<std::string> pieces;
        for (std::size_t i = 0; i < count; ++i) {
            pieces.push_back(pattern(message.size(), i % 7 == 3 ? 0 : 1 + i * 3));
            message += pieces.back();
        }
        std::vector<Bytes> parts;
        for (const std::string& piece : pieces) parts.push_back(as_bytes(piece));
        std::size_t taken = 0;
        // What was taken need not be all of it; then the event must come.
        while (taken < message.size()) {
            const IoResult result = loop.poller.send(client, std::span<const Bytes>{parts});
            ASSERT_EQ(result.status, IoStatus::done);
            ASSERT_GT(result.bytes, 0U);
            taken += result.bytes;
            if (taken == message.size()) break;
            std::size_t skip = result.bytes;
            while (skip >= parts.front().size()) {
                skip -= parts.front().size();
                parts.erase(parts.begin());
            }
            parts.front() = parts.front().subspan(skip);
            client.sent = 0;
            loop.poller.arm_send(client, parts.front());
            ASSERT_NE(loop.wait_for(client, sendable) & sendable, 0U)
                << "of " << count << " parts " << result.bytes << " bytes were taken, and room is never told";
            ASSERT_EQ(client.sent, 0U) << "this test expects to send itself";
        }
        ASSERT_EQ(receive_exactly(loop, server, message.size()), message) << count << " parts";
    }
}

TEST_P(SendTest, parts_are_taken_in_part) {
    const std::string block = pattern(0, 100'000);
    std::string expected;
    std::vector<Bytes> parts(20, as_bytes(block));
    std::size_t total = 0;
    for (;;) {
        const IoResult result = loop.poller.send(client, std::span<const Bytes>{parts});
        if (result.status == IoStatus::would_block) break;
        ASSERT_EQ(result.status, IoStatus::done);
        ASSERT_GT(result.bytes, 0U);
        for (std::size_t left = result.bytes; left > 0;) {
            const std::size_t piece = std::min(left, block.size());
            expected += block.substr(0, piece);
            left -= piece;
        }
        total += result.bytes;
        if (result.bytes % block.size() != 0 || result.bytes < 20 * block.size()) break;
    }
    EXPECT_TRUE(receive_exactly(loop, server, total) == expected);
}

TEST_P(SendTest, sending_to_a_peer_that_has_gone_fails_without_a_signal) {
    loop.close(server);
    IoResult result;
    const Time deadline = Poller::now() + patience;
    do {
        result = loop.poller.send(client, as_bytes("into the void"));
        loop.turn(Poller::now() + 1ms);
    } while (result.status == IoStatus::done && Poller::now() < deadline);
    EXPECT_EQ(result.status, IoStatus::failed);
    const std::error_code error = system_error(result.error);
    EXPECT_TRUE(error == std::errc::broken_pipe || error == std::errc::connection_reset) << error.message();
}

TEST_P(SendTest, nothing_can_be_sent_after_a_half_close) {
    loop.poller.shutdown_send(client);
    const IoResult result = loop.poller.send(client, as_bytes("x"));
    EXPECT_EQ(result.status, IoStatus::failed);
    EXPECT_EQ(system_error(result.error), std::errc::broken_pipe);
}

TEST_P(SendTest, both_directions_at_once) {
    // Each side answers what it got; both windows are full most of the time.
    const std::size_t total = sanitized ? 1 << 20 : 4 << 20;
    struct Side {
        End* end;
        std::size_t sent = 0;
        std::size_t received = 0;
        bool armed = false;
        std::string waiting{};
    };
    Side sides[] = {{&client}, {&server}};
    std::vector<std::byte> buffer(std::size_t{64} * 1024);
    const Time deadline = Poller::now() + patience;
    for (Side& side : sides) loop.poller.arm_receive(*side.end);
    const auto all_received = [&] { return sides[0].received == total && sides[1].received == total; };
    for (; Poller::now() < deadline; loop.turn(deadline)) {
        for (Side& side : sides) {
            const std::uint32_t seen = side.end->take_seen();
            if ((seen & sendable) != 0) {
                side.sent += side.end->sent;
                side.armed = false;
            }
            if ((seen & receivable) != 0) {
                const IoResult result = loop.poller.receive(*side.end, buffer);
                ASSERT_NE(result.status, IoStatus::failed);
                ASSERT_EQ(as_text(Bytes{buffer}.first(result.bytes)), pattern(side.received, result.bytes));
                side.received += result.bytes;
                loop.poller.arm_receive(*side.end);
            }
            if (!side.armed && side.sent < total) {
                side.waiting = pattern(side.sent, std::min<std::size_t>(total - side.sent, 300'000));
                const IoResult result = loop.poller.send(*side.end, as_bytes(side.waiting));
                ASSERT_NE(result.status, IoStatus::failed);
                side.sent += result.bytes;
                if (result.bytes < side.waiting.size()) {
                    side.end->sent = 0;
                    loop.poller.arm_send(*side.end, as_bytes(side.waiting).subspan(result.bytes));
                    side.armed = true;
                }
            }
        }
        if (all_received()) break;
    }
    for (const Side& side : sides) EXPECT_EQ(side.received, total);
}

}  // namespace
}  // namespace pollux::platform::test
