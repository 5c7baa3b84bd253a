// Other threads that send, close, abort, stop and reload while connections shake hands and talk.
#include <algorithm>
#include <cerrno>

#include "tls_support.h"

namespace pollux::test {
namespace {

using TlsThreadsTest = TlsTest;
INSTANTIATE_TEST_SUITE_P(Net, TlsThreadsTest, everywhere, setting_name);

/// A server of the test's own, halfway through the handshake with a client of Pollux.
class HalfwayClient {
public:
    HalfwayClient(Engine& engine, Transport transport, Recorder& record)
        : listener_(transport), client(engine, secure_client_of(listener_.address()), std::ref(record)) {
        const Status status = client.start();
        EXPECT_TRUE(status) << status;
        peer = {listener_.accept(), TlsRole::server, {.identity = "server-ecdsa"}};
        EXPECT_TRUE(peer.hear());
    }

private:
    RawListener listener_;

public:
    Client<Recording> client;
    TlsPeer peer;
};

TEST_P(TlsThreadsTest, sends_during_the_handshake_are_refused_until_it_is_over) {
    Recorder record;
    HalfwayClient halfway{engine, transport(), record};
    std::atomic<bool> go_on{true};
    std::atomic<std::size_t> refused{0};
    std::atomic<std::size_t> accepted{0};
    std::thread sender{[&] {
        while (go_on) {
            const Result result = halfway.client.send("x");
            if (result == Result::ok) {
                // The id is there just before on_open is called; what is sent then arrives after it.
                EXPECT_TRUE(record.wait_for_opens(1)) << "accepted, and never opened";
                ++accepted;
            } else {
                EXPECT_TRUE(result == Result::closed || result == Result::would_block) << to_string(result);
                ++refused;
            }
            std::this_thread::yield();
        }
    }};
    EXPECT_TRUE(eventually([&] { return refused > 10; }));
    EXPECT_EQ(accepted, 0u);
    EXPECT_TRUE(halfway.peer.handshake()) << halfway.peer.failure();
    EXPECT_TRUE(eventually([&] { return accepted > 10; }));
    go_on = false;
    sender.join();
    EXPECT_EQ(halfway.peer.receive(accepted), std::string(accepted, 'x'));
    halfway.peer.close();
    halfway.client.stop();
}

TEST_P(TlsThreadsTest, a_client_is_stopped_at_any_moment_of_its_handshake) {
    auto server = serve_tls({.on_data = echo});
    Recorder record;
    Client<Recording> client{engine, secure_client_of(server->address()), std::ref(record)};
    for (std::size_t round = 0; round < scaled(100); ++round) {
        ASSERT_TRUE(client.start());
        std::thread stopper{[&, round] {
            for (std::size_t wait = 0; wait < round * 20; ++wait) std::this_thread::yield();
            client.stop();
        }};
        stopper.join();
        ASSERT_EQ(record.seen().opens, record.seen().closes);
        ASSERT_EQ(record.seen().handlers, 0u);
    }
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
}

TEST_P(TlsThreadsTest, a_client_is_told_to_reconnect_during_the_handshake) {
    Recorder record;
    HalfwayClient halfway{engine, transport(), record};
    halfway.client.reconnect();
    turn_all(engine, 3);
    // Whatever that meant for this attempt, the client is still there to be stopped.
    (void)halfway.peer.handshake();
    halfway.client.stop();
    EXPECT_EQ(record.seen().opens, record.seen().closes);
    EXPECT_EQ(record.seen().handlers, 0u);
}

TEST_P(TlsThreadsTest, a_server_closes_and_aborts_those_who_are_shaking_hands) {
    auto server = serve_tls({.on_data = echo});
    for (const bool gracefully : {true, false}) {
        const std::size_t before = seen.seen().handshake_errors.size();
        std::vector<TlsPeer> peers;
        for (int index = 0; index < 4; ++index) {
            peers.push_back(TlsPeer::connect(server->address()));
            ASSERT_TRUE(peers.back().socket().send(peers.back().next_flight()));
            ASSERT_TRUE(peers.back().hear());
        }
        gracefully ? server->close_all() : server->abort_all();
        for (TlsPeer& peer : peers) {
            EXPECT_NE(peer.socket().receive_rest().error, EAGAIN) << "nobody is left waiting";
            peer.close();
        }
        ASSERT_TRUE(seen.wait_for_handshake_errors(before + 4));
        for (std::size_t index = before; index < before + 4; ++index) {
            const CloseReason reason = seen.seen().handshake_errors[index].reason;
            EXPECT_EQ(reason, gracefully ? CloseReason::local_close : CloseReason::aborted) << to_string(reason);
        }
    }
    EXPECT_EQ(seen.seen().opens, 0u);
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
    turn_all(engine);  // a reactor that had nobody to abort may not have come to it yet
    TlsPeer peer = join(*server);
    ASSERT_TRUE(peer.send("hello"));
    EXPECT_EQ(peer.receive(5), "hello");
}

TEST_P(TlsThreadsTest, threads_close_and_abort_while_others_come) {
    auto server = serve_tls({.on_data = echo});
    std::atomic<bool> go_on{true};
    std::thread closer{[&] {
        for (std::size_t round = 0; go_on; ++round) {
            round % 2 == 0 ? server->close_all() : server->abort_all();
            std::this_thread::sleep_for(1ms);
        }
    }};
    const TlsPeerContext context{TlsRole::client, {}};
    for (std::size_t round = 0; round < scaled(150); ++round) {
        TlsPeer peer{RawSocket::connect(server->address()), context};
        if (peer.handshake() && peer.send("hello")) (void)peer.receive(5);
    }
    go_on = false;
    closer.join();
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
}

TEST_P(TlsThreadsTest, an_engine_stops_while_clients_and_servers_shake_hands) {
    for (std::size_t round = 0; round < scaled(20); ++round) {
        Recorder record;
        Recorder client_record;
        Engine stopping{{.reactors = GetParam().reactors}};
        ASSERT_TRUE(stopping.start());
        Server<Recording> server{stopping, {.endpoint = endpoint(), .tls = server_context()}, std::ref(record)};
        ASSERT_TRUE(server.start());
        std::vector<std::unique_ptr<Client<Recording>>> clients;
        for (int index = 0; index < 4; ++index) {
            clients.push_back(std::make_unique<Client<Recording>>(stopping, secure_client_of(server.address()),
                                                                  std::ref(client_record)));
            ASSERT_TRUE(clients.back()->start());
        }
        for (std::size_t wait = 0; wait < round * 50; ++wait) std::this_thread::yield();
        stopping.stop();
        stopping.wait();
        EXPECT_EQ(record.seen().opens, record.seen().closes);
        EXPECT_EQ(client_record.seen().opens, client_record.seen().closes);
        EXPECT_EQ(record.seen().handlers, 0u);
    }
}

TEST_P(TlsThreadsTest, many_clients_with_one_context) {
    // Their sessions share a cache, whatever reactor they live on.
    auto server = serve_tls({.on_data = echo});
    const TlsContext tls = client_context();
    for (int round = 0; round < 3; ++round) {
        std::vector<std::unique_ptr<Client<Recording>>> clients;
        for (std::size_t index = 0; index < scaled(40); ++index) {
            clients.push_back(connect_client(
                secure_client_of(server->address(), tls),
                {.on_open = [](Connection& connection) { EXPECT_EQ(connection.send("hello"), Result::ok); }}));
        }
        ASSERT_TRUE(client_seen.wait_for_bytes(static_cast<std::size_t>(round + 1) * clients.size() * 5));
    }
    EXPECT_EQ(client_seen.seen().connect_errors.size(), 0u);
}

}  // namespace
}  // namespace pollux::test
