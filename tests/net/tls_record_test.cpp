// Records in every shape: cut, joined, largest, empty, padded, damaged, replayed, of the wrong kind.
#include <algorithm>

#include "tls_forge.h"
#include "tls_support.h"

namespace pollux::test {
namespace {

using TlsRecordTest = TlsTest;
INSTANTIATE_TEST_SUITE_P(Net, TlsRecordTest, everywhere, setting_name);

/// A client of a server that echoes, whose records are forged.
struct Forged {
    explicit Forged(const SocketAddress& to)
        : context(TlsRole::client, RecordForge::options()), peer(RawSocket::connect(to), context) {
        EXPECT_TRUE(peer.handshake()) << peer.failure();
        forge.emplace(context);
    }

    [[nodiscard]] bool send(std::string_view wire) const { return peer.socket().send(wire); }

    TlsPeerContext context;
    TlsPeer peer;
    std::optional<RecordForge> forge;
};

/// The server has ended the connection over something that is wrong with TLS.
void expect_tls_error(Recorder& seen) {
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.reason(), CloseReason::tls_error);
    const std::error_code error = seen.seen().errors[0];
    EXPECT_EQ(error.category(), tls_category());
    EXPECT_NE(error.value(), 0);
    EXPECT_FALSE(error.message().empty());
}

TEST_P(TlsRecordTest, a_record_cut_at_every_byte) {
    auto server = serve_tls({.on_data = echo});
    for (const TlsVersion version : both_versions) {
        TlsPeer peer = join(*server, only(version));
        const std::size_t size = peer.seal("in two parts").size();
        peer = join(*server, only(version));
        for (std::size_t cut = 1; cut < size; ++cut) {
            const std::string wire = peer.seal("in two parts");
            ASSERT_TRUE(peer.socket().send(wire.substr(0, cut)));
            turn_all(engine, 2);  // the first part is read alone
            ASSERT_TRUE(peer.socket().send(wire.substr(cut)));
            ASSERT_EQ(peer.receive(12), "in two parts") << "cut at " << cut;
        }
    }
}

TEST_P(TlsRecordTest, records_one_byte_at_a_time) {
    auto server = serve_tls({.on_data = echo});
    for (const TlsVersion version : both_versions) {
        TlsPeer peer = join(*server, only(version));
        ASSERT_TRUE(peer.send(pattern(0, 500), deliver_bytewise));
        EXPECT_EQ(peer.receive(500), pattern(0, 500));
    }
}

TEST_P(TlsRecordTest, records_joined_and_cut_anywhere) {
    auto server = serve_tls({.on_data = echo});
    TlsPeer peer = join(*server);
    std::string wire;
    std::size_t total = 0;
    for (std::size_t record = 0; record < 200; ++record) {
        const std::size_t size = 1 + record * 37 % 900;
        wire += peer.seal(pattern(total, size));
        total += size;
    }
    for (std::size_t done = 0; done < wire.size(); done += 991) {
        ASSERT_TRUE(peer.socket().send(wire.substr(done, 991)));
    }
    EXPECT_EQ(peer.receive(total), pattern(0, total));
}

TEST_P(TlsRecordTest, many_small_records_in_one_segment) {
    auto server = serve_tls({.on_data = echo});
    for (const TlsVersion version : both_versions) {
        TlsPeer peer = join(*server, only(version));
        std::string wire;
        for (std::size_t byte = 0; byte < 2000; ++byte) wire += peer.seal(pattern(byte, 1));
        ASSERT_TRUE(peer.socket().send(wire));
        ASSERT_EQ(peer.receive(2000), pattern(0, 2000));
    }
}

TEST_P(TlsRecordTest, records_of_the_largest_size) {
    auto server = serve_tls({.on_data = echo});
    for (const TlsVersion version : both_versions) {
        TlsPeer peer = join(*server, only(version));
        std::string wire;
        for (std::size_t record = 0; record < 8; ++record) wire += peer.seal(pattern(record * 16384, 16384));
        std::thread writer{[&] { EXPECT_TRUE(peer.socket().send(wire)); }};
        EXPECT_EQ(peer.receive(8 * 16384), pattern(0, 8 * 16384));
        writer.join();
    }
}

TEST_P(TlsRecordTest, empty_records_deliver_nothing) {
    auto server = serve_tls({.on_data = [](Connection& connection, Bytes data) {
        EXPECT_FALSE(data.empty());
        echo(connection, data);
    }});
    Forged client{server->address()};
    for (int round = 0; round < 50; ++round) {
        ASSERT_TRUE(client.send(in_order({client.forge->data(""), client.forge->data("", 100),
                                          client.forge->data("some"), client.forge->data("")})));
        ASSERT_EQ(client.peer.receive(4), "some");
    }
    // Nothing else came with them.
    turn_all(engine, 3);
    EXPECT_EQ(server->counters().bytes_received, 200u);
}

TEST_P(TlsRecordTest, empty_records_without_end_hold_up_nobody) {
    auto server = serve_tls({.on_data = echo});
    Forged client{server->address()};
    TlsPeer busy = join(*server);
    std::string wire;
    for (int record = 0; record < 20'000; ++record) wire += client.forge->data("");
    std::thread flood{[&] { (void)client.send(wire); }};
    for (int round = 0; round < 100; ++round) {
        ASSERT_TRUE(busy.send("on we go"));
        ASSERT_EQ(busy.receive(8), "on we go");
    }
    flood.join();
}

TEST_P(TlsRecordTest, padding_is_not_delivered) {
    auto server = serve_tls({.on_data = echo});
    Forged client{server->address()};
    for (const std::size_t padding : {1u, 255u, 10'000u, 16'380u}) {
        ASSERT_TRUE(client.send(client.forge->data("some", padding)));
        ASSERT_EQ(client.peer.receive(4), "some") << padding << " bytes of padding";
    }
}

TEST_P(TlsRecordTest, a_damaged_record_ends_the_connection_after_what_was_sound) {
    for (const TlsVersion version : both_versions) {
        Recorder record;
        TlsPair pair{engine, transport(), Side::server, record, {}, {}, only(version)};
        const std::string wire = in_order({pair.peer.seal("sound"), pair.peer.seal(" and whole")});
        std::string damaged = pair.peer.seal("damaged");
        damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
        ASSERT_TRUE(pair.peer.socket().send(wire + damaged + pair.peer.seal("never heard of")));
        expect_tls_error(record);
        EXPECT_EQ(record.seen().received, "sound and whole");
        EXPECT_NE(pair.peer.receive_rest().end, TlsEnd::close_notify) << "this is no orderly end";
    }
}

TEST_P(TlsRecordTest, a_record_damaged_at_any_byte) {
    Recorder record;
    Server<Recording> server{engine, {.endpoint = endpoint(), .tls = server_context()}, std::ref(record)};
    ASSERT_TRUE(server.start());
    const TlsPeerContext context{TlsRole::client, {}};
    std::size_t size = 1;
    for (std::size_t byte = 0; byte < size; ++byte) {
        TlsPeer peer{RawSocket::connect(server.address()), context};
        ASSERT_TRUE(peer.handshake());
        std::string wire = peer.seal("damaged");
        size = wire.size();
        wire[byte] = static_cast<char>(wire[byte] ^ 0x40);
        ASSERT_TRUE(peer.socket().send(wire));
        peer.socket().finish_sending();
        ASSERT_TRUE(record.wait_for_closes(byte + 1));
        // A length that became larger waits for bytes that never come.
        const CloseReason reason = record.reason(byte);
        EXPECT_TRUE(reason == CloseReason::tls_error || reason == CloseReason::tls_truncated)
            << to_string(reason) << " with byte " << byte << " damaged";
    }
    EXPECT_EQ(record.seen().received, "");
}

TEST_P(TlsRecordTest, a_replayed_record_ends_the_connection) {
    auto server = serve_tls();
    TlsPeer peer = join(*server);
    const std::string wire = peer.seal("once");
    ASSERT_TRUE(peer.socket().send(wire + wire));
    expect_tls_error(seen);
    EXPECT_EQ(seen.seen().received, "once");
}

TEST_P(TlsRecordTest, a_record_larger_than_the_largest_ends_the_connection) {
    auto server = serve_tls();
    Forged client{server->address()};
    (void)client.send(in_order({client.forge->data("fine"), client.forge->data(std::string(16'385, 'x'))}));
    expect_tls_error(seen);
    EXPECT_EQ(seen.seen().received, "fine");
}

TEST_P(TlsRecordTest, a_length_beyond_all_bounds_is_not_waited_for) {
    auto server = serve_tls();
    TlsPeer peer = join(*server);
    ASSERT_TRUE(peer.socket().send(peer.seal("fine") + std::string{"\x17\x03\x03\xff\xff"}));
    expect_tls_error(seen);
    EXPECT_EQ(seen.seen().received, "fine");
}

TEST_P(TlsRecordTest, plain_text_in_the_middle_ends_the_connection) {
    auto server = serve_tls();
    TlsPeer peer = join(*server);
    ASSERT_TRUE(peer.socket().send(peer.seal("fine") + "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    expect_tls_error(seen);
    EXPECT_EQ(seen.seen().received, "fine");
}

TEST_P(TlsRecordTest, a_record_of_an_unknown_type_ends_the_connection) {
    auto server = serve_tls();
    Forged client{server->address()};
    ASSERT_TRUE(
        client.send(in_order({client.forge->data("fine"), client.forge->seal(static_cast<RecordType>(99), "what?")})));
    expect_tls_error(seen);
    EXPECT_EQ(seen.seen().received, "fine");
}

TEST_P(TlsRecordTest, a_second_client_hello_ends_the_connection) {
    auto server = serve_tls();
    Forged client{server->address()};
    TlsPeer other{RawSocket{}, TlsRole::client};
    const std::string hello = other.next_flight().substr(5);  // without the record's header
    ASSERT_TRUE(client.send(in_order({client.forge->data("fine"), client.forge->seal(RecordType::handshake, hello)})));
    expect_tls_error(seen);
    EXPECT_EQ(seen.seen().received, "fine");
}

TEST_P(TlsRecordTest, a_fatal_alert_ends_the_connection) {
    auto server = serve_tls();
    Forged client{server->address()};
    const std::string internal_error = "\x02\x50";
    ASSERT_TRUE(
        client.send(in_order({client.forge->data("fine"), client.forge->seal(RecordType::alert, internal_error)})));
    expect_tls_error(seen);
    EXPECT_EQ(seen.seen().received, "fine");
    EXPECT_NE(seen.seen().errors[0].message().find("internal error"), std::string::npos)
        << seen.seen().errors[0].message();
}

TEST_P(TlsRecordTest, an_alert_of_the_wrong_size_ends_the_connection) {
    auto server = serve_tls();
    Forged client{server->address()};
    ASSERT_TRUE(client.send(client.forge->seal(RecordType::alert, "\x01")));
    expect_tls_error(seen);
}

TEST_P(TlsRecordTest, warnings_without_end_are_not_listened_to_for_ever) {
    auto server = serve_tls();
    Forged client{server->address()};
    const std::string user_canceled = "\x01\x5a";
    std::string wire;
    for (int warning = 0; warning < 1000; ++warning) wire += client.forge->seal(RecordType::alert, user_canceled);
    (void)client.send(wire);
    expect_tls_error(seen);
}

}  // namespace
}  // namespace pollux::test
