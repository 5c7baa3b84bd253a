// Handshakes that are slow, cut, broken off or no handshakes at all, with Pollux on either side.
#include <algorithm>
#include <array>
#include <cerrno>

#include "tls_support.h"

namespace pollux::test {
namespace {

using TlsHandshakeTest = TlsTest;
INSTANTIATE_TEST_SUITE_P(Net, TlsHandshakeTest, everywhere, setting_name);

ConnectionOptions with_handshake_timeout(std::chrono::milliseconds timeout) {
    ConnectionOptions options;
    options.handshake_timeout = timeout;
    return options;
}

/// Everybody else is served as before.
void expect_service(const ServerBase& server) {
    TlsPeer peer = TlsPeer::connect(server.address());
    ASSERT_TRUE(peer.handshake()) << peer.failure();
    ASSERT_TRUE(peer.send("hello"));
    EXPECT_EQ(peer.receive(5), "hello");
}

TEST_P(TlsHandshakeTest, on_open_comes_after_it) {
    auto server = serve_tls({.on_data = echo});
    for (const TlsVersion version : both_versions) {
        const std::size_t before = seen.seen().opens;
        TlsPeer peer = TlsPeer::connect(server->address(), only(version));
        turn_all(engine, 3);
        EXPECT_EQ(seen.seen().opens, before);
        ASSERT_TRUE(peer.socket().send(peer.next_flight()));
        ASSERT_TRUE(peer.hear());
        turn_all(engine, 3);
        EXPECT_EQ(seen.seen().opens, before) << "half a handshake opens nothing";
        EXPECT_EQ(server->connections(), 1u) << "it counts as a connection all the same";
        ASSERT_TRUE(peer.handshake()) << peer.failure();
        ASSERT_TRUE(seen.wait_for_opens(before + 1));
        ASSERT_TRUE(peer.shut_down());
        ASSERT_TRUE(eventually([&] { return server->connections() == 0; }));
    }
    EXPECT_EQ(seen.seen().handshake_errors.size(), 0u);
    EXPECT_EQ(server->counters().accepted, 2u);
}

TEST_P(TlsHandshakeTest, a_silent_client_runs_into_the_deadline) {
    auto server = serve_tls({.on_data = echo,
                             .on_handshake_error =
                                 [](Connection& connection, CloseReason, std::error_code) {
                                     EXPECT_EQ(connection.state(), ConnectionState::closed);
                                     EXPECT_FALSE(connection.is_open());
                                     EXPECT_EQ(connection.send("too late"), Result::closed);
                                     EXPECT_TRUE(connection.peer_address().family != SocketAddress::Family::none);
                                 }},
                            {.connection = with_handshake_timeout(100ms)});
    const RawSocket silent = RawSocket::connect(server->address());
    EXPECT_NE(silent.receive_rest().error, EAGAIN);
    EXPECT_EQ(handshake_error().reason, CloseReason::handshake_timeout);
    EXPECT_TRUE(eventually([&] { return server->counters().handshakes_failed == 1; }));
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
    EXPECT_EQ(seen.seen().handlers, 0u);
    EXPECT_EQ(seen.seen().opens, 0u);
}

TEST_P(TlsHandshakeTest, a_dripping_client_runs_into_the_deadline) {
    auto server = serve_tls({}, {.connection = with_handshake_timeout(100ms)});
    TlsPeer dripping = TlsPeer::connect(server->address());
    const std::string hello = dripping.next_flight();
    // A deadline that each byte moves would let it through: all of them take ten times as long.
    for (const char& byte : hello) {
        if (!dripping.socket().send({&byte, 1})) break;
        std::this_thread::sleep_for(5ms);
        if (!seen.seen().handshake_errors.empty()) break;
    }
    EXPECT_EQ(handshake_error().reason, CloseReason::handshake_timeout);
    EXPECT_EQ(seen.seen().opens, 0u);
}

TEST_P(TlsHandshakeTest, a_client_that_stops_after_its_first_flight_runs_into_the_deadline) {
    auto server = serve_tls({}, {.connection = with_handshake_timeout(100ms)});
    TlsPeer peer = TlsPeer::connect(server->address());
    ASSERT_TRUE(peer.socket().send(peer.next_flight()));
    EXPECT_EQ(handshake_error().reason, CloseReason::handshake_timeout);
}

TEST_P(TlsHandshakeTest, a_server_that_says_nothing_runs_into_the_deadline) {
    const RawListener listener{transport()};
    ClientOptions options = secure_client_of(listener.address());
    options.connection = with_handshake_timeout(100ms);
    auto client = connect_client(std::move(options));
    const RawSocket peer = listener.accept();
    const std::error_code error = connect_error();
    EXPECT_TRUE(error == Errc::timed_out || error == std::errc::timed_out) << error.message();
    EXPECT_FALSE(client->connected());
    EXPECT_EQ(client_seen.seen().opens, 0u);
}

TEST_P(TlsHandshakeTest, the_deadline_is_over_when_the_handshake_is) {
    auto server = serve_tls({.on_data = echo}, {.connection = with_handshake_timeout(400ms)});
    // On a busy machine even this handshake may be too slow: then this attempt says nothing.
    bool shaken = false;
    for (int attempt = 0; attempt < 10 && !shaken; ++attempt) {
        TlsPeer peer = TlsPeer::connect(server->address());
        shaken = peer.handshake();
        if (!shaken) continue;
        std::this_thread::sleep_for(500ms);
        ASSERT_TRUE(peer.send("still here"));
        EXPECT_EQ(peer.receive(10), "still here");
    }
    EXPECT_TRUE(shaken);
}

TEST_P(TlsHandshakeTest, plain_http_to_a_tls_port) {
    auto server = serve_tls({.on_data = echo});
    const RawSocket browser = RawSocket::connect(server->address());
    ASSERT_TRUE(browser.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    EXPECT_NE(browser.receive_rest().error, EAGAIN) << "it is told at once that this is no use";
    const HandshakeError failure = handshake_error();
    EXPECT_EQ(failure.reason, CloseReason::tls_error);
    EXPECT_EQ(failure.error.category(), tls_category());
    EXPECT_EQ(failure.error.message(), "http request");
    EXPECT_TRUE(eventually([&] { return server->counters().handshakes_failed == 1; }));
    expect_service(*server);
}

TEST_P(TlsHandshakeTest, garbage_instead_of_a_client_hello) {
    auto server = serve_tls({.on_data = echo});
    std::size_t count = 0;
    const auto try_with = [&](const std::string& garbage) {
        const RawSocket peer = RawSocket::connect(server->address());
        (void)peer.send(garbage);
        peer.finish_sending();
        EXPECT_NE(peer.receive_rest().error, EAGAIN);
        ASSERT_TRUE(seen.wait_for_handshake_errors(++count));
        const HandshakeError failure = seen.seen().handshake_errors.back();
        EXPECT_EQ(failure.reason, CloseReason::tls_error) << garbage.size() << " bytes of garbage";
        EXPECT_EQ(failure.error.category(), tls_category());
        EXPECT_NE(failure.error.value(), 0);
    };
    for (std::size_t seed = 0; seed < 50; ++seed) try_with(pattern(seed * 977, 600));
    try_with(std::string(100'000, '\0'));
    try_with(std::string(100'000, '\xff'));
    try_with(std::string(16, '\x16'));
    using namespace std::string_literals;
    try_with("\x16\x03\x01\xff\xff"s + std::string(70'000, 'x'));               // one that is too large
    try_with("\x16\x03\x01\x00\x04\x0e\x00\x00\x00"s);                          // ServerHelloDone
    try_with("\x16\x03\x01\x00\x04\x01\xff\xff\xff"s + std::string(600, 'x'));  // a ClientHello of 16 MiB
    try_with("\x17\x03\x03\x00\x05hello"s);                                     // data before anything
    try_with("\x15\x03\x03\x00\x02\x02\x28"s);                                  // handshake_failure
    expect_service(*server);
}

TEST_P(TlsHandshakeTest, a_handshake_without_end_is_not_kept_in_memory) {
    auto server = serve_tls({.on_data = echo});
    const RawSocket peer = RawSocket::connect(server->address());
    // A ClientHello that says it is 16 MiB, in records of the largest size.
    using namespace std::string_literals;
    const std::string first = "\x16\x03\x01\x40\x00\x01\xff\xff\xff"s + std::string(16'380, 'x');
    const std::string next = "\x16\x03\x01\x40\x00"s + std::string(16'384, 'x');
    std::size_t sent = 0;
    for (bool taken = peer.send(first); taken && sent < 256 * next.size(); sent += next.size()) taken = peer.send(next);
    EXPECT_EQ(handshake_error().reason, CloseReason::tls_error);
    expect_service(*server);
}

TEST_P(TlsHandshakeTest, a_tls_client_at_a_plain_port) {
    auto server = serve({.on_data = echo});  // says the ClientHello back
    auto client = connect_client(secure_client_of(server->address()));
    EXPECT_EQ(connect_error().category(), tls_category());
    EXPECT_FALSE(client->connected());
}

TEST_P(TlsHandshakeTest, one_byte_at_a_time) {
    auto server = serve_tls({.on_data = echo});
    for (const TlsVersion version : both_versions) {
        TlsPeer peer = TlsPeer::connect(server->address(), only(version));
        ASSERT_TRUE(peer.handshake(deliver_bytewise)) << peer.failure();
        ASSERT_TRUE(peer.send("hello", deliver_bytewise));
        EXPECT_EQ(peer.receive(5), "hello");

        Recorder record;
        const RawListener listener{transport()};
        Client<Recording> client{engine, secure_client_of(listener.address()), std::ref(record),
                                 Hooks{.on_data = echo}};
        ASSERT_TRUE(client.start());
        TlsPeerOptions options = only(version);
        options.identity = "server-ecdsa";
        TlsPeer other{listener.accept(), TlsRole::server, options};
        ASSERT_TRUE(other.handshake(deliver_bytewise)) << other.failure();
        ASSERT_TRUE(other.send("hello", deliver_bytewise));
        EXPECT_EQ(other.receive(5), "hello");
    }
}

TEST_P(TlsHandshakeTest, bytes_directly_behind_the_last_flight_are_delivered_after_on_open) {
    auto server = serve_tls({.on_open = [](Connection& connection) { connection.send("welcome"); }, .on_data = echo});
    TlsPeer peer = TlsPeer::connect(server->address(), only(TlsVersion::tls1_3));
    ASSERT_TRUE(peer.handshake([&](const RawSocket& socket, std::string_view flight) {
        std::string wire{flight};
        if (peer.established()) wire += in_order({peer.seal("early"), peer.seal(" bird"), peer.seal_close_notify()});
        return socket.send(wire);
    }));
    const TlsPeer::Rest rest = peer.receive_rest();
    EXPECT_EQ(rest.bytes, "welcomeearly bird");
    EXPECT_EQ(rest.end, TlsEnd::close_notify);
    peer.close();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.reason(), CloseReason::peer_closed);
}

TEST_P(TlsHandshakeTest, the_first_flight_already_says_good_bye) {
    // The client is done as soon as it is connected: that is no failed handshake.
    for (const Side side : {Side::server, Side::client}) {
        Recorder record;
        TlsPair pair{engine, transport(), side, record, {}, {}, only(TlsVersion::tls1_3)};
        EXPECT_TRUE(pair.peer.shut_down());
        ASSERT_TRUE(record.wait_for_closes(1));
        EXPECT_EQ(record.reason(), CloseReason::peer_closed);
        EXPECT_EQ(record.seen().handshake_errors.size(), 0u);
    }
}

TEST_P(TlsHandshakeTest, versions_that_do_not_meet) {
    TlsServerOptions tls = server_options();
    tls.protocol.max_version = TlsVersion::tls1_2;
    auto old_server = serve_tls({.on_data = echo}, {.tls = TlsContext::server(tls)});
    TlsPeer modern = TlsPeer::connect(old_server->address(), only(TlsVersion::tls1_3));
    EXPECT_FALSE(modern.handshake());
    EXPECT_EQ(handshake_error().reason, CloseReason::tls_error);
    EXPECT_EQ(handshake_error().error.message(), "unsupported protocol");
    EXPECT_EQ(join(*old_server).version(), "TLSv1.2");

    tls.protocol = {.min_version = TlsVersion::tls1_3};
    auto new_server = serve_tls({.on_data = echo}, {.tls = TlsContext::server(tls)});
    TlsPeer outdated = TlsPeer::connect(new_server->address(), only(TlsVersion::tls1_2));
    EXPECT_FALSE(outdated.handshake());
    ASSERT_TRUE(seen.wait_for_handshake_errors(2));
    EXPECT_EQ(join(*new_server).version(), "TLSv1.3");

    TlsClientOptions client_tls = client_options();
    client_tls.protocol.max_version = TlsVersion::tls1_2;
    auto client = connect_client(secure_client_of(new_server->address(), TlsContext::client(client_tls)));
    EXPECT_EQ(connect_error().category(), tls_category());
}

}  // namespace
}  // namespace pollux::test
