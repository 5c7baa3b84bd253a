// Clients and names, and clients that one of their own callbacks stops or destroys.
#include <algorithm>
#include <array>

#include "own_network.h"
#include "platform/sockets.h"
#include "support.h"

namespace pollux::test {
namespace {

using ClientEndTest = NetTest;
INSTANTIATE_TEST_SUITE_P(Net, ClientEndTest, everywhere, setting_name);

enum class ClientPlace : std::uint8_t { on_open, on_data, on_end, on_drain, on_timer, on_close, on_connect_error };
constexpr std::array every_place{ClientPlace::on_open,         ClientPlace::on_data,  ClientPlace::on_end,
                                 ClientPlace::on_drain,        ClientPlace::on_timer, ClientPlace::on_close,
                                 ClientPlace::on_connect_error};

/// A client one of whose callbacks does something to the client itself.
class SelfActing {
public:
    using Act = std::function<void(std::unique_ptr<Client<Recording>>&)>;

    SelfActing(Engine& engine, Transport transport, ClientPlace place, Act act) : listener_(transport) {
        const auto once = [this, act = std::move(act)] {
            // The test made the client on its own thread; wait until the pointer is written.
            std::lock_guard lock{mutex_};
            if (acted_) return;
            acted_ = true;
            act(client_);
            record_.mark();
        };
        Hooks hooks;
        switch (place) {
            case ClientPlace::on_open:
                hooks.on_open = [once](Connection&) { once(); };
                break;
            case ClientPlace::on_data:
                hooks.on_data = [once](Connection&, Bytes) { once(); };
                break;
            case ClientPlace::on_end:
                hooks.on_end = [once](Connection&) { once(); };
                break;
            case ClientPlace::on_timer:
                hooks.on_timer = [once](Connection&) { once(); };
                break;
            case ClientPlace::on_close:
                hooks.on_close = [once](Connection&, CloseReason, std::error_code) { once(); };
                break;
            case ClientPlace::on_connect_error:
                hooks.on_connect_error = [once](std::error_code, unsigned, bool) { once(); };
                break;
            case ClientPlace::on_drain:
                hooks.on_open = [](Connection& connection) { send_until_refused(connection, pattern(0, 64 * 1024)); };
                hooks.on_drain = [once](Connection&) { once(); };
                break;
        }
        if (place == ClientPlace::on_connect_error) listener_.close();
        {
            std::lock_guard lock{mutex_};
            client_ = std::make_unique<Client<Recording>>(
                engine,
                ClientOptions{.endpoint = listener_.endpoint(),
                              .reconnect = {.enabled = true, .delay = std::chrono::milliseconds{2}}},
                std::ref(record_), std::move(hooks));
            const Status status = client_->start();
            EXPECT_TRUE(status) << status;
        }
        if (place == ClientPlace::on_connect_error) return;
        RawSocket peer = listener_.accept();
        if (place == ClientPlace::on_data) {
            EXPECT_TRUE(peer.send("x"));
        }
        if (place == ClientPlace::on_end || place == ClientPlace::on_close) peer.finish_sending();
        (void)peer.receive_rest();
        peer.close();
    }

    Recorder& record() { return record_; }

private:
    RawListener listener_;
    Recorder record_;
    std::mutex mutex_;
    bool acted_ = false;
    std::unique_ptr<Client<Recording>> client_;
};

TEST_P(ClientEndTest, destroyed_in_each_callback) {
    for (const ClientPlace place : every_place) {
        SCOPED_TRACE(static_cast<int>(place));
        SelfActing subject{engine, transport(), place, [](auto& client) { client.reset(); }};
        ASSERT_TRUE(subject.record().wait_for_marks(1));
        EXPECT_TRUE(
            subject.record().wait_until([](const auto& now) { return now.handlers == 0 && now.opens == now.closes; }));
        turn_all(engine);
        subject.record().expect_in_order("client");
        EXPECT_LE(subject.record().seen().opens, 1u) << "no reconnect after the end";
    }
}

TEST_P(ClientEndTest, stopped_in_each_callback) {
    for (const ClientPlace place : every_place) {
        SCOPED_TRACE(static_cast<int>(place));
        SelfActing subject{engine, transport(), place, [](auto& client) { client->stop(); }};
        ASSERT_TRUE(subject.record().wait_for_marks(1));
        EXPECT_TRUE(
            subject.record().wait_until([](const auto& now) { return now.handlers == 0 && now.opens == now.closes; }));
        turn_all(engine);
        EXPECT_LE(subject.record().seen().opens, 1u) << "no reconnect after stop";
    }
}

TEST_P(ClientEndTest, destroyed_while_connecting) {
    auto server = serve({});
    for (std::size_t round = 0; round < scaled(300); ++round) {
        Client<Recording> client{engine, {.endpoint = endpoint_of(server->address())}, std::ref(client_seen)};
        ASSERT_TRUE(client.start());
        if (round % 4 == 1) std::this_thread::yield();
        if (round % 4 == 2) std::this_thread::sleep_for(50us);
        if (round % 4 == 3) {
            ASSERT_TRUE(client_seen.wait_until([](const auto& now) { return now.opens > now.closes; }));
        }
    }
    EXPECT_TRUE(client_seen.wait_until([](const auto& now) { return now.opens == now.closes && now.handlers == 0; }));
}

TEST_P(ClientEndTest, many_clients_of_one_server) {
    auto server = serve({.on_data = echo});
    const std::size_t count = scaled(200);
    std::vector<std::unique_ptr<Client<Recording>>> clients;
    for (std::size_t index = 0; index < count; ++index) {
        clients.push_back(std::make_unique<Client<Recording>>(
            engine, ClientOptions{.endpoint = endpoint_of(server->address())}, std::ref(client_seen),
            Hooks{.on_open = [](Connection& connection) { EXPECT_EQ(connection.send("hello"), Result::ok); }}));
        ASSERT_TRUE(clients.back()->start());
    }
    EXPECT_TRUE(client_seen.wait_for_bytes(5 * count));
    EXPECT_EQ(server->connections(), count);
    clients.clear();
    EXPECT_TRUE(seen.wait_for_closes(count));
}

using NameTest = EngineTest;

TEST_F(NameTest, a_name_that_does_not_resolve) {
    Client<Recording> client{engine, {.endpoint = "tcp://does-not-exist.invalid:80"}, std::ref(client_seen)};
    ASSERT_TRUE(client.start());
    ASSERT_TRUE(client_seen.wait_until([](const auto& now) { return !now.connect_errors.empty(); }, 3 * patience));
    EXPECT_EQ(client_seen.seen().connect_errors[0].error, Errc::name_not_resolved);
    EXPECT_FALSE(client_seen.seen().connect_errors[0].will_retry);
}

TEST_F(NameTest, resolving_does_not_hold_up_the_reactor) {
    Server<Recording> server{engine, {.endpoint = "tcp://127.0.0.1:0"}, std::ref(seen), Hooks{.on_data = echo}};
    ASSERT_TRUE(server.start());
    Client<Recording> client{engine, {.endpoint = "tcp://does-not-exist.invalid:80"}, std::ref(client_seen)};
    ASSERT_TRUE(client.start());
    const RawSocket peer = RawSocket::connect(server.address());
    for (int round = 0; round < 10; ++round) {
        ASSERT_TRUE(peer.send("ping"));
        ASSERT_EQ(peer.receive(4), "ping");
    }
}

TEST_F(NameTest, stopped_and_destroyed_while_resolving) {
    for (int round = 0; round < 20; ++round) {
        Client<Recording> client{engine, {.endpoint = "tcp://does-not-exist.invalid:80"}, std::ref(client_seen)};
        ASSERT_TRUE(client.start());
        if (round % 2 == 0) {
            client.stop();
            EXPECT_EQ(client_seen.seen().handlers, 0u);
        }
    }
}

TEST_F(NameTest, tries_each_address_of_a_name) {
    std::vector<SocketAddress> found;
    ASSERT_FALSE(platform::resolve("localhost", 1, found));
    const auto is_of = [](SocketAddress::Family family) {
        return [=](const SocketAddress& address) { return address.family == family; };
    };
    const bool ipv4 = std::any_of(found.begin(), found.end(), is_of(SocketAddress::Family::ipv4));
    const bool ipv6 = std::any_of(found.begin(), found.end(), is_of(SocketAddress::Family::ipv6));
    if (!ipv4 || !ipv6 || !has_ipv6()) GTEST_SKIP() << "localhost is not both 127.0.0.1 and ::1 here";
    // Whichever address comes first, in one of the two rounds nobody listens there.
    std::size_t opened = 0;
    for (const char* endpoint : {"tcp://127.0.0.1:0", "tcp://[::1]:0"}) {
        Server<Recording> server{engine, {.endpoint = endpoint}, std::ref(seen)};
        ASSERT_TRUE(server.start());
        Client<Recording> client{
            engine, {.endpoint = "tcp://localhost:" + std::to_string(server.port())}, std::ref(client_seen)};
        ASSERT_TRUE(client.start());
        EXPECT_TRUE(client_seen.wait_for_opens(++opened)) << endpoint;
    }
    EXPECT_TRUE(client_seen.seen().connect_errors.empty()) << "an attempt failed only if every address did";
}

TEST_F(NameTest, a_name_where_nobody_listens_at_any_address) {
    std::uint16_t port = 0;
    {
        const RawListener listener{Transport::tcp};
        port = listener.address().port;
    }
    Client<Recording> client{engine, {.endpoint = "tcp://localhost:" + std::to_string(port)}, std::ref(client_seen)};
    ASSERT_TRUE(client.start());
    ASSERT_TRUE(client_seen.wait_until([](const auto& now) { return !now.connect_errors.empty(); }));
    EXPECT_EQ(client_seen.seen().connect_errors[0].error, std::errc::connection_refused);
    turn_all(engine);
    EXPECT_EQ(client_seen.seen().connect_errors.size(), 1u) << "one error for all addresses";
}

TEST(SelfConnectTest, a_client_never_talks_to_itself) {
    // TCP connects a socket to itself if the system happens to give it the port it is looking for.
    bool possible = false;
    Recorder record;
    const bool allowed = in_own_network([&] {
        possible = leave_one_port(40'000);
        if (!possible) return;
        Engine engine;
        ASSERT_TRUE(engine.start());
        Client<Recording> client{engine, {.endpoint = "tcp://127.0.0.1:40000"}, std::ref(record)};
        ASSERT_TRUE(client.start());
        EXPECT_TRUE(record.wait_until([](const auto& now) { return !now.connect_errors.empty() || now.opens != 0; }));
    });
    if (!allowed || !possible) GTEST_SKIP() << "the system does not allow a network of the test's own";
    EXPECT_EQ(record.seen().opens, 0u);
    ASSERT_FALSE(record.seen().connect_errors.empty());
    EXPECT_EQ(record.seen().connect_errors[0].error, Errc::self_connect);
}

}  // namespace
}  // namespace pollux::test
