// In the steady state UDP makes no call to the allocator either: echo between sockets of the library, sends from
// another thread, and multicast.
#include <array>
#include <atomic>
#include <memory>

#include "net/support.h"
#include "steady_state.h"

namespace pollux::test {
namespace {

constexpr std::array<std::byte, 2048> payload{};

/// Answers each datagram by itself.
struct UdpEcho final : DatagramHandler {
    void on_datagram(UdpSocket& socket, const InetAddress& from, Bytes bytes) override {
        (void)socket.send_to(from, bytes);
    }
};

/// Answers what came in one piece in one piece.
struct UdpRunEcho final : DatagramHandler {
    void on_datagram(UdpSocket& /*socket*/, const InetAddress& /*from*/, Bytes /*bytes*/) override {}
    void on_run(UdpSocket& socket, const InetAddress& from, const DatagramRun& run) override {
        (void)socket.send_run(from, run);
    }
};

/// What the peers of a server do, and what came back.
struct Load {
    std::size_t bytes = 0;
    std::size_t in_flight = 0;
    std::atomic<std::uint64_t> received{0};
};

/// Keeps datagrams in flight, so few that no buffer overflows.
class Pinger final : public DatagramHandler {
public:
    explicit Pinger(Load& load) : load_(load) {}

    void on_open(UdpSocket& socket) override {
        for (std::size_t i = 0; i < load_.in_flight; ++i) send(socket);
    }
    void on_datagram(UdpSocket& socket, const InetAddress& /*from*/, Bytes bytes) override {
        if (bytes.size() != load_.bytes) return;  // the load ends, and the test tells
        ++load_.received;
        if (load_.in_flight != 0) send(socket);
    }

private:
    void send(UdpSocket& socket) { (void)socket.send(Bytes{payload}.first(load_.bytes)); }

    Load& load_;
};

struct UdpSetting {
    std::size_t bytes = 0;
    std::size_t clients = 0;
    std::size_t reactors = 0;
};

std::string udp_setting_name(const testing::TestParamInfo<UdpSetting>& info) {
    return std::to_string(info.param.bytes) + "_bytes_" + std::to_string(info.param.clients) + "_clients_" +
           std::to_string(info.param.reactors) + "_reactors";
}

class UdpSteadyStateTest : public testing::TestWithParam<UdpSetting>, protected SteadyState {
protected:
    void SetUp() override {
        if (POLLUX_COUNTS_ALLOCATIONS == 0) GTEST_SKIP() << "the allocator cannot be replaced in this build";
        ASSERT_TRUE(engine_.start());
    }

    /// Clients that keep `in_flight` datagrams each under way to an address.
    void connect(const InetAddress& to, std::size_t in_flight) {
        load_.bytes = GetParam().bytes;
        load_.in_flight = in_flight;
        for (std::size_t i = 0; i < GetParam().clients; ++i) {
            clients_.push_back(std::make_unique<Udp<Pinger>>(engine_, UdpOptions{.connect = "udp://" + to.to_string()},
                                                             std::ref(load_)));
            const Status status = clients_.back()->start();
            ASSERT_TRUE(status) << status;
        }
    }

    /// Has all sockets send in one turn, some times: a reactor's lists of those that have something to do grow to what
    /// they will ever be.
    void make_all_send_at_once(UdpBase& server) {
        constexpr std::string_view ignored = "x";
        for (std::size_t i = 0; i < 4 * engine_.reactors(); ++i) {
            const std::size_t reactor = i % engine_.reactors();
            run_on(engine_.reactor(reactor), [&] {
                for (const auto& client : clients_) (void)engine_.send(client->socket_id(reactor), ignored);
                (void)engine_.send_to(server.socket_id(reactor), clients_.front()->address(), ignored);
            });
        }
    }

    void wait_until_received(std::uint64_t target) {
        const auto deadline = Clock::now() + patience;
        while (load_.received < target && !went_wrong()) {
            std::this_thread::yield();
            check(Clock::now() <= deadline);  // datagrams were lost
        }
    }
    void wait_for_more(std::uint64_t count) { wait_until_received(load_.received + count); }

    Load load_;
    Engine engine_{{.reactors = GetParam().reactors}};
    std::vector<std::unique_ptr<Udp<Pinger>>> clients_;
};

INSTANTIATE_TEST_SUITE_P(Net, UdpSteadyStateTest,
                         testing::Values(UdpSetting{32, 1, 1}, UdpSetting{32, 6, 1}, UdpSetting{32, 1, 2},
                                         UdpSetting{32, 6, 2}, UdpSetting{1472, 1, 1}, UdpSetting{1472, 6, 1},
                                         UdpSetting{1472, 1, 2}, UdpSetting{1472, 6, 2}),
                         udp_setting_name);

TEST_P(UdpSteadyStateTest, echo) {
    Udp<UdpEcho> server{engine_, {.bind = "udp://127.0.0.1:0"}};
    ASSERT_TRUE(server.start());
    connect(server.address(), 10);
    make_all_send_at_once(server);
    expect_no_allocation([&] { wait_for_more(20'000); });
}

TEST_P(UdpSteadyStateTest, echo_of_one_in_flight) {
    Udp<UdpEcho> server{engine_, {.bind = "udp://127.0.0.1:0"}};
    ASSERT_TRUE(server.start());
    connect(server.address(), 1);
    make_all_send_at_once(server);
    expect_no_allocation([&] { wait_for_more(5'000); });
}

TEST_P(UdpSteadyStateTest, echo_of_runs) {
    Udp<UdpRunEcho> server{engine_, {.bind = "udp://127.0.0.1:0"}};
    ASSERT_TRUE(server.start());
    connect(server.address(), 10);
    make_all_send_at_once(server);
    expect_no_allocation([&] { wait_for_more(20'000); });
}

TEST_P(UdpSteadyStateTest, echo_with_each_batching) {
    for (const UdpBatching batching : {UdpBatching::calls, UdpBatching::none}) {
        Udp<UdpEcho> server{engine_, {.bind = "udp://127.0.0.1:0", .batching = batching}};
        ASSERT_TRUE(server.start());
        connect(server.address(), 10);
        make_all_send_at_once(server);
        expect_no_allocation([&] { wait_for_more(10'000); });
        clients_.clear();
    }
}

TEST_P(UdpSteadyStateTest, sends_from_another_thread) {
    Udp<UdpEcho> server{engine_, {.bind = "udp://127.0.0.1:0"}};
    ASSERT_TRUE(server.start());
    connect(server.address(), 0);
    make_all_send_at_once(server);
    const InetAddress address = server.address();
    std::vector<UdpSocketId> ids;
    for (const auto& client : clients_) {
        for (std::size_t i = 0; i < engine_.reactors(); ++i) {
            if (const UdpSocketId id = client->socket_id(i)) ids.push_back(id);
        }
    }
    ASSERT_EQ(ids.size(), clients_.size());
    const Bytes bytes = Bytes{payload}.first(load_.bytes);
    expect_no_allocation([&] {
        for (int round = 0; round < 500 && !went_wrong(); ++round) {
            const std::uint64_t target = load_.received + 3 * clients_.size();
            for (std::size_t i = 0; i < clients_.size(); ++i) {
                insist([&] { return clients_[i]->send(bytes); });
                insist([&] { return engine_.send(ids[i], bytes); });
                insist([&] { return engine_.send_to(ids[i], address, bytes); });
            }
            wait_until_received(target);
        }
    });
}

TEST_P(UdpSteadyStateTest, multicast) {
    // The clients of the setting are the members of a group.
    load_.bytes = GetParam().bytes;
    const MulticastGroup group{.group = "239.255.17.9", .interface_name = "lo"};
    std::uint16_t port = 0;
    for (std::size_t i = 0; i < GetParam().clients; ++i) {
        clients_.push_back(std::make_unique<Udp<Pinger>>(engine_,
                                                         UdpOptions{.bind = "udp://0.0.0.0:" + std::to_string(port),
                                                                    .reactor = i % engine_.reactors(),
                                                                    .reuse_address = true,
                                                                    .multicast = {.groups = {group}}},
                                                         std::ref(load_)));
        if (const Status status = clients_.back()->start(); !status) GTEST_SKIP() << status;
        port = clients_.back()->port();
    }
    Udp<UdpEcho> sender{engine_, {.bind = "udp://127.0.0.1:0", .reactor = 0, .multicast = {.interface_name = "lo"}}};
    ASSERT_TRUE(sender.start());
    InetAddress to;
    ASSERT_TRUE(InetAddress::parse("239.255.17.9:" + std::to_string(port), to));
    const Bytes bytes = Bytes{payload}.first(load_.bytes);
    expect_no_allocation([&] {
        for (int round = 0; round < 500 && !went_wrong(); ++round) {
            const std::uint64_t target = load_.received + 10 * clients_.size();
            for (int i = 0; i < 10; ++i) insist([&] { return sender.send_to(to, bytes); });
            wait_until_received(target);
        }
    });
}

TEST_P(UdpSteadyStateTest, counters_and_questions) {
    Udp<UdpEcho> server{engine_, {.bind = "udp://127.0.0.1:0"}};
    ASSERT_TRUE(server.start());
    connect(server.address(), 10);
    make_all_send_at_once(server);
    const UdpSocketId id = server.socket_id(0);
    expect_no_allocation([&] {
        for (int round = 0; round < 1'000; ++round) {
            check(server.counters().errors == 0 && server.address() && engine_.is_alive(id));
        }
    });
}

}  // namespace
}  // namespace pollux::test
