// Datagrams of every size come back whole, from one peer and from many, by each way of batching and over each network.
#include <random>
#include <set>

#include "udp_support.h"

namespace pollux::test {
namespace {

using UdpEchoTest = UdpNetTest;
INSTANTIATE_TEST_SUITE_P(Udp, UdpEchoTest, every_udp_setting, udp_setting_name);

constexpr std::size_t window = 64;  // what is on its way at once, so that no buffer overflows

/// Sends datagrams of the known bytes, so many at a time, and checks that each comes back in order.
void expect_echoes(const RawUdp& peer, const InetAddress& server, const std::vector<std::size_t>& sizes) {
    std::uint64_t offset_sent = 0;
    std::uint64_t offset_received = 0;
    for (std::size_t begin = 0; begin < sizes.size(); begin += window) {
        const std::size_t end = std::min(sizes.size(), begin + window);
        for (std::size_t i = begin; i < end; ++i) {
            ASSERT_TRUE(peer.send_to(server, pattern(offset_sent, sizes[i])));
            offset_sent += sizes[i] + 1;
        }
        for (std::size_t i = begin; i < end; ++i) {
            const auto answer = peer.receive();
            ASSERT_TRUE(answer) << "datagram " << i << " of " << sizes[i] << " bytes did not come back";
            ASSERT_EQ(answer->bytes.size(), sizes[i]) << "datagram " << i;
            ASSERT_TRUE(matches_pattern(answer->bytes, offset_received)) << "datagram " << i;
            ASSERT_EQ(answer->from, server);
            offset_received += sizes[i] + 1;
        }
    }
}

TEST_P(UdpEchoTest, every_size_comes_back_whole) {
    const auto udp = open(echo_hooks(), bound());
    const RawUdp peer{peer_host()};
    expect_echoes(peer, reach(*udp), {0, 1, 2, 511, 1472, 1473, 8192, 65'506, 65'507, 0, 1});
    const UdpCounters counters = settled(*udp);
    EXPECT_EQ(counters.datagrams_received, 11u);
    EXPECT_EQ(counters.datagrams_sent, 11u);
    EXPECT_EQ(counters.bytes_received, counters.bytes_sent);
    EXPECT_EQ(counters.datagrams_refused + counters.datagrams_truncated + counters.errors, 0u);
}

TEST_P(UdpEchoTest, more_than_the_largest_datagram_is_refused_at_once) {
    const RawUdp peer{peer_host()};
    const auto udp = open({}, bound());
    const auto one = open(other_seen, {}, connected(peer.address()));
    ASSERT_TRUE(seen.wait_for_opens(1));
    ASSERT_TRUE(other_seen.wait_for_opens(1));
    const std::string largest = pattern(0, max_datagram_bytes);
    with_socket(seen.id(), [&](UdpSocket& socket) {
        EXPECT_EQ(socket.send_to(peer.address(), largest + 'x'), Result::too_large);
        EXPECT_EQ(socket.send_to(peer.address(), largest), Result::ok);
    });
    EXPECT_EQ(udp->send_to(peer.address(), largest + 'x'), Result::too_large);
    with_socket(other_seen.id(), [&](UdpSocket& socket) { EXPECT_EQ(socket.send(largest + 'x'), Result::too_large); });
    EXPECT_EQ(one->send(largest + 'x'), Result::too_large);
    EXPECT_EQ(engine.send(other_seen.id(), largest + 'x'), Result::too_large);
    const auto only = peer.receive();
    ASSERT_TRUE(only);
    EXPECT_TRUE(only->bytes == largest);
    turn_all(engine);
    EXPECT_FALSE(peer.receive_now());
}

TEST_P(UdpEchoTest, thousands_of_one_size_keep_their_order) {
    const auto udp = open(echo_hooks(), bound());
    const RawUdp peer{peer_host()};
    expect_echoes(peer, reach(*udp), std::vector<std::size_t>(scaled(5000), 200));
    EXPECT_EQ(settled(*udp).datagrams_received, scaled(5000));
}

TEST_P(UdpEchoTest, mixed_sizes_keep_their_borders) {
    const auto udp = open(echo_hooks(), bound());
    const RawUdp peer{peer_host()};
    std::minstd_rand random{7};
    std::vector<std::size_t> sizes(scaled(3000));
    // Runs of one size with a shorter or longer one behind: what is put together must come apart at the same places.
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        sizes[i] = random() % 4 != 0 && i != 0 ? sizes[i - 1] : random() % (random() % 8 == 0 ? 9000 : 300);
    }
    expect_echoes(peer, reach(*udp), sizes);
}

TEST_P(UdpEchoTest, a_run_sent_in_one_turn_arrives_in_order) {
    const RawUdp peer{peer_host()};
    const auto udp = open({}, bound());
    ASSERT_TRUE(seen.wait_for_opens(1));
    constexpr std::size_t count = 300;
    with_socket(seen.id(), [&](UdpSocket& socket) {
        for (std::size_t i = 0; i < count; ++i) {
            ASSERT_EQ(socket.send_to(peer.address(), pattern(i, i % 50 == 49 ? 100 : 700)), Result::ok);
        }
        EXPECT_EQ(socket.bytes_pending(), 0u);
    });
    for (std::size_t i = 0; i < count; ++i) {
        const auto datagram = peer.receive();
        ASSERT_TRUE(datagram) << i;
        ASSERT_EQ(datagram->bytes.size(), i % 50 == 49 ? 100u : 700u);
        ASSERT_TRUE(matches_pattern(datagram->bytes, i)) << i;
    }
    EXPECT_EQ(settled(*udp).datagrams_sent, count);
}

TEST_P(UdpEchoTest, send_run_is_many_datagrams) {
    const RawUdp peer{peer_host()};
    const auto udp = open({}, bound());
    const auto one = open(other_seen, {}, connected(peer.address()));
    const std::string bytes = pattern(3, 200 * 500 + 77);
    const DatagramRun run{as_bytes(bytes), 500};
    with_socket(seen.id(), [&](UdpSocket& socket) {
        EXPECT_EQ(socket.send_run(peer.address(), run), Result::ok);
        EXPECT_EQ(socket.send_run(run), Result::wrong_peer);
    });
    with_socket(other_seen.id(), [&](UdpSocket& socket) { EXPECT_EQ(socket.send_run(run), Result::ok); });
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < run.size(); ++i) {
            const auto datagram = peer.receive();
            ASSERT_TRUE(datagram) << i;
            ASSERT_EQ(datagram->bytes, as_text(run[i])) << i;
        }
    }
    EXPECT_EQ(run.size(), 201u);
    EXPECT_EQ(settled(*udp).datagrams_sent, 201u);
    EXPECT_EQ(settled(*one).bytes_sent, bytes.size());
}

TEST_P(UdpEchoTest, the_librarys_own_client_and_server_talk) {
    const auto server = open(echo_hooks(), bound());
    const std::size_t count = scaled(3000);
    std::size_t sent = 0;  // the client's thread only
    const auto send_next = [&](UdpSocket& socket) {
        if (sent == count) return;
        EXPECT_EQ(socket.send(pattern(sent, 100 + sent % 3)), Result::ok);
        ++sent;
    };
    UdpHooks hooks;
    hooks.on_open = [&](UdpSocket& socket) {
        for (std::size_t i = 0; i < window; ++i) send_next(socket);
    };
    hooks.on_datagram = [&](UdpSocket& socket, const InetAddress&, Bytes) { send_next(socket); };
    const auto client = open(other_seen, hooks, connected(reach(*server)));
    ASSERT_TRUE(other_seen.wait_for_datagrams(count)) << other_seen.seen().datagrams.size() << " of " << count;
    const auto datagrams = other_seen.seen().datagrams;
    for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(datagrams[i].bytes.size(), 100 + i % 3);
        ASSERT_TRUE(matches_pattern(datagrams[i].bytes, i)) << i;
        ASSERT_EQ(datagrams[i].from, reach(*server));
    }
}

TEST_P(UdpEchoTest, many_peers_at_once_get_their_own) {
    const auto udp = open(echo_hooks(), bound());
    std::vector<RawUdp> peers;
    for (std::size_t i = 0; i < 100; ++i) peers.emplace_back(peer_host());
    for (std::size_t round = 0; round < scaled(20); ++round) {
        for (std::size_t i = 0; i < peers.size(); ++i) {
            ASSERT_TRUE(peers[i].send_to(reach(*udp), pattern(round * 1000 + i, 64)));
        }
        for (std::size_t i = 0; i < peers.size(); ++i) {
            const auto answer = peers[i].receive();
            ASSERT_TRUE(answer);
            ASSERT_EQ(answer->bytes, pattern(round * 1000 + i, 64));
        }
    }
    for (const RawUdp& peer : peers) EXPECT_FALSE(peer.receive_now());
}

TEST_P(UdpEchoTest, what_on_open_sends_goes_out) {
    const RawUdp peer{peer_host()};
    const InetAddress to = peer.address();
    const auto udp =
        open({.on_open = [=](UdpSocket& socket) { EXPECT_EQ(socket.send_to(to, "first"), Result::ok); }}, bound());
    const auto datagram = peer.receive();
    ASSERT_TRUE(datagram);
    EXPECT_EQ(datagram->bytes, "first");
    EXPECT_EQ(datagram->from, reach(*udp));
}

TEST_P(UdpEchoTest, addresses_are_as_the_network_knows_them) {
    const auto udp = open({}, bound());
    const RawUdp peer{peer_host()};
    ASSERT_TRUE(peer.send_to(reach(*udp), "who"));
    ASSERT_TRUE(seen.wait_for_datagrams(1));
    EXPECT_EQ(seen.seen().datagrams[0].from, peer.address());  // an IPv4 address also on a dual-stack socket
    EXPECT_EQ(udp->send_to(peer.address(), "you"), Result::ok);
    const auto answer = peer.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->from, reach(*udp));
    with_socket(seen.id(), [&](UdpSocket& socket) {
        EXPECT_EQ(socket.local_address(), udp->address());
        EXPECT_FALSE(socket.peer_address());
    });
}

using UdpPeerTest = UdpNetTest;
INSTANTIATE_TEST_SUITE_P(Udp, UdpPeerTest, every_udp_setting, udp_setting_name);

TEST_P(UdpPeerTest, a_connected_socket_hears_its_peer_alone) {
    const RawUdp peer{peer_host()};
    const RawUdp stranger{peer_host()};
    const auto udp = open({}, connected(peer.address()));
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(stranger.send_to(reach(*udp), "stranger"));
        ASSERT_TRUE(peer.send_to(reach(*udp), "peer"));
    }
    ASSERT_TRUE(seen.wait_for_datagrams(20));
    turn_all(engine);
    const auto datagrams = seen.seen().datagrams;
    EXPECT_EQ(datagrams.size(), 20u);
    for (const Datagram& datagram : datagrams) EXPECT_EQ(datagram.bytes, "peer");
    EXPECT_EQ(settled(*udp).datagrams_received, 20u);
    with_socket(seen.id(), [&](UdpSocket& socket) { EXPECT_EQ(socket.peer_address(), peer.address()); });
}

TEST_P(UdpPeerTest, bound_and_connected_at_once) {
    const RawUdp peer{peer_host()};
    UdpOptions options = bound();
    options.connect = endpoint_of(peer.address());
    const auto udp = open({}, options);
    EXPECT_EQ(udp->send("hello"), Result::ok);
    const auto hello = peer.receive();
    ASSERT_TRUE(hello);
    EXPECT_EQ(hello->from, reach(*udp));
    ASSERT_TRUE(peer.send_to(reach(*udp), "answer"));
    EXPECT_TRUE(seen.wait_for_datagrams(1));
}

TEST_P(UdpPeerTest, wrong_peer_in_all_combinations) {
    const RawUdp peer{peer_host()};
    const RawUdp other{peer_host()};
    const auto unconnected = open({}, bound());
    const auto to_peer = open(other_seen, {}, connected(peer.address()));
    with_socket(seen.id(), [&](UdpSocket& socket) {
        EXPECT_EQ(socket.send("x"), Result::wrong_peer);
        EXPECT_EQ(socket.send_to({}, "x"), Result::wrong_peer);
        EXPECT_EQ(engine.send(socket.id(), "x"), Result::wrong_peer);
        EXPECT_EQ(unconnected->send("x"), Result::wrong_peer);
        EXPECT_EQ(socket.send_to(peer.address(), "1"), Result::ok);
    });
    with_socket(other_seen.id(), [&](UdpSocket& socket) {
        EXPECT_EQ(socket.send("2"), Result::ok);
        EXPECT_EQ(socket.send_to(peer.address(), "3"), Result::ok);
        EXPECT_EQ(socket.send_to(other.address(), "x"), Result::wrong_peer);
        EXPECT_EQ(socket.send_to({}, "x"), Result::wrong_peer);
        EXPECT_EQ(engine.send_to(socket.id(), other.address(), "x"), Result::wrong_peer);
        EXPECT_EQ(to_peer->send_to(other.address(), "x"), Result::wrong_peer);
    });
    EXPECT_EQ(unconnected->send("x"), Result::wrong_peer);
    EXPECT_EQ(unconnected->send_to({}, "x"), Result::wrong_peer);
    EXPECT_EQ(engine.send_to(seen.id(), {}, "x"), Result::wrong_peer);
    std::multiset<std::string> arrived;
    for (int i = 0; i < 3; ++i) arrived.insert(peer.receive().value_or(Datagram{}).bytes);
    EXPECT_EQ(arrived, (std::multiset<std::string>{"1", "2", "3"}));
    EXPECT_FALSE(other.receive_now());
    EXPECT_EQ(seen.seen().errors.size() + other_seen.seen().errors.size(), 0u);
}

TEST_P(UdpPeerTest, wrong_peer_from_another_thread_is_told_by_on_error) {
    const RawUdp peer{peer_host()};
    const RawUdp other{peer_host()};
    const auto unconnected = open({}, bound());
    const auto to_peer = open(other_seen, {}, connected(peer.address()));
    EXPECT_EQ(engine.send(seen.id(), "x"), Result::ok);
    EXPECT_EQ(engine.send_to(other_seen.id(), other.address(), "x"), Result::ok);
    ASSERT_TRUE(seen.wait_for_errors(1));
    ASSERT_TRUE(other_seen.wait_for_errors(1));
    EXPECT_EQ(seen.seen().errors[0].kind, DatagramError::Kind::refused);
    EXPECT_EQ(seen.seen().errors[0].error, std::errc::not_connected);
    EXPECT_EQ(other_seen.seen().errors[0].error, std::errc::already_connected);
    EXPECT_EQ(other_seen.seen().errors[0].peer, other.address());
    EXPECT_EQ(settled(*unconnected).datagrams_refused, 1u);
    EXPECT_EQ(settled(*to_peer).datagrams_refused, 1u);
    EXPECT_FALSE(other.receive_now());
}

TEST_P(UdpPeerTest, the_other_ip_version_is_refused_and_told) {
    if (GetParam().network == Network::dual_stack) GTEST_SKIP() << "a dual-stack socket takes both";
    const bool ipv6 = GetParam().network == Network::ipv6;
    UdpOptions options = bound();
    options.ipv6_only = true;
    const auto udp = open({}, options);
    const InetAddress elsewhere = inet(ipv6 ? "127.0.0.1:9" : "[::1]:9");
    const RawUdp peer{peer_host()};
    with_socket(seen.id(), [&](UdpSocket& socket) {
        EXPECT_EQ(socket.send_to(elsewhere, "lost"), Result::ok);
        EXPECT_EQ(socket.send_to(peer.address(), "kept"), Result::ok);
    });
    ASSERT_TRUE(seen.wait_for_errors(1));
    const DatagramError error = seen.seen().errors[0];
    EXPECT_EQ(error.kind, DatagramError::Kind::refused);
    EXPECT_TRUE(error.error);
    EXPECT_EQ(error.peer, elsewhere);
    EXPECT_EQ(error.datagrams, 1u);
    const auto kept = peer.receive();
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->bytes, "kept");
    EXPECT_EQ(settled(*udp).datagrams_refused, 1u);
    EXPECT_EQ(settled(*udp).datagrams_sent, 1u);
}

using UdpRunTest = UdpEngineTest;

/// Takes what came in one piece as one.
class RunEcho final : public DatagramHandler {
public:
    explicit RunEcho(std::size_t& datagrams) : datagrams_(datagrams) {}
    void on_datagram(UdpSocket&, const InetAddress&, Bytes) override { ADD_FAILURE() << "on_run is overridden"; }
    void on_run(UdpSocket& socket, const InetAddress& from, const DatagramRun& run) override {
        datagrams_ += run.size();
        EXPECT_EQ(socket.send_run(from, run), Result::ok);
    }

private:
    std::size_t& datagrams_;
};

TEST_F(UdpRunTest, on_run_gets_all_that_on_datagram_would) {
    std::size_t datagrams = 0;
    Udp<RunEcho> server{engine, {.bind = "udp://127.0.0.1:0"}, std::ref(datagrams)};
    ASSERT_TRUE(server.start());
    std::vector<std::string> sent;
    UdpHooks hooks;
    hooks.on_open = [&](UdpSocket& socket) {
        for (std::size_t i = 0; i < 400; ++i) {
            sent.push_back(pattern(i, i % 90 == 89 ? 3 : 250));
            EXPECT_EQ(socket.send(sent.back()), Result::ok);
        }
    };
    const auto client = open(other_seen, hooks, {.connect = endpoint_of(server.address())});
    ASSERT_TRUE(other_seen.wait_for_datagrams(400));
    const auto received = other_seen.seen().datagrams;
    for (std::size_t i = 0; i < 400; ++i) ASSERT_EQ(received[i].bytes, sent[i]) << i;
    server.stop();
    EXPECT_EQ(datagrams, 400u);
}

}  // namespace
}  // namespace pollux::test
