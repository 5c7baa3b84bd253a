// The handlers of the plain tests, unchanged, over TLS: echo, sizes, many clients, counters, other threads.
#include <algorithm>
#include <array>
#include <span>

#include "tls_support.h"

namespace pollux::test {
namespace {

using TlsEchoTest = TlsTest;
INSTANTIATE_TEST_SUITE_P(Net, TlsEchoTest, everywhere, setting_name);

TEST_P(TlsEchoTest, answers_and_ends_with_the_peer) {
    auto server = serve_tls({.on_data = echo});
    for (const TlsVersion version : both_versions) {
        TlsPeer peer = join(*server, only(version));
        EXPECT_EQ(peer.version(), version == TlsVersion::tls1_2 ? "TLSv1.2" : "TLSv1.3");
        EXPECT_EQ(peer.verify_result(), X509_V_OK);
        ASSERT_TRUE(peer.send("hello"));
        EXPECT_EQ(peer.receive(5), "hello");
        EXPECT_TRUE(peer.shut_down()) << "close_notify is answered by close_notify";
    }
    ASSERT_TRUE(seen.wait_for_closes(2));
    EXPECT_EQ(seen.seen().ends, 2u);
    EXPECT_EQ(seen.reason(0), CloseReason::peer_closed);
    EXPECT_EQ(seen.reason(1), CloseReason::peer_closed);
    EXPECT_FALSE(seen.seen().errors[0]) << seen.seen().errors[0].message();
}

TEST_P(TlsEchoTest, greets_first) {
    auto server =
        serve_tls({.on_open = [](Connection& connection) { EXPECT_EQ(connection.send("welcome"), Result::ok); }});
    for (const TlsVersion version : both_versions) {
        TlsPeer peer = join(*server, only(version));
        EXPECT_EQ(peer.receive(7), "welcome");
    }
}

TEST_P(TlsEchoTest, messages_of_every_size_come_back_whole) {
    auto server = serve_tls({.on_data = echo});
    TlsPeer peer = join(*server);
    for (const std::size_t size : {1u, 2u, 1000u, 16383u, 16384u, 16385u, 32768u, 65536u, 100'001u}) {
        ASSERT_TRUE(peer.send(pattern(size, size)));
        ASSERT_EQ(peer.receive(size), pattern(size, size)) << size;
    }
}

TEST_P(TlsEchoTest, large_messages_come_back_whole) {
    Server server{engine, {.endpoint = endpoint(), .tls = server_context()}, Callbacks{.on_data = echo}};
    ASSERT_TRUE(server.start());
    for (const TlsVersion version : both_versions) {
        const std::size_t size = scaled(std::size_t{8} << 20);
        TlsPeer peer = join(server, only(version));
        std::thread writer{[&] {
            EXPECT_TRUE(peer.send(pattern(size, size)));
            EXPECT_TRUE(peer.finish_sending());
        }};
        const TlsPeer::Rest rest = peer.receive_rest();
        writer.join();
        EXPECT_EQ(rest.end, TlsEnd::close_notify);
        EXPECT_EQ(rest.bytes.size(), size);
        EXPECT_TRUE(matches_pattern(rest.bytes, size)) << "bytes came back changed";
    }
}

TEST_P(TlsEchoTest, one_send_above_the_high_watermark_is_taken_whole) {
    constexpr std::size_t size = std::size_t{5} << 20;
    auto server = serve_tls({.on_open = [](Connection& connection) {
        EXPECT_EQ(connection.send(pattern(0, size)), Result::ok);
        connection.close();
    }});
    TlsPeer peer = join(*server);
    const TlsPeer::Rest rest = peer.receive_rest();
    EXPECT_EQ(rest.end, TlsEnd::close_notify);
    EXPECT_EQ(rest.bytes.size(), size);
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
}

TEST_P(TlsEchoTest, small_and_large_sends_mixed_stay_in_order) {
    constexpr std::size_t total = 900'000;
    auto server = serve_tls({.on_open = [](Connection& connection) {
        std::size_t done = 0;
        for (std::size_t round = 0; done < total; ++round) {
            const std::array<std::size_t, 6> sizes{1, 70'000, 5000, 16'384, 40, 16'383};
            const std::size_t size = std::min(sizes[round % sizes.size()], total - done);
            ASSERT_EQ(connection.send(pattern(done, size)), Result::ok);
            done += size;
        }
        connection.close();
    }});
    TlsPeer peer = join(*server);
    const std::string bytes = peer.receive_rest().bytes;
    EXPECT_EQ(bytes.size(), total);
    EXPECT_TRUE(matches_pattern(bytes, 0));
}

TEST_P(TlsEchoTest, many_small_sends_in_one_callback_leave_in_full_records) {
    constexpr std::size_t pieces = 20'000;
    auto server = serve_tls({.on_open = [](Connection& connection) {
        for (std::size_t piece = 0; piece < pieces; ++piece) {
            ASSERT_EQ(connection.send(pattern(piece * 13, 13)), Result::ok);
        }
        connection.close();
    }});
    TlsPeer peer = join(*server, only(TlsVersion::tls1_3));
    const std::string wire = peer.socket().receive_rest().bytes;
    // 22 bytes of header, type and tag for each record; a record per send would double what crosses the wire.
    EXPECT_LT(wire.size(), pieces * 13 + 100 * 22 + 4096);
    peer.hear(wire);
    const std::string bytes = peer.receive_rest().bytes;
    EXPECT_EQ(bytes.size(), pieces * 13);
    EXPECT_TRUE(matches_pattern(bytes, 0));
    EXPECT_EQ(peer.end(), TlsEnd::close_notify);
}

TEST_P(TlsEchoTest, many_clients_each_get_their_own_answers) {
    auto server = serve_tls({.on_data = echo});
    const std::size_t count = scaled(100);
    const TlsPeerContext context{TlsRole::client, {}};
    std::vector<TlsPeer> peers;
    for (std::size_t index = 0; index < count; ++index) {
        peers.emplace_back(RawSocket::connect(server->address()), context);
        ASSERT_TRUE(peers.back().handshake()) << peers.back().failure();
    }
    for (int round = 0; round < 3; ++round) {
        for (std::size_t index = 0; index < count; ++index) {
            ASSERT_TRUE(peers[index].send(pattern(index * 1000, 100 + index)));
        }
        for (std::size_t index = 0; index < count; ++index) {
            ASSERT_EQ(peers[index].receive(100 + index), pattern(index * 1000, 100 + index));
        }
    }
    EXPECT_EQ(server->connections(), count);
    EXPECT_EQ(server->counters().accepted, count);
    EXPECT_EQ(server->counters().handshakes_failed, 0u);
    for (TlsPeer& peer : peers) ASSERT_TRUE(peer.shut_down());
    ASSERT_TRUE(seen.wait_for_closes(count));
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
    for (std::size_t index = 0; index < count; ++index) EXPECT_EQ(seen.reason(index), CloseReason::peer_closed);
}

TEST_P(TlsEchoTest, callbacks_instead_of_a_class) {
    Recorder marks;
    const auto mark = [&marks](Connection&) { marks.mark(); };
    Server server{engine,
                  {.endpoint = endpoint(), .tls = server_context()},
                  Callbacks{.on_open = mark,
                            .on_data = echo,
                            .on_close = [&](Connection&, CloseReason, std::error_code) { marks.mark(); },
                            .on_handshake_error = [&](Connection&, CloseReason, std::error_code) { marks.mark(); }}};
    ASSERT_TRUE(server.start());
    Client client{engine, secure_client_of(server.address()),
                  Callbacks{.on_open = [](Connection& connection) { EXPECT_EQ(connection.send("hello"), Result::ok); },
                            .on_data =
                                [&](Connection& connection, Bytes data) {
                                    EXPECT_EQ(as_text(data), "hello");
                                    connection.close();
                                }}};
    ASSERT_TRUE(client.start());
    EXPECT_TRUE(marks.wait_for_marks(2));
    const RawSocket stranger = RawSocket::connect(server.address());
    ASSERT_TRUE(stranger.send("GET / HTTP/1.1\r\n\r\n"));
    EXPECT_TRUE(marks.wait_for_marks(3));
}

TEST_P(TlsEchoTest, pollux_client_and_server_play_ball) {
    constexpr std::uint64_t rounds = 500;
    auto server = serve_tls({.on_data = echo});
    std::atomic<std::uint64_t> received{0};
    Gate done;
    auto client = connect_client(secure_client_of(server->address()),
                                 {.on_open = [](Connection& connection) { connection.send("ball"); },
                                  .on_data =
                                      [&](Connection& connection, Bytes data) {
                                          if ((received += data.size()) == rounds * 4) {
                                              done.open();
                                          } else {
                                              EXPECT_EQ(connection.send(data), Result::ok);
                                          }
                                      }});
    EXPECT_TRUE(done.wait());
    EXPECT_TRUE(client->connected());
    client->stop();
    EXPECT_FALSE(client->connected());
    EXPECT_EQ(client_seen.seen().closes, 1u);
    EXPECT_TRUE(seen.wait_for_closes(1));
}

TEST_P(TlsEchoTest, counters_count_the_payload) {
    ConnectionCounters last;
    auto server = serve_tls(
        {.on_open =
             [](Connection& connection) {
                 const ConnectionCounters fresh = connection.counters();
                 EXPECT_EQ(fresh.bytes_received, 0u) << "the handshake's bytes are not the handler's";
                 EXPECT_EQ(fresh.bytes_sent, 0u);
                 EXPECT_EQ(fresh.messages_received, 0u);
                 EXPECT_EQ(fresh.messages_sent, 0u);
             },
         .on_data = echo,
         .on_close = [&](Connection& connection, CloseReason, std::error_code) { last = connection.counters(); }});
    TlsPeer peer = join(*server);
    for (std::size_t message = 0; message < 20; ++message) {
        ASSERT_TRUE(peer.send("12345"));
        ASSERT_EQ(peer.receive(5), "12345");
    }
    const auto settled = [&] { return server->counters().bytes_sent == 100 && server->counters().messages_sent == 20; };
    EXPECT_TRUE(eventually(settled));
    EXPECT_EQ(server->counters().bytes_pending, 0u);
    EXPECT_EQ(server->counters().bytes_received, 100u);
    EXPECT_EQ(server->counters().messages_received, 20u);
    EXPECT_TRUE(peer.shut_down());
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(last.bytes_received, 100u);
    EXPECT_EQ(last.bytes_sent, 100u);
    EXPECT_EQ(last.messages_received, 20u);
    EXPECT_EQ(last.messages_sent, 20u);
    EXPECT_EQ(last.bytes_pending, 0u);
    EXPECT_GT(last.uptime.count(), 0);
    EXPECT_TRUE(eventually([&] { return server->counters().connections == 0; }));
    EXPECT_EQ(server->counters().bytes_sent, 100u) << "what closed connections did must stay";
}

TEST_P(TlsEchoTest, a_connection_knows_itself) {
    auto server = serve_tls({.on_open = [this](Connection& connection) {
        EXPECT_TRUE(connection.id());
        EXPECT_EQ(connection.state(), ConnectionState::open);
        EXPECT_TRUE(connection.is_open());
        EXPECT_TRUE(connection.is_secure());
        EXPECT_FALSE(connection.receiving_paused());
        EXPECT_EQ(connection.bytes_pending(), 0u);
        EXPECT_EQ(connection.transport(), transport());
        EXPECT_NE(connection.server(), nullptr);
        EXPECT_EQ(connection.reactor().find(connection.id()), &connection);
        EXPECT_EQ(Reactor::current(), &connection.reactor());
        EXPECT_TRUE(engine.is_alive(connection.id()));
    }});
    TlsPeer peer = join(*server);
    ASSERT_TRUE(seen.wait_for_opens(1));
    EXPECT_TRUE(engine.is_alive(seen.id()));
    ASSERT_TRUE(peer.shut_down());
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_TRUE(eventually([&] { return !engine.is_alive(seen.id()); }));
}

TEST_P(TlsEchoTest, a_plain_connection_is_not_secure) {
    auto server = serve({.on_open = [](Connection& connection) {
        EXPECT_FALSE(connection.is_secure());
        EXPECT_FALSE(connection.tls().has_value());
    }});
    RawSocket peer = RawSocket::connect(server->address());
    EXPECT_TRUE(seen.wait_for_opens(1));
}

TEST_P(TlsEchoTest, other_threads_send_in_order) {
    constexpr std::size_t step = 37;
    auto server = serve_tls({});
    TlsPeer peer = join(*server);
    ASSERT_TRUE(seen.wait_for_opens(1));
    const std::size_t rounds = scaled(5000);
    std::thread sender{[&] {
        for (std::size_t round = 0; round < rounds; ++round) {
            const std::string bytes = pattern(round * step, step);
            ASSERT_TRUE(eventually([&] {
                return (round % 3 == 0 ? server->broadcast(bytes) : engine.send(seen.id(), bytes)) == Result::ok;
            }));
        }
    }};
    EXPECT_TRUE(matches_pattern(peer.receive(rounds * step), 0));
    sender.join();
}

TEST_P(TlsEchoTest, an_empty_send_is_accepted_and_sends_nothing) {
    auto server = serve_tls({.on_open = [](Connection& connection) {
        EXPECT_EQ(connection.send(Bytes{}), Result::ok);
        EXPECT_EQ(connection.send("x"), Result::ok);
        EXPECT_EQ(connection.send(""), Result::ok);
        connection.close();
    }});
    TlsPeer peer = join(*server);
    const TlsPeer::Rest rest = peer.receive_rest();
    EXPECT_EQ(rest.bytes, "x");
    EXPECT_EQ(rest.end, TlsEnd::close_notify);
}

TEST_P(TlsEchoTest, a_small_receive_buffer_still_takes_whole_records) {
    Engine small{{.reactors = GetParam().reactors, .receive_buffer_bytes = 4096}};
    ASSERT_TRUE(small.start());
    Server server{small, {.endpoint = endpoint(), .tls = server_context()}, Callbacks{.on_data = echo}};
    ASSERT_TRUE(server.start());
    TlsPeer peer = join(server);
    std::thread writer{[&] {
        EXPECT_TRUE(peer.send(pattern(0, 300'000)));
        EXPECT_TRUE(peer.finish_sending());
    }};
    const TlsPeer::Rest rest = peer.receive_rest();
    writer.join();
    EXPECT_EQ(rest.bytes.size(), 300'000u);
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
}

}  // namespace
}  // namespace pollux::test
