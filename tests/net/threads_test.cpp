// What other threads do to connections by their ids: sending, closing, and ids that are long gone.
#include <algorithm>
#include <cstring>
#include <map>

#include "stamp.h"
#include "support.h"

namespace pollux::test {
namespace {

using ThreadsTest = NetTest;
INSTANTIATE_TEST_SUITE_P(Net, ThreadsTest, everywhere, setting_name);

constexpr int senders = 8;

/// Reads stamps, and that each sender's are complete and in order from 0.
class StampReader {
public:
    void take(std::string_view bytes) {
        buffered_ += bytes;
        std::size_t done = 0;
        for (; buffered_.size() - done >= sizeof(Stamp); done += sizeof(Stamp)) {
            Stamp stamp;
            std::memcpy(&stamp, buffered_.data() + done, sizeof stamp);
            std::uint32_t& expected = next_[stamp.sender];
            if (stamp.number != expected) in_order_ = false;
            expected = stamp.number + 1;
        }
        buffered_.erase(0, done);
    }

    [[nodiscard]] bool in_order() const { return in_order_; }
    [[nodiscard]] std::uint32_t next_of(std::uint32_t sender) { return next_[sender]; }

private:
    std::string buffered_;
    std::map<std::uint32_t, std::uint32_t> next_;
    bool in_order_ = true;
};

/// Sends until it is accepted; false when the connection is closed.
bool send_patiently(Engine& engine, ConnectionId id, std::string_view bytes) {
    for (;;) {
        const Result result = engine.send(id, bytes);
        if (result == Result::ok) return true;
        if (result == Result::closed) return false;
        EXPECT_EQ(result, Result::would_block);
        std::this_thread::yield();
    }
}

TEST_P(ThreadsTest, each_thread_keeps_its_order_on_the_wire) {
    const auto messages = static_cast<std::uint32_t>(scaled(20'000));
    ConnectionOptions options;
    options.max_pending_bytes = 256 << 20;  // the mailboxes may be faster than the wire
    auto server = serve({}, {.connection = options});
    const RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    std::vector<std::thread> threads;
    for (std::uint32_t sender = 0; sender < senders; ++sender) {
        threads.emplace_back([&, sender] {
            for (std::uint32_t number = 0; number < messages; ++number) {
                ASSERT_TRUE(send_patiently(engine, seen.id(), as_text_of({sender, number})));
            }
        });
    }
    StampReader reader;
    std::size_t missing = std::size_t{messages} * senders * sizeof(Stamp);
    while (missing > 0) {
        const std::string bytes = peer.receive_some(64 * 1024);
        ASSERT_FALSE(bytes.empty()) << missing << " bytes are missing";
        reader.take(bytes);
        missing -= bytes.size();
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(reader.in_order());
    for (std::uint32_t sender = 0; sender < senders; ++sender) EXPECT_EQ(reader.next_of(sender), messages);
}

TEST_P(ThreadsTest, eight_threads_send_while_the_connection_closes) {
    enum class End : std::uint8_t { close, abort, peer_resets, peer_closes };
    auto server = serve({});
    std::size_t opened = 0;
    for (std::size_t round = 0; round < scaled(60); ++round) {
        const auto end = static_cast<End>(round % 4);
        RawSocket peer = RawSocket::connect(server->address());
        ASSERT_TRUE(seen.wait_for_opens(++opened));
        const ConnectionId id = seen.id(opened - 1);
        std::atomic<int> sending{0};
        std::vector<std::thread> threads;
        for (std::uint32_t sender = 0; sender < senders; ++sender) {
            threads.emplace_back([&, sender] {
                for (std::uint32_t number = 0; send_patiently(engine, id, as_text_of({sender, number})); ++number) {
                    if (number == 20) ++sending;
                }
            });
        }
        std::thread reader_thread{[&] {
            StampReader reader;
            for (std::size_t received = 0;;) {
                const std::string bytes = peer.receive_some(64 * 1024);
                if (bytes.empty()) break;
                reader.take(bytes);
                received += bytes.size();
                if (end == End::peer_resets && received > 1000) return peer.reset();
                if (end == End::peer_closes && received > 1000) return peer.close();
            }
            EXPECT_TRUE(reader.in_order());
            peer.close();
        }};
        if (end == End::close || end == End::abort) {
            EXPECT_TRUE(eventually([&] { return sending > 0; }));
            // Eight senders may fill the mailboxes, or be too much for the reader before we come.
            Result result = Result::would_block;
            while (result == Result::would_block) result = end == End::close ? engine.close(id) : engine.abort(id);
            EXPECT_NE(result, Result::too_large);
        }
        for (std::thread& thread : threads) thread.join();
        reader_thread.join();
        ASSERT_TRUE(seen.wait_for_closes(opened));
        EXPECT_TRUE(eventually([&] { return !engine.is_alive(id); }));
    }
}

TEST_P(ThreadsTest, an_id_answers_closed_after_the_end) {
    auto server = serve({.on_data = echo});
    RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    const ConnectionId id = seen.id();
    EXPECT_TRUE(engine.is_alive(id));
    peer.close();
    ASSERT_TRUE(seen.wait_for_closes(1));
    ASSERT_TRUE(eventually([&] { return !engine.is_alive(id); }));
    const auto expect_closed = [&](ConnectionId stale) {
        EXPECT_EQ(engine.send(stale, "x"), Result::closed);
        EXPECT_EQ(engine.close(stale), Result::closed);
        EXPECT_EQ(engine.abort(stale), Result::closed);
        EXPECT_FALSE(engine.is_alive(stale));
    };
    expect_closed(id);
    // Ids that never were: none, and every kind of nonsense.
    for (const std::uint64_t nonsense : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, std::uint64_t{1} << 63,
                                         std::uint64_t{0xffffffff}, ~std::uint64_t{0} << 32, id.value ^ 0xff00}) {
        expect_closed(ConnectionId{nonsense});
    }
    // The slot is used again and again; the old id must never name a new connection.
    const std::size_t reopenings = scaled(10'000);
    for (std::size_t count = 0; count < reopenings; ++count) {
        RawSocket::connect(server->address()).close();
        if (count % 64 == 0) expect_closed(id);
    }
    ASSERT_TRUE(eventually([&] { return server->counters().accepted + server->counters().refused == reopenings + 1; }));
    ASSERT_TRUE(seen.wait_for_closes(reopenings + 1));
    expect_closed(id);
    const std::vector<ConnectionId> ids = seen.seen().ids;
    std::vector<ConnectionId> unique = ids;
    std::sort(unique.begin(), unique.end());
    EXPECT_EQ(std::unique(unique.begin(), unique.end()), unique.end()) << "an id names a connection for ever";
}

TEST_P(ThreadsTest, sends_to_an_old_id_never_reach_a_new_connection) {
    auto server = serve({});
    std::atomic<std::uint64_t> old{0};
    std::atomic<bool> go_on{true};
    std::thread sender{[&] {
        while (go_on) (void)engine.send(ConnectionId{old}, "wrong");
    }};
    for (std::size_t round = 1; round <= scaled(1000); ++round) {
        const RawSocket peer = RawSocket::connect(server->address());
        ASSERT_TRUE(seen.wait_for_opens(round));
        const ConnectionId id = seen.id(round - 1);
        EXPECT_TRUE(send_patiently(engine, id, "right"));
        ASSERT_EQ(peer.receive(5), "right");
        old = id.value;  // from here on the other thread sends to it, while it closes
        (void)engine.abort(id);
        ASSERT_TRUE(seen.wait_for_closes(round));
    }
    go_on = false;
    sender.join();
}

TEST_P(ThreadsTest, everything_at_once_from_everywhere) {
    auto server = serve({.on_data = echo});
    const SocketAddress address = server->address();
    std::atomic<bool> go_on{true};
    std::vector<std::thread> threads;
    for (int index = 0; index < 3; ++index) {
        threads.emplace_back([&] {
            while (go_on) {
                const RawSocket peer = RawSocket::connect(address);
                for (int round = 0; round < 20 && peer.valid() && peer.send("ping"); ++round) {
                    if (peer.receive_some(64).empty()) break;
                }
            }
        });
    }
    threads.emplace_back([&] {
        while (go_on) (void)server->broadcast("news");
    });
    threads.emplace_back([&] {
        for (int round = 0; go_on; ++round) {
            (round & 1) != 0 ? server->close_all() : server->abort_all();
            std::this_thread::sleep_for(2ms);
        }
    });
    threads.emplace_back([&] {
        while (go_on) {
            (void)server->counters();
            (void)server->connections();
            (void)server->address();
            (void)engine.is_alive(ConnectionId{12345});
            std::this_thread::yield();
        }
    });
    EXPECT_TRUE(eventually([&] { return server->counters().accepted >= scaled(2000); }, 4 * patience));
    go_on = false;
    server->close_all();
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
}

TEST_P(ThreadsTest, broadcasts_from_two_threads_keep_the_order_of_each) {
    auto server = serve({});
    std::vector<RawSocket> peers;
    for (int index = 0; index < 4; ++index) peers.push_back(RawSocket::connect(server->address()));
    ASSERT_TRUE(seen.wait_for_opens(peers.size()));
    const auto messages = static_cast<std::uint32_t>(scaled(5000));
    std::vector<std::thread> threads;
    for (std::uint32_t sender = 0; sender < 2; ++sender) {
        threads.emplace_back([&, sender] {
            for (std::uint32_t number = 0; number < messages; ++number) {
                const Stamp stamp{sender, number};
                while (server->broadcast(as_text_of(stamp)) == Result::would_block) std::this_thread::yield();
            }
        });
    }
    for (const RawSocket& peer : peers) {
        StampReader reader;
        reader.take(peer.receive(std::size_t{2} * messages * sizeof(Stamp)));
        EXPECT_TRUE(reader.in_order());
        EXPECT_EQ(reader.next_of(0), messages) << "a broadcast that was refused must reach nobody";
        EXPECT_EQ(reader.next_of(1), messages);
    }
    for (std::thread& thread : threads) thread.join();
}

TEST_P(ThreadsTest, a_callback_sends_to_its_own_and_to_other_connections) {
    // Whatever one connection says goes to all, by id, also across reactors.
    auto server = serve({.on_data = [this](Connection& connection, Bytes data) {
        EXPECT_EQ(connection.send("["), Result::ok);
        EXPECT_EQ(engine.send(connection.id(), data), Result::ok);
        for (const ConnectionId id : seen.seen().ids) {
            if (id == connection.id()) continue;
            EXPECT_EQ(engine.send(id, data), Result::ok);
        }
    }});
    std::vector<RawSocket> peers;
    for (std::size_t index = 0; index < 6; ++index) {
        peers.push_back(RawSocket::connect(server->address()));
        ASSERT_TRUE(seen.wait_for_opens(index + 1));
    }
    for (const RawSocket& speaker : peers) {
        ASSERT_TRUE(speaker.send("hear"));
        for (const RawSocket& peer : peers) {
            ASSERT_EQ(peer.receive(&peer == &speaker ? 5 : 4), &peer == &speaker ? "[hear" : "hear");
        }
    }
}

TEST_P(ThreadsTest, threads_that_come_and_go_leave_nothing_behind) {
    // Each thread has mailboxes of its own, which must be given back when it ends.
    auto server = serve({});
    const RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    const std::size_t count = scaled(2000);
    for (std::size_t index = 0; index < count; ++index) {
        std::thread{[&] { EXPECT_TRUE(send_patiently(engine, seen.id(), pattern(index * 3, 3))); }}.join();
        // Different threads have no order between them unless the bytes have arrived.
        ASSERT_EQ(peer.receive(3), pattern(index * 3, 3));
    }
}

}  // namespace
}  // namespace pollux::test
