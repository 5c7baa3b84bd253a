// In the steady state the library makes no call to the allocator, on any thread and for any kind of work.

#include <array>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>

#include "net/support.h"
#include "steady_state.h"

namespace pollux::test {
namespace {

/// An echo that also keeps a timer moving, as one with a deadline of its own would.
class TimedEcho final : public ConnectionHandler {
public:
    explicit TimedEcho(std::atomic<std::size_t>& opened, std::vector<std::atomic<std::uint64_t>>& ids)
        : opened_(opened), ids_(ids) {}

    void on_open(Connection& connection) override {
        timer_.emplace(connection.reactor(), [](Timer&) {});
        ids_[opened_++] = connection.id().value;
    }
    void on_data(Connection& connection, Bytes data) override {
        timer_->after(2ms);
        (void)connection.send(data);
    }
    void on_close(Connection&, CloseReason, std::error_code) override { timer_.reset(); }

private:
    std::atomic<std::size_t>& opened_;
    std::vector<std::atomic<std::uint64_t>>& ids_;
    std::optional<Timer> timer_;
};

class SteadyStateTest : public testing::TestWithParam<Setting>, protected SteadyState {
protected:
    static constexpr std::size_t clients = 6;

    void SetUp() override {
        if (POLLUX_COUNTS_ALLOCATIONS == 0) GTEST_SKIP() << "the allocator cannot be replaced in this build";
        ASSERT_TRUE(server_.start());
        ASSERT_TRUE(engine_.start());
        for (RawSocket& peer : peers_) {
            peer = RawSocket::connect(server_.address());
            ASSERT_TRUE(peer.valid());
        }
        ASSERT_TRUE(eventually([&] { return opened_ == clients; }));
    }

    void send(const RawSocket& peer, std::size_t size) { check(peer.send(as_text(Bytes{buffer_}.first(size)))); }

    void receive(const RawSocket& peer, std::size_t size) {
        for (std::size_t done = 0; done < size;) {
            char* bytes = reinterpret_cast<char*>(buffer_.data());
            const std::ptrdiff_t received = receive_bytes(peer.handle(), {bytes, size - done});
            if (received <= 0) return fail();
            done += static_cast<std::size_t>(received);
        }
    }

    void fail() { check(false); }

    std::atomic<std::size_t> opened_{0};
    std::vector<std::atomic<std::uint64_t>> ids_ = std::vector<std::atomic<std::uint64_t>>(clients);
    std::array<std::byte, 65536> buffer_{};
    Engine engine_{{.reactors = GetParam().reactors}};
    Server<TimedEcho> server_{
        engine_, {.endpoint = fresh_endpoint(GetParam().transport)}, std::ref(opened_), std::ref(ids_)};
    std::array<RawSocket, clients> peers_{};
};

INSTANTIATE_TEST_SUITE_P(Net, SteadyStateTest, everywhere, setting_name);

TEST(AllocationCountTest, sees_every_way_to_allocate) {
    if (POLLUX_COUNTS_ALLOCATIONS == 0) GTEST_SKIP() << "the allocator cannot be replaced in this build";
    start_counting();
    // Volatile, so that the compiler cannot leave out what is allocated for nothing.
    void* volatile by_malloc = std::malloc(100);
    void* volatile by_calloc = std::calloc(10, 10);
    void* volatile by_realloc = std::realloc(nullptr, 100);
    void* volatile by_new = ::operator new(100);
    void* volatile by_aligned_new = ::operator new (100, std::align_val_t{64});
    std::thread{[] { std::free(std::malloc(100)); }}.join();
    EXPECT_GE(stop_counting(), 6u);
    std::free(by_malloc);
    std::free(by_calloc);
    std::free(by_realloc);
    ::operator delete(by_new);
    ::operator delete (by_aligned_new, std::align_val_t{64});
}

TEST_P(SteadyStateTest, echo_of_small_messages) {
    expect_no_allocation([&] {
        for (int round = 0; round < 2000; ++round) {
            for (const RawSocket& peer : peers_) send(peer, 32);
            for (const RawSocket& peer : peers_) receive(peer, 32);
        }
    });
}

TEST_P(SteadyStateTest, echo_of_many_messages_in_flight) {
    expect_no_allocation([&] {
        for (int round = 0; round < 50; ++round) {
            for (const RawSocket& peer : peers_) {
                for (int message = 0; message < 200; ++message) send(peer, 32);
            }
            for (const RawSocket& peer : peers_) receive(peer, std::size_t{200} * 32);
        }
    });
}

TEST_P(SteadyStateTest, echo_of_large_messages) {
    expect_no_allocation([&] {
        for (int round = 0; round < 200; ++round) {
            for (const RawSocket& peer : peers_) send(peer, buffer_.size());
            for (const RawSocket& peer : peers_) receive(peer, buffer_.size());
        }
    });
}

TEST_P(SteadyStateTest, sends_from_another_thread) {
    expect_no_allocation([&] {
        for (int round = 0; round < 2000; ++round) {
            for (const auto& id : ids_)
                insist([&] { return engine_.send(ConnectionId{id}, Bytes{buffer_}.first(32)); });
            for (const RawSocket& peer : peers_) receive(peer, 32);
        }
    });
}

TEST_P(SteadyStateTest, broadcasts_from_another_thread) {
    expect_no_allocation([&] {
        for (int round = 0; round < 2000; ++round) {
            insist([&] { return server_.broadcast(Bytes{buffer_}.first(32)); });
            for (const RawSocket& peer : peers_) receive(peer, 32);
        }
        for (int round = 0; round < 50; ++round) {
            for (int message = 0; message < 100; ++message) {
                insist([&] { return server_.broadcast(Bytes{buffer_}.first(200)); });
            }
            for (const RawSocket& peer : peers_) receive(peer, std::size_t{100} * 200);
        }
    });
}

TEST_P(SteadyStateTest, tasks_from_another_thread) {
    std::atomic<std::uint64_t> ran{0};
    expect_no_allocation([&] {
        const std::uint64_t before = ran;
        constexpr std::uint64_t tasks = 20'000;
        for (std::uint64_t task = 0; task < tasks; ++task) {
            insist([&] { return engine_.post(task % GetParam().reactors, [&ran] { ++ran; }); });
        }
        while (ran != before + tasks) std::this_thread::yield();
    });
}

TEST_P(SteadyStateTest, timers_that_fire_and_move) {
    std::atomic<std::uint64_t> fired{0};
    std::unique_ptr<Timer> periodic;
    std::unique_ptr<Timer> chained;
    run_on(engine_.reactor(0), [&] {
        periodic = std::make_unique<Timer>(engine_.reactor(0), [&](Timer&) { ++fired; });
        chained = std::make_unique<Timer>(engine_.reactor(0), [&](Timer& self) { self.after(100us); });
        periodic->every(200us);
        chained->after(100us);
    });
    expect_no_allocation([&] {
        const std::uint64_t before = fired;
        while (fired < before + 500) std::this_thread::yield();
    });
    run_on(engine_.reactor(0), [&] {
        periodic.reset();
        chained.reset();
    });
}

TEST_P(SteadyStateTest, counters_and_questions) {
    expect_no_allocation([&] {
        for (int round = 0; round < 1000; ++round) {
            if (server_.counters().connections != clients || server_.connections() != clients) fail();
            if (!engine_.is_alive(ConnectionId{ids_[0]})) fail();
        }
    });
}

TEST_P(SteadyStateTest, everything_together) {
    expect_no_allocation([&] {
        for (int round = 0; round < 500; ++round) {
            for (const RawSocket& peer : peers_) send(peer, 100);
            insist([&] { return server_.broadcast(Bytes{buffer_}.first(50)); });
            for (const auto& id : ids_)
                insist([&] { return engine_.send(ConnectionId{id}, Bytes{buffer_}.first(20)); });
            insist([&] { return engine_.post(0, [] {}); });
            for (const RawSocket& peer : peers_) receive(peer, 170);
        }
    });
}

}  // namespace
}  // namespace pollux::test
