// The closing handshake and every other end of a WebSocket, and what `on_close` tells of it.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "net/ws_support.h"

namespace pollux::test {
namespace {

using ws::CloseEvent;
using ws::MessageType;
using ws::WebSocket;

namespace code = ws::close_code;

/// As a handler is told of an end.
void expect_close(const SeenClose& seen, CloseReason cause, std::uint16_t received, std::uint16_t sent,
                  std::string_view reason = {}) {
    EXPECT_EQ(seen.cause, cause);
    EXPECT_EQ(seen.code, received);
    EXPECT_EQ(seen.sent_code, sent);
    EXPECT_EQ(seen.reason, reason);
    EXPECT_EQ(seen.clean, received != code::abnormal && sent != 0);
}

class WsCloseTest : public WsRoleTest {
protected:
    /// Whatever comes makes the handler close.
    static WsHooks closing(std::uint16_t close_code = code::normal, std::string reason = {}) {
        return {.on_message = [=](WebSocket& socket, MessageType, Bytes) { socket.close(close_code, reason); }};
    }

    /// Close frames went both ways: the server ends the connection, and the client follows.
    void expect_end(WsPeer& peer) const {
        if (ours == Role::client) peer.finish_sending();
        EXPECT_TRUE(peer.is_closed());
        peer.socket().close();
    }

    /// The peer answers our Close.
    void answer(WsPeer& peer, std::uint16_t close_code) const {
        peer.send(close(close_code));
        expect_end(peer);
    }

    [[nodiscard]] SeenClose seen_close() { return record().close(); }
};

INSTANTIATE_TEST_SUITE_P(Net, WsCloseTest, both_roles, role_name);

TEST_P(WsCloseTest, ours_goes_out_behind_everything_and_is_answered) {
    WsPeer peer = open({.on_message = [](WebSocket& socket, MessageType, Bytes) {
        EXPECT_EQ(socket.send(as_bytes(pattern(0, 300'000))), Result::ok);
        EXPECT_EQ(socket.send("last"), Result::ok);
        socket.close(4321, "enough");
        socket.close(4322, "the second one does nothing");
    }});
    peer.send(text("go"));
    EXPECT_EQ(peer.read(), binary(pattern(0, 300'000)));
    EXPECT_EQ(peer.read(), text("last"));
    EXPECT_EQ(peer.read(), close(4321, "enough"));
    peer.send(close(4000, "so be it"));
    expect_end(peer);
    expect_close(seen_close(), CloseReason::local_close, 4000, 4321, "so be it");
}

TEST_P(WsCloseTest, the_peers_is_answered_with_its_code) {
    WsPeer peer = open();
    peer.send(close(4000, "br\xc3\xbcsk"));
    EXPECT_EQ(peer.read(), close(4000)) << "the reason is not sent back";
    expect_end(peer);
    expect_close(seen_close(), CloseReason::peer_closed, 4000, 4000, "br\xc3\xbcsk");
}

TEST_P(WsCloseTest, the_peers_without_a_code_is_answered_without_one) {
    WsPeer peer = open();
    peer.send(close(code::none));
    EXPECT_EQ(peer.read_close(), code::none);
    expect_end(peer);
    expect_close(seen_close(), CloseReason::peer_closed, code::none, code::none);
}

TEST_P(WsCloseTest, both_at_once) {
    WsPeer peer = open(closing(4100));
    peer.send(peer.encode(text("go")) + peer.encode(close(4200)));
    EXPECT_EQ(peer.read_close(), 4100);
    expect_end(peer);
    expect_close(seen_close(), CloseReason::local_close, 4200, 4100);
}

TEST_P(WsCloseTest, nothing_is_delivered_once_it_closes) {
    WsPeer peer = open(closing());
    peer.send(peer.encode(text("go")) + peer.encode(text("too late")) + peer.encode(ping("too")) +
              peer.encode(pong("late")));
    EXPECT_EQ(peer.read_close(), code::normal);
    peer.send(text("much too late"));
    answer(peer, code::normal);
    expect_close(seen_close(), CloseReason::local_close, code::normal, code::normal);
    const WsSeen all = record().seen();
    EXPECT_EQ(all.messages.size(), 1u);
    EXPECT_TRUE(all.pings.empty() && all.pongs.empty());
}

struct SentCode {
    std::uint16_t asked;
    std::uint16_t sent;
};

TEST_P(WsCloseTest, codes_that_must_not_be_sent_are_taken_as_1011) {
    constexpr SentCode cases[] = {
        {0, 1011},    {1, 1011},    {999, 1011},  {1000, 1000}, {1001, 1001}, {1003, 1003},
        {1004, 1011}, {1005, 1005}, {1006, 1011}, {1007, 1007}, {1014, 1014}, {1015, 1011},
        {1016, 1011}, {2999, 1011}, {3000, 3000}, {4999, 4999}, {5000, 1011}, {65535, 1011},
    };
    for (const SentCode& one : cases) {
        SCOPED_TRACE(one.asked);
        const std::size_t before = record().connections().seen().closes;
        WsPeer peer = open(closing(one.asked, "why"));
        peer.send(text("go"));
        EXPECT_EQ(peer.read(), close(one.sent, "why"));
        answer(peer, code::normal);
        expect_close(record().close(before), CloseReason::local_close, code::normal, one.sent);
    }
}

TEST_P(WsCloseTest, reasons_are_cut_between_characters) {
    // 123 bytes fit: one character of one to four bytes stands across their end.
    for (const std::string_view character : {"a", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x99\x82"}) {
        for (std::size_t before = 119; before <= 124; ++before) {
            SCOPED_TRACE(std::to_string(before) + " before " + std::string{character});
            const std::string lead(before, 'x');
            std::string expected = lead.substr(0, 123);
            if (before + character.size() <= 123) expected += character;
            WsPeer peer = open(closing(4000, lead + std::string{character}));
            peer.send(text("go"));
            EXPECT_EQ(peer.read(), close(4000, expected));
            answer(peer, code::normal);
        }
    }
}

TEST_P(WsCloseTest, a_reason_of_many_characters_is_cut_between_them) {
    std::string reason;
    while (reason.size() < 300) reason += "\xe2\x82\xac";
    WsPeer peer = open(closing(4000, reason));
    peer.send(text("go"));
    EXPECT_EQ(peer.read(), close(4000, reason.substr(0, 123)));
    answer(peer, code::normal);
}

TEST_P(WsCloseTest, by_id_it_is_the_same) {
    WsPeer peer = open();
    std::string reason(121, 'x');
    reason += "\xe2\x82\xac";
    const ConnectionId id = record().connections().id();
    EXPECT_EQ(ws::close(engine, id, 999, reason), Result::ok);
    EXPECT_EQ(peer.read(), close(1011, reason.substr(0, 121)));
    answer(peer, 1011);
    expect_close(seen_close(), CloseReason::local_close, 1011, 1011);
    settle();
    EXPECT_EQ(ws::close(engine, id), Result::closed);
}

TEST_P(WsCloseTest, by_id_without_a_code) {
    WsPeer peer = open();
    EXPECT_EQ(ws::close(engine, record().connections().id(), code::none, "is not sent"), Result::ok);
    EXPECT_EQ(peer.read(), close(code::none));
    answer(peer, code::none);
    expect_close(seen_close(), CloseReason::local_close, code::none, code::none);
}

TEST_P(WsCloseTest, the_engines_close_is_one_too) {
    WsPeer peer = open();
    EXPECT_EQ(engine.close(record().connections().id()), Result::ok);
    EXPECT_EQ(peer.read(), close(code::normal));
    answer(peer, code::normal);
    expect_close(seen_close(), CloseReason::local_close, code::normal, code::normal);
}

TEST_P(WsCloseTest, an_abort_says_nothing) {
    WsPeer peer = open({.on_message = [](WebSocket& socket, MessageType, Bytes) {
        socket.abort();
        EXPECT_FALSE(socket.is_open());
        EXPECT_EQ(socket.send("too late"), Result::closed);
        socket.close();
        socket.abort();
    }});
    peer.send(peer.encode(text("go")) + peer.encode(text("too late")));
    EXPECT_EQ(peer.end(), HttpEnd::reset);
    expect_close(seen_close(), CloseReason::aborted, code::abnormal, 0);
    EXPECT_EQ(record().seen().messages.size(), 1u);
}

TEST_P(WsCloseTest, an_abort_ends_a_close_that_takes_long) {
    WsPeer peer = open({.on_message =
                            [](WebSocket& socket, MessageType, Bytes) {
                                socket.close();
                                static_cast<void>(socket.reactor().post([&socket] { socket.abort(); }));
                            }},
                       {.close_timeout = 1h});
    peer.send(text("go"));
    EXPECT_NE(seen_close().sent_code, 0);
    EXPECT_EQ(peer.read_close(), code::normal);
}

TEST_P(WsCloseTest, a_peer_that_just_ends_has_sent_no_close) {
    WsPeer peer = open();
    peer.finish_sending();
    EXPECT_TRUE(peer.is_closed()) << "nobody is there to read a Close frame";
    expect_close(seen_close(), CloseReason::peer_closed, code::abnormal, 0);
}

TEST_P(WsCloseTest, a_peer_that_resets) {
    WsPeer peer = open();
    peer.socket().reset();
    expect_close(seen_close(), CloseReason::peer_reset, code::abnormal, 0);
    EXPECT_TRUE(record().connections().seen().errors.at(0));
}

TEST_P(WsCloseTest, a_peer_that_ends_without_answering) {
    WsPeer peer = open(closing(4000));
    peer.send(text("go"));
    EXPECT_EQ(peer.read_close(), 4000);
    peer.finish_sending();
    EXPECT_TRUE(peer.is_closed());
    expect_close(seen_close(), CloseReason::local_close, code::abnormal, 4000);
}

TEST_P(WsCloseTest, a_peer_that_never_answers_is_waited_for_as_long_as_agreed) {
    WsPeer peer = open(closing(4000), {.close_timeout = 20ms});
    peer.send(text("go"));
    EXPECT_EQ(peer.read_close(), 4000);
    EXPECT_NE(peer.end(), HttpEnd::timed_out);
    expect_close(seen_close(), CloseReason::local_close, code::abnormal, 4000);
}

TEST_P(WsCloseTest, a_peer_that_goes_on_and_never_answers_is_waited_for_no_longer) {
    WsPeer peer = open(closing(4000), {.close_timeout = 20ms});
    peer.send(text("go"));
    EXPECT_EQ(peer.read_close(), 4000);
    while (peer.try_send(text("still here"))) {
    }
    expect_close(seen_close(), CloseReason::local_close, code::abnormal, 4000);
}

TEST_P(WsCloseTest, what_a_peer_does_not_read_in_time_is_lost) {
    WsPeer peer = open({.on_message =
                            [](WebSocket& socket, MessageType, Bytes) {
                                EXPECT_EQ(socket.send(as_bytes(pattern(0, 8'000'000))), Result::ok);
                                socket.close();
                            }},
                       {.close_timeout = 20ms}, {.kernel_send_buffer_bytes = 16 * 1024});
    peer.send(text("go"));
    expect_close(seen_close(), CloseReason::close_timeout, code::abnormal, code::normal);
}

TEST_P(WsCloseTest, a_peer_that_breaks_the_protocol) {
    WsPeer peer = open();
    peer.send(WsFrame{.payload = "no such bit", .rsv = 2});
    EXPECT_EQ(peer.read_close(), code::protocol_error);
    expect_end(peer);
    expect_close(seen_close(), CloseReason::protocol_error, code::abnormal, code::protocol_error);
}

TEST_P(WsCloseTest, a_text_that_is_none) {
    WsPeer peer = open();
    peer.send(text("\xff"));
    EXPECT_EQ(peer.read_close(), code::invalid_data);
    expect_end(peer);
    expect_close(seen_close(), CloseReason::protocol_error, code::abnormal, code::invalid_data);
}

TEST_P(WsCloseTest, a_message_beyond_the_limit) {
    WsPeer peer = open({}, {.max_message_bytes = 1000});
    peer.send(text(std::string(1000, 'x')));
    peer.send(text(std::string(1001, 'x')));
    EXPECT_EQ(peer.read_close(), code::too_big);
    expect_end(peer);
    expect_close(seen_close(), CloseReason::limit, code::abnormal, code::too_big);
    EXPECT_EQ(record().seen().messages.size(), 1u);
}

TEST_P(WsCloseTest, too_many_fragments) {
    WsPeer peer = open({}, {.max_fragments = 3});
    for (int message = 0; message < 2; ++message) {
        peer.send(first_part(Opcode::text, "1"));
        peer.send(next_part("2"));
        peer.send(last_part("3"));
    }
    peer.send(first_part(Opcode::text, ""));
    for (int i = 0; i < 3; ++i) peer.send(next_part(""));
    EXPECT_EQ(peer.read_close(), code::too_big);
    expect_end(peer);
    expect_close(seen_close(), CloseReason::limit, code::abnormal, code::too_big);
    EXPECT_EQ(record().seen().messages.size(), 2u);
}

TEST_P(WsCloseTest, a_peer_that_answers_wrongly) {
    WsPeer peer = open(closing(4000));
    peer.send(text("go"));
    EXPECT_EQ(peer.read_close(), 4000);
    peer.try_send(WsFrame{.opcode = Opcode::close, .payload = "x"});
    expect_end(peer);
    expect_close(seen_close(), CloseReason::protocol_error, code::abnormal, 4000);
}

TEST_P(WsCloseTest, a_pause_behind_a_close_does_not_keep_the_answer_back) {
    WsPeer peer = open({.on_message =
                            [](WebSocket& socket, MessageType, Bytes) {
                                socket.close();
                                socket.pause_receiving();
                            }},
                       {.close_timeout = 1h});
    peer.send(text("go"));
    EXPECT_EQ(peer.read_close(), code::normal);
    answer(peer, code::normal);
    expect_close(seen_close(), CloseReason::local_close, code::normal, code::normal);
}

TEST_P(WsCloseTest, a_close_in_on_open) {
    for (int round = 0; round < 2; ++round) {
        WsPeer peer = open({.on_open = [](WebSocket& socket) {
            EXPECT_TRUE(socket.is_open());
            EXPECT_EQ(socket.send("hello"), Result::ok);
            socket.close(4000);
        }});
        EXPECT_EQ(peer.read(), text("hello"));
        EXPECT_EQ(peer.read_close(), 4000);
        answer(peer, 4000);
        expect_close(record().close(static_cast<std::size_t>(round)), CloseReason::local_close, 4000, 4000);
    }
}

TEST_P(WsCloseTest, an_abort_in_on_open) {
    const WsHooks hooks{.on_open = [](WebSocket& socket) { socket.abort(); }};
    if (ours == Role::server) {
        serve(hooks);
        WsPeer peer = connect();
        EXPECT_EQ(peer.upgrade().status, 0u) << "what was not sent is not sent any more";
    } else {
        WsPeer peer = open(hooks);
        EXPECT_NE(peer.end(), HttpEnd::timed_out);
    }
    expect_close(seen_close(), CloseReason::aborted, code::abnormal, 0);
}

// RFC 6455, 7.1.1: it is the server that ends the connection.

using WsClientCloseTest = WsTest;

TEST_F(WsClientCloseTest, a_server_that_does_not_end_the_connection_is_waited_for_as_long_as_agreed) {
    WsPeer peer = open_as(Role::client, {}, {.close_timeout = 20ms});
    peer.send(close(4000));
    EXPECT_EQ(peer.read_close(), 4000);
    expect_close(ws_client_seen.close(), CloseReason::peer_closed, 4000, 4000);
}

// A server's own ends, over every wire.

using WsServerCloseTest = WsWireTest;
INSTANTIATE_TEST_SUITE_P(Net, WsServerCloseTest, every_wire, wire_name);

TEST_P(WsServerCloseTest, a_server_that_stops_is_going_away) {
    serve();
    open_client();
    ASSERT_TRUE(client_seen.wait_for_opens(1) && seen.wait_for_opens(1));
    server->stop();
    expect_close(ws_seen.close(), CloseReason::shutdown, code::going_away, code::going_away);
    expect_close(ws_client_seen.close(), CloseReason::peer_closed, code::going_away, code::going_away);
}

TEST_P(WsServerCloseTest, close_all_says_1000_and_goes_on_listening) {
    serve();
    WsPeer peer = join();
    ASSERT_TRUE(seen.wait_for_opens(1));
    server->close_all();
    EXPECT_EQ(peer.read_close(), code::normal);
    peer.send(close(code::normal));
    EXPECT_TRUE(peer.is_closed());
    peer.socket().close();
    expect_close(ws_seen.close(), CloseReason::local_close, code::normal, code::normal);
    WsPeer next = join();
    next.shake_hands_and_close();
}

TEST_P(WsServerCloseTest, abort_all_says_nothing) {
    serve();
    WsPeer peer = join();
    ASSERT_TRUE(seen.wait_for_opens(1));
    server->abort_all();
    expect_close(ws_seen.close(), CloseReason::aborted, code::abnormal, 0);
    EXPECT_NE(peer.end(), HttpEnd::timed_out);
}

TEST_P(WsServerCloseTest, an_engine_that_stops_closes_both_ends_of_many) {
    constexpr std::size_t count = 30;
    serve();
    std::vector<std::unique_ptr<ws::Client<WsRecording>>> clients;
    for (std::size_t i = 0; i < count; ++i) {
        open_client();
        clients.push_back(std::move(client));
    }
    ASSERT_TRUE(client_seen.wait_for_opens(count) && seen.wait_for_opens(count));
    engine.stop();
    engine.wait();
    for (std::size_t i = 0; i < count; ++i) {
        EXPECT_EQ(ws_seen.close(i).sent_code, code::going_away);
        EXPECT_TRUE(ws_seen.close(i).clean);
        EXPECT_TRUE(ws_client_seen.close(i).clean);
    }
}

TEST_P(WsServerCloseTest, a_stop_waits_for_those_that_do_not_answer_no_longer_than_agreed) {
    serve({}, {.socket = {.close_timeout = 20ms}});
    WsPeer silent = join();
    ASSERT_TRUE(seen.wait_for_opens(1));
    server->stop();
    expect_close(ws_seen.close(), CloseReason::shutdown, code::abnormal, code::going_away);
    EXPECT_EQ(silent.read_close(), code::going_away);
}

}  // namespace
}  // namespace pollux::test
