// New keys in the middle of traffic (TLS 1.3), attempts to negotiate anew (TLS 1.2), and peers who overdo both.
#include <algorithm>

#include "tls_support.h"

namespace pollux::test {
namespace {

using TlsRekeyTest = TlsTest;
INSTANTIATE_TEST_SUITE_P(Net, TlsRekeyTest, everywhere, setting_name);

TEST_P(TlsRekeyTest, key_updates_in_the_middle_of_traffic) {
    for (const Side side : {Side::server, Side::client}) {
        for (const bool ask_for_another : {false, true}) {
            Recorder record;
            TlsPair pair{engine, transport(), side, record, {.on_data = echo}, {}, only(TlsVersion::tls1_3)};
            for (std::size_t round = 0; round < 50; ++round) {
                const std::string wire =
                    in_order({pair.peer.seal(pattern(round * 1000, 500)), pair.peer.seal_key_update(ask_for_another),
                              pair.peer.seal(pattern(round * 1000 + 500, 500))});
                ASSERT_TRUE(pair.peer.socket().send(wire));
                ASSERT_EQ(pair.peer.receive(1000), pattern(round * 1000, 1000));
            }
            EXPECT_TRUE(pair.peer.shut_down());
            ASSERT_TRUE(record.wait_for_closes(1));
            EXPECT_EQ(record.reason(), CloseReason::peer_closed);
        }
    }
}

TEST_P(TlsRekeyTest, a_key_update_alone_and_cut_at_every_byte) {
    auto server = serve_tls({.on_data = echo});
    TlsPeer peer = join(*server, only(TlsVersion::tls1_3));
    const std::size_t size = peer.seal_key_update(true).size();
    peer = join(*server, only(TlsVersion::tls1_3));
    for (std::size_t cut = 1; cut < size; ++cut) {
        const std::string wire = peer.seal_key_update(true);
        ASSERT_TRUE(peer.socket().send(wire.substr(0, cut)));
        turn_all(engine, 2);
        ASSERT_TRUE(peer.socket().send(wire.substr(cut)));
        ASSERT_TRUE(peer.send("hello"));
        ASSERT_EQ(peer.receive(5), "hello") << "cut at " << cut;
    }
}

TEST_P(TlsRekeyTest, key_updates_beside_large_transfers_both_ways) {
    auto server = serve_tls({.on_data = echo});
    TlsPeer peer = join(*server, only(TlsVersion::tls1_3));
    constexpr std::size_t step = 100'000;
    const std::size_t rounds = scaled(40);
    std::thread writer{[&] {
        for (std::size_t round = 0; round < rounds; ++round) {
            EXPECT_TRUE(
                peer.socket().send(in_order({peer.seal(pattern(round * step, step)), peer.seal_key_update(false)})));
        }
        EXPECT_TRUE(peer.finish_sending());
    }};
    const TlsPeer::Rest rest = peer.receive_rest();
    writer.join();
    EXPECT_EQ(rest.bytes.size(), rounds * step);
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
    EXPECT_EQ(rest.end, TlsEnd::close_notify);
}

TEST_P(TlsRekeyTest, a_key_update_while_the_server_has_much_pending) {
    constexpr std::size_t size = std::size_t{4} << 20;
    ConnectionOptions options;
    options.hold_receive_while_pending = false;
    auto server =
        serve_tls({.on_open = [](Connection& connection) { EXPECT_EQ(connection.send(pattern(0, size)), Result::ok); }},
                  {.connection = options});
    TlsPeer peer{RawSocket::connect(server->address(), 64 * 1024), TlsRole::client, only(TlsVersion::tls1_3)};
    ASSERT_TRUE(peer.handshake());
    ASSERT_TRUE(seen.wait_for_opens(1));
    // Its answer, and what is sent then with new keys, must wait behind all that was encrypted with the old ones.
    ASSERT_TRUE(peer.socket().send(peer.seal_key_update(true)));
    turn_all(engine, 3);
    EXPECT_EQ(engine.send(seen.id(), "with new keys"), Result::ok);
    EXPECT_TRUE(matches_pattern(peer.receive(size), 0));
    EXPECT_EQ(peer.receive(13), "with new keys");
}

/// Sends records that ask for answers, and never reads one, until the server takes no more. What it keeps has a bound.
void flood(Engine& engine, ServerBase& server, const TlsPeer& peer, const std::function<std::string()>& make) {
    constexpr std::size_t enough = std::size_t{5} << 18;
    std::string wire;
    std::size_t sent = 0;
    for (int idle = 0; idle < 3 && sent < enough;) {
        while (wire.size() < 64 * 1024) wire += make();
        const std::size_t count = peer.socket().send_some(wire);
        wire.erase(0, count);
        sent += count;
        if (count != 0) {
            idle = 0;
        } else {
            turn_all(engine);
            ++idle;
        }
        // The low watermark, and what one turn may receive and answer before it is looked at again.
        ASSERT_LE(server.counters().bytes_pending, std::size_t{768} * 1024) << "after " << sent << " bytes";
        if (server.connections() == 0) return;
    }
}

TEST_P(TlsRekeyTest, requests_for_key_updates_without_reading_the_answers) {
    if (GetParam().reactors != 1) GTEST_SKIP() << "it is one connection only";
    // The answers are as many as the requests, and the kernel takes few of them.
    ConnectionOptions options;
    options.kernel_send_buffer_bytes = 16 * 1024;
    auto server = serve_tls({.on_data = echo}, {.connection = options});
    TlsPeer busy = join(*server);
    TlsPeer peer{RawSocket::connect(server->address(), 64 * 1024), TlsRole::client, only(TlsVersion::tls1_3)};
    ASSERT_TRUE(peer.handshake());
    flood(engine, *server, peer, [&] { return peer.seal_key_update(true); });
    ASSERT_TRUE(busy.send("hello"));
    EXPECT_EQ(busy.receive(5), "hello");
}

TEST_P(TlsRekeyTest, a_client_that_renegotiates_is_refused) {
    auto server = serve_tls({.on_data = echo});
    TlsPeer peer = join(*server, only(TlsVersion::tls1_2));
    ASSERT_TRUE(peer.send("before"));
    ASSERT_EQ(peer.receive(6), "before");
    ASSERT_TRUE(peer.socket().send(peer.seal_renegotiation()));
    EXPECT_EQ(peer.receive_some(1), "");
    EXPECT_EQ(peer.end(), TlsEnd::failed) << "no_renegotiation, or a fatal alert";
    peer.close();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.seen().opens, 1u);
    EXPECT_EQ(seen.seen().received, "before");
}

TEST_P(TlsRekeyTest, a_server_that_renegotiates_is_refused) {
    Recorder record;
    TlsPair pair{engine, transport(), Side::client, record, {.on_data = echo}, {}, only(TlsVersion::tls1_2)};
    ASSERT_TRUE(pair.peer.send("before"));
    ASSERT_EQ(pair.peer.receive(6), "before");
    ASSERT_TRUE(pair.peer.socket().send(pair.peer.seal_renegotiation()));  // HelloRequest
    EXPECT_EQ(pair.peer.receive_some(1), "");
    EXPECT_EQ(pair.peer.end(), TlsEnd::failed) << "no_renegotiation, or a fatal alert";
    pair.peer.close();
    ASSERT_TRUE(record.wait_for_closes(1));
    EXPECT_EQ(record.seen().opens, 1u);
}

TEST_P(TlsRekeyTest, requests_to_renegotiate_without_reading_the_answers) {
    auto server = serve_tls({.on_data = echo});
    TlsPeer busy = join(*server);
    TlsPeer peer = join(*server, only(TlsVersion::tls1_2));
    // A client says ClientHello once and waits, so data follows it.
    const std::string hello = peer.seal_renegotiation();
    ASSERT_TRUE(peer.socket().send(hello));
    turn_all(engine, 3);
    ASSERT_TRUE(busy.send("hello"));
    EXPECT_EQ(busy.receive(5), "hello");
    EXPECT_LE(server->counters().bytes_pending, 1000u);
}

}  // namespace
}  // namespace pollux::test
