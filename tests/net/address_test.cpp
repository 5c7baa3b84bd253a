// Where a server can listen, and what the two ends say about their addresses.
#include "support.h"

namespace pollux::test {
namespace {

/// Listens on `endpoint`, and talks to it over what `connect_to` makes of its address.
class AddressTest : public EngineTest {
protected:
    struct Addresses {
        SocketAddress server;
        SocketAddress local;
        SocketAddress peer;
        SocketAddress peer_at_close;
        SocketAddress raw_local;
    };

    Addresses talk(const std::string& endpoint, const std::function<void(SocketAddress&)>& connect_to = {},
                   bool ipv6_only = false) {
        Addresses addresses;
        Server<Recording> server{
            engine,
            {.endpoint = endpoint, .ipv6_only = ipv6_only},
            std::ref(seen),
            Hooks{.on_open =
                      [&](Connection& connection) {
                          addresses.local = connection.local_address();
                          addresses.peer = connection.peer_address();
                      },
                  .on_data = echo,
                  .on_close = [&](Connection& connection, CloseReason,
                                  std::error_code) { addresses.peer_at_close = connection.peer_address(); }}};
        const Status status = server.start();
        EXPECT_TRUE(status) << status;
        addresses.server = server.address();
        SocketAddress target = addresses.server;
        if (connect_to) connect_to(target);
        RawSocket peer = RawSocket::connect(target);
        EXPECT_TRUE(peer.valid()) << "cannot connect to " << target.to_string();
        addresses.raw_local = peer.local_address();
        EXPECT_TRUE(peer.send("ping"));
        EXPECT_EQ(peer.receive(4), "ping");
        peer.close();
        EXPECT_TRUE(seen.wait_for_closes(1));
        return addresses;
    }

    static void to_ipv4_loopback(SocketAddress& address) {
        address.family = SocketAddress::Family::ipv4;
        address.ip = {127, 0, 0, 1};
    }

    static void to_ipv6_loopback(SocketAddress& address) {
        address.family = SocketAddress::Family::ipv6;
        address.ip = {};
        address.ip[15] = 1;
    }
};

TEST_F(AddressTest, ipv4) {
    const Addresses addresses = talk("tcp://127.0.0.1:0");
    EXPECT_EQ(addresses.server.family, SocketAddress::Family::ipv4);
    EXPECT_NE(addresses.server.port, 0);
    EXPECT_EQ(addresses.server.to_string(), "127.0.0.1:" + std::to_string(addresses.server.port));
    EXPECT_EQ(addresses.local, addresses.server);
    EXPECT_EQ(addresses.peer, addresses.raw_local);
    EXPECT_EQ(addresses.peer_at_close, addresses.raw_local);
}

TEST_F(AddressTest, ipv6) {
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 on this machine's loopback";
    const Addresses addresses = talk("tcp://[::1]:0");
    EXPECT_EQ(addresses.server.family, SocketAddress::Family::ipv6);
    EXPECT_EQ(addresses.server.to_string(), "[::1]:" + std::to_string(addresses.server.port));
    EXPECT_EQ(addresses.local, addresses.server);
    EXPECT_EQ(addresses.peer, addresses.raw_local);
    EXPECT_EQ(addresses.peer_at_close, addresses.raw_local);
}

TEST_F(AddressTest, ipv6_any_takes_ipv4_too) {
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 on this machine's loopback";
    talk("tcp://[::]:0", to_ipv4_loopback);
}

TEST_F(AddressTest, ipv6_any_takes_ipv6) {
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 on this machine's loopback";
    talk("tcp://[::]:0", to_ipv6_loopback);
}

TEST_F(AddressTest, ipv6_only_refuses_ipv4) {
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 on this machine's loopback";
    talk(
        "tcp://[::]:0",
        [](SocketAddress& address) {
            SocketAddress ipv4 = address;
            to_ipv4_loopback(ipv4);
            EXPECT_FALSE(RawSocket::connect(ipv4).valid());
            to_ipv6_loopback(address);
        },
        true);
}

TEST_F(AddressTest, star_takes_ipv4) {
    talk("tcp://*:0", to_ipv4_loopback);
}

TEST_F(AddressTest, star_takes_ipv6) {
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 on this machine's loopback";
    talk("tcp://*:0", to_ipv6_loopback);
}

TEST_F(AddressTest, a_name_to_listen_on) {
    talk("tcp://localhost:0");
}

TEST_F(AddressTest, unix_path) {
    if (!has_unix_sockets()) GTEST_SKIP() << no_unix_sockets;
    const std::string path = fresh_path();
    const Addresses addresses = talk("unix://" + path);
    EXPECT_EQ(addresses.server.family, SocketAddress::Family::unix_domain);
    EXPECT_EQ(addresses.server.path, path);
    EXPECT_EQ(addresses.server.port, 0);
    EXPECT_EQ(addresses.local.path, path);
    EXPECT_EQ(addresses.peer.family, SocketAddress::Family::unix_domain);
    EXPECT_EQ(addresses.peer.path, "") << "the raw client has no name";
}

TEST_F(AddressTest, abstract_name) {
    if (!has_abstract_names()) GTEST_SKIP() << no_abstract_names;
    const std::string name = fresh_abstract_name();
    const Addresses addresses = talk("unix://" + name);
    EXPECT_EQ(addresses.server.path, name);
    EXPECT_EQ(addresses.server.to_string(), name);
    EXPECT_EQ(addresses.local.path, name);
}

TEST_F(AddressTest, a_client_knows_both_ends) {
    for (const Transport transport : {Transport::tcp, Transport::unix_domain}) {
        if (transport == Transport::unix_domain && !has_unix_sockets()) continue;
        SocketAddress local;
        SocketAddress peer;
        Recorder record;
        Pair pair{engine, transport, Side::client, record, {.on_open = [&](Connection& connection) {
                      local = connection.local_address();
                      peer = connection.peer_address();
                      EXPECT_EQ(connection.server(), nullptr);
                  }}};
        ASSERT_TRUE(record.wait_for_opens(1));
        EXPECT_EQ(peer, pair.listener->address());
        EXPECT_EQ(local.family, peer.family);
        pair.peer.close();
        pair.client->stop();
        record.expect_in_order("client");
    }
}

TEST_F(AddressTest, clients_reach_every_kind_of_server) {
    std::vector<std::string> endpoints{"tcp://127.0.0.1:0", "tcp://localhost:0"};
    if (has_unix_sockets()) endpoints.push_back(fresh_endpoint(Transport::unix_domain));
    if (has_abstract_names()) endpoints.push_back("unix://" + fresh_abstract_name());
    if (has_ipv6()) endpoints.emplace_back("tcp://[::1]:0");
    for (const std::string& endpoint : endpoints) {
        Server server{engine, {.endpoint = endpoint}, Callbacks{.on_data = echo}};
        ASSERT_TRUE(server.start()) << endpoint;
        std::string target = endpoint_of(server.address());
        if (endpoint.find("localhost") != std::string::npos) {
            target = "tcp://localhost:" + std::to_string(server.port());
        }
        Gate answered;
        Client client{engine,
                      {.endpoint = target},
                      Callbacks{.on_open = [](Connection& connection) { connection.send("ping"); },
                                .on_data = [&](Connection&, Bytes) { answered.open(); }}};
        ASSERT_TRUE(client.start()) << target;
        EXPECT_TRUE(answered.wait()) << target;
    }
}

}  // namespace
}  // namespace pollux::test
