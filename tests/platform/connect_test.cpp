// Accepting and connecting: backlogs, outcomes, addresses.
#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "common/descriptor_shortage.h"
#include "platform/support.h"

namespace pollux::platform::test {
namespace {

/// Pairs that each test makes in its own way.
class ConnectTest : public PairTest {
protected:
    void make_ends() override {}

    /// Ends that connect at once and are not accepted yet.
    std::vector<std::unique_ptr<End>> connect_many(const SocketAddress& address, std::size_t count) {
        std::vector<std::unique_ptr<End>> ends;
        for (std::size_t i = 0; i < count; ++i) {
            ends.push_back(std::make_unique<End>());
            EXPECT_EQ(loop.poller.connect(*ends.back(), address, {}).status, IoStatus::done);
        }
        return ends;
    }

    void close_all(std::vector<std::unique_ptr<End>>& ends) {
        for (auto& end : ends) loop.close(*end);
    }
};

POLLUX_ON_EACH_TRANSPORT(ConnectTest);

TEST_P(ConnectTest, nothing_to_accept_would_block) {
    Listener listener{loop, fresh_address()};
    Accepted accepted;
    EXPECT_EQ(loop.poller.accept(listener, accepted).status, IoStatus::would_block);
    EXPECT_EQ(accepted.handle, invalid_handle);
    loop.poller.arm_receive(listener);
    loop.settle();
    EXPECT_EQ(listener.seen, 0U);
}

TEST_P(ConnectTest, a_connection_that_came_before_arming_is_told) {
    Listener listener{loop, fresh_address()};
    ASSERT_FALSE(connect(loop, client, listener.address()));
    loop.settle();
    EXPECT_EQ(listener.seen & receivable, 0U) << "not armed";
    listener.accept(server);
    send_all(loop, client, "hello");
    EXPECT_EQ(receive_exactly(loop, server, 5), "hello");
}

TEST_P(ConnectTest, one_accept_for_each_event_comes_to_all_that_wait) {
    constexpr std::size_t count = 100;
    Listener listener{loop, fresh_address()};
    auto clients = connect_many(listener.address(), count);
    std::vector<std::unique_ptr<End>> servers;
    for (std::size_t i = 0; i < count; ++i) {
        servers.push_back(std::make_unique<End>());
        listener.accept(*servers.back());  // arms, waits for the event, accepts once
        ASSERT_TRUE(servers.back()->is_open()) << i;
    }
    Accepted accepted;
    EXPECT_EQ(loop.poller.accept(listener, accepted).status, IoStatus::would_block);
    close_all(clients);
    close_all(servers);
}

TEST_P(ConnectTest, accepting_until_there_are_no_more_misses_none) {
    Listener listener{loop, fresh_address()};
    std::vector<std::unique_ptr<End>> clients;
    std::vector<std::unique_ptr<End>> servers;
    for (std::size_t burst = 1; burst <= 20; ++burst) {
        for (auto& end : connect_many(listener.address(), burst)) clients.push_back(std::move(end));
        while (servers.size() < clients.size()) {
            loop.poller.arm_receive(listener);
            ASSERT_NE(loop.wait_for(listener, receivable), 0U);
            for (;;) {
                Accepted accepted;
                const IoResult result = loop.poller.accept(listener, accepted);
                if (result.status == IoStatus::would_block) break;
                ASSERT_EQ(result.status, IoStatus::done);
                servers.push_back(std::make_unique<End>());
                ASSERT_FALSE(loop.poller.attach(*servers.back(), accepted.handle));
            }
        }
    }
    close_all(clients);
    close_all(servers);
}

TEST_P(ConnectTest, connections_that_came_while_disarmed_are_told) {
    Listener listener{loop, fresh_address()};
    loop.poller.arm_receive(listener);
    loop.poller.disarm_receive(listener);
    auto clients = connect_many(listener.address(), 3);
    loop.settle();
    listener.take_seen();
    std::array<End, 3> servers;
    for (End& end : servers) {
        loop.poller.arm_receive(listener);
        ASSERT_NE(loop.wait_for(listener, receivable), 0U);
        Accepted accepted;
        ASSERT_EQ(loop.poller.accept(listener, accepted).status, IoStatus::done);
        ASSERT_FALSE(loop.poller.attach(end, accepted.handle));
        loop.poller.disarm_receive(listener);
    }
    for (End& end : servers) loop.close(end);
    close_all(clients);
}

TEST_P(ConnectTest, an_accepted_socket_may_be_given_to_another_poller) {
    Listener listener{loop, fresh_address()};
    ASSERT_FALSE(connect(loop, client, listener.address()));
    loop.poller.arm_receive(listener);
    ASSERT_NE(loop.wait_for(listener, receivable), 0U);
    Accepted accepted;
    ASSERT_EQ(loop.poller.accept(listener, accepted).status, IoStatus::done);
    Loop other;
    End end;
    ASSERT_FALSE(other.poller.attach(end, accepted.handle));
    send_all(loop, client, "there");
    EXPECT_EQ(receive_exactly(other, end, 5), "there");
    send_all(other, end, "and back");
    EXPECT_EQ(receive_exactly(loop, client, 8), "and back");
    other.close(end);
    EXPECT_EQ(receive_to_end(loop, client), "");
}

TEST_P(ConnectTest, an_accepted_socket_that_nobody_wants_is_closed_by_its_handle) {
    Listener listener{loop, fresh_address()};
    ASSERT_FALSE(connect(loop, client, listener.address()));
    loop.poller.arm_receive(listener);
    ASSERT_NE(loop.wait_for(listener, receivable), 0U);
    Accepted accepted;
    ASSERT_EQ(loop.poller.accept(listener, accepted).status, IoStatus::done);
    close_handle(accepted.handle);
    close_handle(invalid_handle);
    EXPECT_EQ(receive_to_end(loop, client), "");
}

TEST_P(ConnectTest, a_connection_is_sendable_at_once) {
    Listener listener{loop, fresh_address()};
    const IoResult result = loop.poller.connect(client, listener.address(), {});
    ASSERT_EQ(result.status, IoStatus::done);
    EXPECT_TRUE(client.is_open());
    EXPECT_EQ(loop.wait_for(client, sendable | failed), sendable);
    EXPECT_FALSE(loop.poller.finish_connect(client));
    send_all(loop, client, "early");
    listener.accept(server);
    EXPECT_EQ(receive_exactly(loop, server, 5), "early");
}

TEST_P(ConnectTest, the_outcome_is_told_once) {
    Listener listener{loop, fresh_address()};
    ASSERT_FALSE(connect(loop, client, listener.address()));
    listener.accept(server);
    loop.settle();
    EXPECT_EQ(client.seen, 0U) << "nothing is armed any more";
}

TEST_P(ConnectTest, nobody_there_is_refused) {
    SocketAddress address = fresh_address();
    {
        Listener listener{loop, address};
        address = listener.address();
    }
    // For Unix the file is still there, with nobody behind it.
    const std::error_code error = connect(loop, client, address);
    EXPECT_EQ(error, std::errc::connection_refused) << error.message();
    if (client.is_open()) loop.close(client);
}

TEST_P(ConnectTest, a_socket_that_was_refused_can_be_used_again) {
    SocketAddress address = fresh_address();
    {
        Listener listener{loop, address};
        address = listener.address();
    }
    ASSERT_TRUE(connect(loop, client, address));
    if (client.is_open()) loop.close(client);
    client.take_seen();
    const Listener listener{loop, address};
    EXPECT_FALSE(connect(loop, client, listener.address()));
}

TEST_P(ConnectTest, a_connect_may_be_given_up) {
    Listener listener{loop, fresh_address()};
    ASSERT_EQ(loop.poller.connect(client, listener.address(), {}).status, IoStatus::done);
    loop.close(client);
    loop.settle();
    EXPECT_EQ(client.seen & ~released, 0U);
}

TEST_P(ConnectTest, the_tag_is_the_engines) {
    Listener listener{loop, fresh_address()};
    client.tag = 7;
    ASSERT_FALSE(connect(loop, client, listener.address()));
    EXPECT_EQ(client.tag, 7);
    loop.close(client);
    EXPECT_EQ(client.tag, 7);
}

TEST_P(ConnectTest, each_end_knows_both_addresses) {
    Listener listener{loop, fresh_address()};
    ASSERT_FALSE(connect(loop, client, listener.address()));
    const InetAddress peer = listener.accept(server);
    EXPECT_EQ(loop.poller.peer_address(client), listener.address());
    EXPECT_EQ(loop.poller.local_address(server), listener.address());
    EXPECT_EQ(loop.poller.peer_address(server), loop.poller.local_address(client));
    if (tcp()) {
        EXPECT_EQ(peer.family, SocketAddress::Family::ipv4);
        const SocketAddress address = loop.poller.local_address(client);
        EXPECT_EQ(peer.port, address.port);
        EXPECT_EQ(peer.ip, address.ip);
        EXPECT_EQ(peer.scope, 0U);
        EXPECT_NE(address.port, 0);
    } else {
        EXPECT_EQ(peer.family, SocketAddress::Family::none) << "only TCP peers have an address that is kept";
        EXPECT_EQ(loop.poller.local_address(client), unix_address("")) << "unnamed";
        EXPECT_EQ(listener.address(), path.address());
    }
}

TEST_P(ConnectTest, what_cannot_be_an_address_fails_at_once) {
    EXPECT_EQ(loop.poller.connect(client, SocketAddress{}, {}).status, IoStatus::failed);
    if (client.is_open()) loop.close(client);
    const SocketAddress too_long = unix_address(std::string(1000, 'x'));
    EXPECT_EQ(loop.poller.connect(client, too_long, {}).status, IoStatus::failed);
    if (client.is_open()) loop.close(client);
}

TEST_P(ConnectTest, attaching_nothing_fails) {
    EXPECT_TRUE(loop.poller.attach(client, invalid_handle));
    EXPECT_FALSE(client.is_open());
}

TEST_P(ConnectTest, descriptors_that_are_used_up_are_told_and_nothing_is_lost) {
    using pollux::test::DescriptorShortage;
    if (!DescriptorShortage::possible()) GTEST_SKIP() << "no way to run out of descriptors here";
    Listener listener{loop, fresh_address()};
    auto clients = connect_many(listener.address(), 3);
    std::array<End, 3> servers;
    {
        DescriptorShortage shortage{50};
        ASSERT_TRUE(shortage.complete());
        for (int i = 0; i < 3; ++i) {
            loop.poller.arm_receive(listener);
            ASSERT_NE(loop.wait_for(listener, receivable), 0U) << "those that wait are forgotten";
            Accepted accepted;
            ASSERT_EQ(loop.poller.accept(listener, accepted).status, IoStatus::no_descriptors);
            loop.poller.disarm_receive(listener);
        }
        for (End& end : servers) {
            shortage.give_back(1);
            listener.accept(end);
        }
    }
    for (End& end : servers) loop.close(end);
    close_all(clients);
}

class TcpConnectTest : public testing::Test {
protected:
    Loop loop;
};

TEST_F(TcpConnectTest, listening_on_every_address_is_met_over_ipv6_and_ipv4) {
    SocketAddress any;
    ASSERT_TRUE(parse_numeric("::", 0, any));
    NativeHandle probe = invalid_handle;
    if (listen(loopback(SocketAddress::Family::ipv6), listen_options(), probe)) GTEST_SKIP() << "no IPv6 here";
    close_handle(probe);
    Listener listener{loop, any};
    for (const auto family : {SocketAddress::Family::ipv4, SocketAddress::Family::ipv6}) {
        End client;
        End server;
        const SocketAddress address = loopback(family, listener.address().port);
        ASSERT_FALSE(connect(loop, client, address));
        EXPECT_EQ(listener.accept(server).family, SocketAddress::Family::ipv6);
        EXPECT_EQ(loop.poller.peer_address(client), address);
        const std::string shown = loop.poller.local_address(server).to_string();
        const std::string port = std::to_string(listener.address().port);
        EXPECT_EQ(shown, (family == SocketAddress::Family::ipv4 ? "[::ffff:127.0.0.1]:" : "[::1]:") + port);
        loop.close(client);
        loop.close(server);
    }
}

TEST_F(TcpConnectTest, ipv6_only_is_not_met_over_ipv4) {
    SocketAddress any;
    ASSERT_TRUE(parse_numeric("::", 0, any));
    NativeHandle probe = invalid_handle;
    if (listen(loopback(SocketAddress::Family::ipv6), listen_options(), probe)) GTEST_SKIP() << "no IPv6 here";
    close_handle(probe);
    ListenOptions options = listen_options();
    options.ipv6_only = true;
    Listener listener{loop, any, options};
    End client;
    EXPECT_EQ(connect(loop, client, loopback(SocketAddress::Family::ipv4, listener.address().port)),
              std::errc::connection_refused);
    if (client.is_open()) loop.close(client);
    EXPECT_FALSE(connect(loop, client, loopback(SocketAddress::Family::ipv6, listener.address().port)));
    loop.close(client);
}

TEST_F(TcpConnectTest, several_listeners_on_one_address_share_what_comes) {
    if (!Poller::spreads_listeners(Transport::tcp)) GTEST_SKIP() << "this platform does not spread";
    ListenOptions options = listen_options();
    options.reuse_port = true;
    Listener first{loop, loopback(), options};
    Listener second{loop, first.address(), options};
    loop.poller.arm_receive(first);
    loop.poller.arm_receive(second);
    std::size_t of_first = 0;
    std::size_t of_second = 0;
    std::vector<std::unique_ptr<End>> clients;
    for (int i = 0; i < 64; ++i) {
        clients.push_back(std::make_unique<End>());
        ASSERT_FALSE(connect(loop, *clients.back(), first.address()));
    }
    ASSERT_TRUE(loop.run_until([&] {
        for (Listener* listener : {&first, &second}) {
            if ((listener->take_seen() & receivable) == 0) continue;
            Accepted accepted;
            if (loop.poller.accept(*listener, accepted).status == IoStatus::done) {
                ++(listener == &first ? of_first : of_second);
                close_handle(accepted.handle);
            }
            loop.poller.arm_receive(*listener);
        }
        return of_first + of_second == clients.size();
    }));
    EXPECT_GT(of_first, 0U);
    EXPECT_GT(of_second, 0U);
    for (auto& end : clients) loop.close(*end);
}

class UnixConnectTest : public UnixTest {
protected:
    Loop loop;
};

TEST_F(UnixConnectTest, a_path_that_is_missing_is_no_such_file) {
    End client;
    EXPECT_EQ(connect(loop, client, path.address()), std::errc::no_such_file_or_directory);
    if (client.is_open()) loop.close(client);
    EXPECT_FALSE(std::filesystem::exists(path.path()));
}

TEST_F(UnixConnectTest, a_full_backlog_is_tried_again) {
    Listener listener{loop, path.address(), listen_options(1)};
    std::vector<std::unique_ptr<End>> clients;
    IoResult result;
    do {
        clients.push_back(std::make_unique<End>());
        result = loop.poller.connect(*clients.back(), listener.address(), {});
    } while (result.status == IoStatus::done && clients.size() < 200);
    if (result.status == IoStatus::done) GTEST_SKIP() << "this platform's backlog has no bound";
    ASSERT_EQ(result.status, IoStatus::would_block);
    End server;
    listener.accept(server);
    EXPECT_EQ(loop.poller.connect(*clients.back(), listener.address(), {}).status, IoStatus::done);
    EXPECT_EQ(loop.wait_for(*clients.back(), sendable | failed), sendable);
    EXPECT_FALSE(loop.poller.finish_connect(*clients.back()));
    loop.close(server);
    for (auto& end : clients) loop.close(*end);
}

}  // namespace
}  // namespace pollux::platform::test
