// Every flight of the handshake, cut at every byte and broken off in the middle, with Pollux on either side.
#include <array>
#include <cerrno>

#include "common/process.h"
#include "tls_support.h"

namespace pollux::test {
namespace {

using TlsFlightTest = TlsTest;
INSTANTIATE_TEST_SUITE_P(Net, TlsFlightTest, everywhere, setting_name);

/// Delivers flights whole, but for one, which is divided.
class Cut {
public:
    /// `between` is called when the first part is sent; if it answers false, the rest is not.
    Cut(std::size_t flight, std::size_t offset, std::function<bool()> between)
        : flight_(flight), offset_(offset), between_(std::move(between)) {}

    [[nodiscard]] Delivery delivery() {
        return [this](const RawSocket& socket, std::string_view bytes) {
            if (count_++ != flight_) return socket.send(bytes);
            if (offset_ >= bytes.size()) {
                beyond_ = true;
                return socket.send(bytes);
            }
            if (offset_ != 0 && !socket.send(bytes.substr(0, offset_))) return false;
            return between_() && socket.send(bytes.substr(offset_));
        };
    }

    /// True if the flight is not that long, or does not exist.
    [[nodiscard]] bool beyond() const { return beyond_ || count_ <= flight_; }

private:
    std::size_t flight_;
    std::size_t offset_;
    std::function<bool()> between_;
    std::size_t count_ = 0;
    bool beyond_ = false;
};

/// `thorough` in one setting; a sample where the transport or the reactors are other ones. What a session makes of
/// every cut is tested without sockets too (tests/unit/tls_session_test.cpp).
std::size_t stride(std::size_t thorough) {
    const Setting& setting = TlsFlightTest::GetParam();
    return !sanitized && setting.transport == Transport::tcp && setting.reactors == 1 ? thorough : 23;
}

TEST_P(TlsFlightTest, a_clients_flights_cut_at_every_byte) {
    auto server = serve_tls({.on_data = echo});
    for (const TlsVersion version : both_versions) {
        const TlsPeerContext context{TlsRole::client, only(version)};
        for (std::size_t flight = 0; flight < 2; ++flight) {
            for (std::size_t offset = 1;; offset += stride(1)) {
                Cut cut{flight, offset, [this] {
                            turn_all(engine, 2);  // the first part is read alone
                            return true;
                        }};
                TlsPeer peer{RawSocket::connect(server->address()), context};
                ASSERT_TRUE(peer.handshake(cut.delivery())) << peer.failure() << " with a cut at " << offset;
                ASSERT_TRUE(peer.send("hello"));
                ASSERT_EQ(peer.receive(5), "hello") << "after a cut at " << offset;
                if (cut.beyond()) break;
            }
        }
    }
    EXPECT_EQ(server->counters().handshakes_failed, 0u);
}

TEST_P(TlsFlightTest, a_servers_flights_cut_at_every_byte) {
    const RawListener listener{transport()};
    const TlsContext tls = client_context();
    for (const TlsVersion version : both_versions) {
        TlsPeerOptions options = only(version);
        options.identity = "server-ecdsa";
        options.tickets = false;  // resumption would shorten the flights
        const TlsPeerContext context{TlsRole::server, options};
        const std::size_t flights = version == TlsVersion::tls1_2 ? 2 : 1;
        for (std::size_t flight = 0; flight < flights; ++flight) {
            for (std::size_t offset = 1;; offset += stride(5)) {
                Cut cut{flight, offset, [this] {
                            turn_all(engine, 2);
                            return true;
                        }};
                Recorder record;
                Client<Recording> client{engine, secure_client_of(listener.address(), tls), std::ref(record),
                                         Hooks{.on_data = echo}};
                ASSERT_TRUE(client.start());
                TlsPeer peer{listener.accept(), context};
                ASSERT_TRUE(peer.handshake(cut.delivery())) << peer.failure() << " with a cut at " << offset;
                ASSERT_TRUE(peer.send("hello"));
                ASSERT_EQ(peer.receive(5), "hello") << "after a cut at " << offset;
                if (cut.beyond()) break;
            }
        }
    }
}

/// Where flights are broken off: before and in the first record's header, in its body.
constexpr std::array<std::size_t, 7> cut_places{0, 1, 4, 5, 6, 40, 70};

enum class Departure : std::uint8_t { close, reset };

/// Shakes hands until one flight is cut, and leaves there. False if that flight is shorter.
bool break_off(TlsPeer& peer, std::size_t flight, std::size_t offset, Departure leave) {
    Cut cut{flight, offset, [&] {
                leave == Departure::close ? peer.close() : peer.socket().reset();
                return false;
            }};
    EXPECT_FALSE(peer.handshake(cut.delivery()) && !cut.beyond());
    return !cut.beyond();
}

TEST_P(TlsFlightTest, a_client_that_leaves_in_the_middle_of_a_flight) {
    auto server = serve_tls({.on_data = echo});
    std::size_t failures = 0;
    for (const TlsVersion version : both_versions) {
        const TlsPeerContext context{TlsRole::client, only(version)};
        for (std::size_t flight = 0; flight < 2; ++flight) {
            for (const std::size_t offset : cut_places) {
                for (const Departure leave : {Departure::close, Departure::reset}) {
                    TlsPeer peer{RawSocket::connect(server->address()), context};
                    ASSERT_TRUE(break_off(peer, flight, offset, leave)) << flight << " " << offset;
                    ASSERT_TRUE(seen.wait_for_handshake_errors(++failures)) << flight << " " << offset;
                    const HandshakeError failure = seen.seen().handshake_errors.back();
                    if (leave == Departure::close || !tcp()) {
                        EXPECT_EQ(failure.reason, CloseReason::peer_closed) << flight << " " << offset;
                    } else {
                        EXPECT_EQ(failure.reason, CloseReason::peer_reset) << flight << " " << offset;
                        EXPECT_EQ(failure.error, std::errc::connection_reset);
                    }
                }
            }
        }
    }
    ASSERT_TRUE(eventually([&] { return server->connections() == 0; }));
    EXPECT_EQ(server->counters().handshakes_failed, failures);
    EXPECT_EQ(seen.seen().opens, 0u);
    EXPECT_EQ(seen.seen().handlers, 0u);
    TlsPeer peer = join(*server);
    ASSERT_TRUE(peer.send("hello"));
    EXPECT_EQ(peer.receive(5), "hello");
}

TEST_P(TlsFlightTest, a_server_that_leaves_in_the_middle_of_a_flight) {
    const RawListener listener{transport()};
    const TlsContext tls = client_context();
    for (const TlsVersion version : both_versions) {
        TlsPeerOptions options = only(version);
        options.identity = "server-ecdsa";
        const TlsPeerContext context{TlsRole::server, options};
        const std::size_t flights = version == TlsVersion::tls1_2 ? 2 : 1;
        for (std::size_t flight = 0; flight < flights; ++flight) {
            for (const std::size_t offset : cut_places) {
                for (const Departure leave : {Departure::close, Departure::reset}) {
                    Recorder record;
                    Client<Recording> client{engine, secure_client_of(listener.address(), tls), std::ref(record)};
                    ASSERT_TRUE(client.start());
                    TlsPeer peer{listener.accept(), context};
                    ASSERT_TRUE(break_off(peer, flight, offset, leave)) << flight << " " << offset;
                    ASSERT_TRUE(record.wait_for_connect_errors(1)) << flight << " " << offset;
                    const std::error_code error = record.seen().connect_errors[0].error;
                    if (leave == Departure::close || !tcp()) {
                        EXPECT_EQ(error, Errc::closed_by_peer) << error.message();
                    } else {
                        EXPECT_EQ(error, std::errc::connection_reset) << error.message();
                    }
                    EXPECT_EQ(record.seen().opens, 0u);
                }
            }
        }
    }
}

TEST_P(TlsFlightTest, nothing_is_left_behind_by_handshakes_that_fail) {
    auto server = serve_tls({.on_data = echo});
    const TlsPeerContext context{TlsRole::client, {}};
    // Those that are reset before they are accepted may never be heard of.
    std::size_t certain = 0;
    const auto fail_often = [&](std::size_t count) {
        for (std::size_t index = 0; index < count; ++index) {
            TlsPeer peer{RawSocket::connect(server->address()), context};
            if (index % 4 == 1) (void)peer.socket().send("garbage, every bit of it");
            if (index % 4 == 2) (void)peer.socket().send(peer.next_flight().substr(0, 50));
            if (index % 4 == 3) (void)peer.socket().send(peer.next_flight());
            if (index % 3 == 0) {
                peer.socket().reset();
            } else {
                ++certain;
            }
        }
    };
    const auto all_have_failed = [&] {
        const ServerCounters counters = server->counters();
        const std::size_t told = seen.seen().handshake_errors.size();
        return told >= certain && told == counters.accepted && told == counters.handshakes_failed &&
               server->connections() == 0;
    };
    fail_often(50);
    ASSERT_TRUE(eventually(all_have_failed));
    const std::size_t before = open_descriptors();
    const std::size_t count = scaled(600);
    fail_often(count);
    EXPECT_TRUE(eventually(all_have_failed));
    EXPECT_TRUE(eventually([&] { return open_descriptors() <= before; }));
    const ServerCounters counters = server->counters();
    EXPECT_LE(counters.accepted, 50 + count);
    EXPECT_EQ(counters.bytes_pending, 0u);
    EXPECT_EQ(seen.seen().handlers, 0u);
}

}  // namespace
}  // namespace pollux::test
