// What the tests of peers that do not read share.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "support.h"

namespace pollux::test {

/// A receive buffer of the peer so small that the kernel cannot swallow what is meant to be pending.
inline constexpr int narrow_buffer = 64 * kibibyte;

/// Sends `total` bytes of the pattern as fast as the watermark lets it, then closes.
class Producer final : public ConnectionHandler {
public:
    struct Report {
        std::atomic<std::size_t> refusals{0};
        std::atomic<std::size_t> drains{0};
        std::atomic<std::size_t> most_pending{0};
        std::atomic<CloseReason> reason{CloseReason::none};
        Gate closed;
    };

    Producer(std::uint64_t total, Report& report) : total_(total), report_(report) {}

    void on_open(Connection& connection) override { produce(connection); }
    void on_data(Connection&, Bytes) override {}
    void on_drain(Connection& connection) override {
        ++report_.drains;
        EXPECT_LE(connection.bytes_pending(), ConnectionOptions{}.low_watermark_bytes);
        produce(connection);
    }
    void on_close(Connection&, CloseReason reason, std::error_code) override {
        report_.reason = reason;
        report_.closed.open();
    }

private:
    void produce(Connection& connection) {
        while (sent_ < total_) {
            const std::size_t size = std::min<std::size_t>(64 * 1024, total_ - sent_);
            const Result result = connection.send(pattern(sent_, size));
            report_.most_pending = std::max(report_.most_pending.load(), connection.bytes_pending());
            if (result == Result::would_block) {
                ++report_.refusals;
                return;
            }
            ASSERT_EQ(result, Result::ok);
            sent_ += size;
        }
        connection.close();
    }

    std::uint64_t total_;
    std::uint64_t sent_ = 0;
    Report& report_;
};

/// Asks a server that is sending, once it has marked that it is, whether it reads the question before or after its
/// answers are taken.
template <class Peer>
void ask_while_answers_are_pending(Peer peer, Engine& engine, Recorder& seen, bool expect_read) {
    ASSERT_TRUE(seen.wait_for_marks(1));
    ASSERT_TRUE(peer.send("question"));
    if (expect_read) {
        EXPECT_TRUE(seen.wait_for_bytes(8));
    } else {
        turn_all(engine);
        EXPECT_EQ(seen.seen().received, "");
    }
    if constexpr (std::is_void_v<decltype(peer.finish_sending())>) {
        peer.finish_sending();
    } else {
        ASSERT_TRUE(peer.finish_sending());
    }
    EXPECT_TRUE(matches_pattern(peer.receive_rest().bytes, 0));
    EXPECT_TRUE(seen.wait_for_bytes(8)) << "once the answers are taken the question must be read";
    peer.close();
    EXPECT_TRUE(seen.wait_for_closes(1));
}

}  // namespace pollux::test
