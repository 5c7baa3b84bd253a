// Echo over real sockets: every way a byte stream can be cut, sizes, many clients, counters.
#include <algorithm>
#include <array>

#include "support.h"

namespace pollux::test {
namespace {

using EchoTest = NetTest;
INSTANTIATE_TEST_SUITE_P(Net, EchoTest, everywhere, setting_name);

/// A protocol for the splitting tests: a length byte and so many bytes; each message is answered with "<message>".
class Framed final : public ConnectionHandler {
public:
    void on_data(Connection& connection, Bytes data) override {
        buffered_ += as_text(data);
        while (!buffered_.empty()) {
            const std::size_t size = static_cast<unsigned char>(buffered_[0]);
            if (buffered_.size() < 1 + size) return;
            EXPECT_EQ(connection.send("<" + buffered_.substr(1, size) + ">"), Result::ok);
            buffered_.erase(0, 1 + size);
        }
    }

private:
    std::string buffered_;
};

struct Conversation {
    std::string questions;
    std::string answers;

    Conversation() {
        for (const unsigned size : {0u, 1u, 2u, 3u, 7u, 16u, 31u, 64u, 1u, 0u, 5u}) {
            const std::string message = pattern(questions.size(), size);
            questions += static_cast<char>(size) + message;
            answers += "<" + message + ">";
        }
    }
};

TEST_P(EchoTest, answers_and_ends_with_the_peer) {
    auto server = serve({.on_data = echo});
    RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(peer.send("hello"));
    EXPECT_EQ(peer.receive(5), "hello");
    peer.close();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.seen().ends, 1u);
    EXPECT_EQ(seen.reason(), CloseReason::peer_closed);
    EXPECT_FALSE(seen.seen().errors[0]) << seen.seen().errors[0].message();
}

TEST_P(EchoTest, greets_first) {
    auto server = serve({.on_open = [](Connection& connection) { EXPECT_EQ(connection.send("welcome"), Result::ok); }});
    const RawSocket peer = RawSocket::connect(server->address());
    EXPECT_EQ(peer.receive(7), "welcome");
}

TEST_P(EchoTest, messages_cut_at_every_position) {
    Server<Framed> server{engine, {.endpoint = endpoint()}};
    ASSERT_TRUE(server.start());
    const Conversation conversation;
    for (std::size_t cut = 0; cut <= conversation.questions.size(); ++cut) {
        const RawSocket peer = RawSocket::connect(server.address());
        const std::uint64_t before = server.counters().bytes_received;
        ASSERT_TRUE(peer.send(conversation.questions.substr(0, cut)));
        // The server must have read the first part alone, or the kernel would join the two again.
        ASSERT_TRUE(eventually([&] { return server.counters().bytes_received == before + cut; }));
        ASSERT_TRUE(peer.send(conversation.questions.substr(cut)));
        peer.finish_sending();
        ASSERT_EQ(peer.receive_rest().bytes, conversation.answers) << "cut at " << cut;
    }
}

TEST_P(EchoTest, messages_in_pieces_of_every_size) {
    Server<Framed> server{engine, {.endpoint = endpoint()}};
    ASSERT_TRUE(server.start());
    const Conversation conversation;
    for (std::size_t piece = 1; piece <= conversation.questions.size(); ++piece) {
        const RawSocket peer = RawSocket::connect(server.address());
        for (std::size_t done = 0; done < conversation.questions.size(); done += piece) {
            ASSERT_TRUE(peer.send(conversation.questions.substr(done, piece)));
        }
        peer.finish_sending();
        const RawSocket::Rest rest = peer.receive_rest();
        ASSERT_EQ(rest.bytes, conversation.answers) << "in pieces of " << piece;
        ASSERT_EQ(rest.error, 0);
    }
}

TEST_P(EchoTest, a_thousand_messages_joined_in_one_send) {
    Server<Framed> server{engine, {.endpoint = endpoint()}};
    ASSERT_TRUE(server.start());
    const Conversation conversation;
    std::string questions;
    std::string answers;
    for (int round = 0; round < 1000; ++round) {
        questions += conversation.questions;
        answers += conversation.answers;
    }
    const RawSocket peer = RawSocket::connect(server.address());
    std::thread writer{[&] {
        EXPECT_TRUE(peer.send(questions));
        peer.finish_sending();
    }};
    EXPECT_EQ(peer.receive_rest().bytes, answers);
    writer.join();
}

TEST_P(EchoTest, large_messages_come_back_whole) {
    Server server{engine, {.endpoint = endpoint()}, Callbacks{.on_data = echo}};
    ASSERT_TRUE(server.start());
    for (const std::size_t size : {std::size_t{1}, std::size_t{1000}, std::size_t{65536}, std::size_t{262145},
                                   std::size_t{1} << 20, std::size_t{8} << 20}) {
        const RawSocket peer = RawSocket::connect(server.address());
        const std::string message = pattern(size, size);
        std::thread writer{[&] {
            EXPECT_TRUE(peer.send(message));
            peer.finish_sending();
        }};
        const RawSocket::Rest rest = peer.receive_rest();
        writer.join();
        EXPECT_EQ(rest.error, 0);
        EXPECT_EQ(rest.bytes.size(), size);
        EXPECT_TRUE(matches_pattern(rest.bytes, size)) << size << " bytes came back changed";
    }
}

TEST_P(EchoTest, one_send_above_the_high_watermark_is_taken_whole) {
    constexpr std::size_t size = std::size_t{5} << 20;
    auto server = serve({.on_open = [](Connection& connection) {
        EXPECT_EQ(connection.send(pattern(0, size)), Result::ok);
        connection.close();
    }});
    const RawSocket peer = RawSocket::connect(server->address());
    const RawSocket::Rest rest = peer.receive_rest();
    EXPECT_EQ(rest.error, 0);
    EXPECT_EQ(rest.bytes.size(), size);
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
}

TEST_P(EchoTest, many_clients_each_get_their_own_answers) {
    auto server = serve({.on_data = echo});
    const std::size_t count = scaled(300);
    std::vector<RawSocket> peers;
    for (std::size_t index = 0; index < count; ++index) peers.push_back(RawSocket::connect(server->address()));
    for (int round = 0; round < 5; ++round) {
        for (std::size_t index = 0; index < count; ++index) {
            ASSERT_TRUE(peers[index].send(pattern(index * 1000, 100 + index)));
        }
        for (std::size_t index = 0; index < count; ++index) {
            ASSERT_EQ(peers[index].receive(100 + index), pattern(index * 1000, 100 + index));
        }
    }
    EXPECT_EQ(server->connections(), count);
    EXPECT_EQ(server->counters().accepted, count);
    peers.clear();
    ASSERT_TRUE(seen.wait_for_closes(count));
    EXPECT_TRUE(eventually([&] { return server->connections() == 0; }));
    for (std::size_t index = 0; index < count; ++index) EXPECT_EQ(seen.reason(index), CloseReason::peer_closed);
}

TEST_P(EchoTest, callbacks_instead_of_a_class) {
    Recorder marks;
    const auto mark = [&marks](Connection&) { marks.mark(); };
    Server server{engine,
                  {.endpoint = endpoint()},
                  Callbacks{.on_open = mark,
                            .on_data = echo,
                            .on_close = [&](Connection&, CloseReason, std::error_code) { marks.mark(); }}};
    ASSERT_TRUE(server.start());
    Client client{engine,
                  {.endpoint = endpoint_of(server.address())},
                  Callbacks{.on_open = [](Connection& connection) { connection.send("hello"); },
                            .on_data =
                                [&](Connection& connection, Bytes data) {
                                    EXPECT_EQ(as_text(data), "hello");
                                    connection.close();
                                }}};
    ASSERT_TRUE(client.start());
    EXPECT_TRUE(marks.wait_for_marks(2));
}

TEST_P(EchoTest, pollux_client_and_server_play_ball) {
    constexpr std::uint64_t rounds = 1000;
    auto server = serve({.on_data = echo});
    std::atomic<std::uint64_t> received{0};
    Gate done;
    Client<Recording> client{engine,
                             {.endpoint = endpoint_of(server->address())},
                             std::ref(client_seen),
                             Hooks{.on_open = [](Connection& connection) { connection.send("ball"); },
                                   .on_data =
                                       [&](Connection& connection, Bytes data) {
                                           if ((received += data.size()) == rounds * 4) {
                                               done.open();
                                           } else {
                                               EXPECT_EQ(connection.send(data), Result::ok);
                                           }
                                       }}};
    ASSERT_TRUE(client.start());
    EXPECT_TRUE(done.wait());
    EXPECT_TRUE(client.connected());
    client.stop();
    EXPECT_FALSE(client.connected());
    EXPECT_EQ(client_seen.seen().closes, 1u);
    EXPECT_TRUE(seen.wait_for_closes(1));
}

TEST_P(EchoTest, server_counters_are_exact) {
    auto server = serve({.on_data = echo});
    constexpr std::size_t messages = 50;
    constexpr std::size_t size = 33;
    std::array<RawSocket, 4> peers;
    for (RawSocket& peer : peers) {
        peer = RawSocket::connect(server->address());
        for (std::size_t message = 0; message < messages; ++message) {
            ASSERT_TRUE(peer.send(pattern(message, size)));
            ASSERT_EQ(peer.receive(size), pattern(message, size));
        }
    }
    const auto settled = [&] {
        const ServerCounters now = server->counters();
        return now.bytes_sent == peers.size() * messages * size && now.messages_sent == peers.size() * messages;
    };
    EXPECT_TRUE(eventually(settled));
    ServerCounters counters = server->counters();
    EXPECT_EQ(counters.accepted, peers.size());
    EXPECT_EQ(counters.refused, 0u);
    EXPECT_EQ(counters.connections, peers.size());
    EXPECT_EQ(counters.bytes_received, peers.size() * messages * size);
    EXPECT_EQ(counters.bytes_sent, peers.size() * messages * size);
    EXPECT_EQ(counters.messages_received, peers.size() * messages);
    EXPECT_EQ(counters.messages_sent, peers.size() * messages);
    EXPECT_EQ(counters.bytes_pending, 0u);
    EXPECT_GT(counters.uptime.count(), 0);

    for (RawSocket& peer : peers) peer.close();
    ASSERT_TRUE(seen.wait_for_closes(peers.size()));
    ASSERT_TRUE(eventually([&] { return server->counters().connections == 0; }));
    counters = server->counters();
    EXPECT_EQ(counters.accepted, peers.size());
    EXPECT_EQ(counters.bytes_received, peers.size() * messages * size) << "what closed connections did must stay";
    EXPECT_EQ(counters.messages_sent, peers.size() * messages);
    server->stop();
    EXPECT_EQ(server->counters().uptime.count(), 0);
    EXPECT_EQ(server->counters().bytes_received, peers.size() * messages * size);
}

TEST_P(EchoTest, connection_counters_are_exact) {
    ConnectionCounters last;
    auto server = serve(
        {.on_open =
             [](Connection& connection) {
                 const ConnectionCounters fresh = connection.counters();
                 EXPECT_EQ(fresh.bytes_received, 0u);
                 EXPECT_EQ(fresh.messages_received, 0u);
                 EXPECT_EQ(fresh.messages_sent, 0u);
             },
         .on_data = echo,
         .on_close = [&](Connection& connection, CloseReason, std::error_code) { last = connection.counters(); }});
    RawSocket peer = RawSocket::connect(server->address());
    for (std::size_t message = 0; message < 20; ++message) {
        ASSERT_TRUE(peer.send("12345"));
        ASSERT_EQ(peer.receive(5), "12345");
    }
    peer.close();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(last.bytes_received, 100u);
    EXPECT_EQ(last.bytes_sent, 100u);
    EXPECT_EQ(last.messages_received, 20u);
    EXPECT_EQ(last.messages_sent, 20u);
    EXPECT_EQ(last.bytes_pending, 0u);
    EXPECT_GT(last.uptime.count(), 0);
}

TEST_P(EchoTest, a_connection_knows_itself) {
    auto server = serve({.on_open = [this](Connection& connection) {
        EXPECT_TRUE(connection.id());
        EXPECT_EQ(connection.state(), ConnectionState::open);
        EXPECT_TRUE(connection.is_open());
        EXPECT_FALSE(connection.receiving_paused());
        EXPECT_EQ(connection.bytes_pending(), 0u);
        EXPECT_EQ(connection.transport(), transport());
        EXPECT_NE(connection.server(), nullptr);
        EXPECT_EQ(connection.reactor().find(connection.id()), &connection);
        EXPECT_EQ(connection.reactor().find(ConnectionId{}), nullptr);
        EXPECT_EQ(Reactor::current(), &connection.reactor());
        EXPECT_EQ(&connection.reactor().engine(), &engine);
        EXPECT_LT(connection.reactor().index(), engine.reactors());
        EXPECT_TRUE(engine.is_alive(connection.id()));
    }});
    RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    EXPECT_TRUE(engine.is_alive(seen.id()));
    EXPECT_EQ(Reactor::current(), nullptr);
    peer.close();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_TRUE(eventually([&] { return !engine.is_alive(seen.id()); }));
}

TEST_P(EchoTest, one_callback_carries_at_most_the_receive_buffer) {
    Engine small{{.reactors = GetParam().reactors, .receive_buffer_bytes = 4096}};
    ASSERT_TRUE(small.start());
    std::atomic<std::size_t> largest{0};
    Server server{small, {.endpoint = endpoint()}, Callbacks{.on_data = [&](Connection& connection, Bytes data) {
                      largest = std::max(largest.load(), data.size());
                      echo(connection, data);
                  }}};
    ASSERT_TRUE(server.start());
    const RawSocket peer = RawSocket::connect(server.address());
    std::thread writer{[&] {
        EXPECT_TRUE(peer.send(pattern(0, 300'000)));
        peer.finish_sending();
    }};
    EXPECT_TRUE(matches_pattern(peer.receive_rest().bytes, 0));
    writer.join();
    EXPECT_LE(largest, 4096u);
    EXPECT_GT(largest, 0u);
}

TEST_P(EchoTest, an_empty_send_is_accepted_and_sends_nothing) {
    auto server = serve({.on_open = [](Connection& connection) {
        EXPECT_EQ(connection.send(Bytes{}), Result::ok);
        EXPECT_EQ(connection.send("x"), Result::ok);
        EXPECT_EQ(connection.send(""), Result::ok);
        connection.close();
    }});
    const RawSocket peer = RawSocket::connect(server->address());
    EXPECT_EQ(peer.receive_rest().bytes, "x");
    EXPECT_EQ(engine.send(ConnectionId{}, ""), Result::closed);
}

TEST_P(EchoTest, many_small_sends_in_one_callback_stay_in_order) {
    constexpr std::size_t pieces = 20'000;
    auto server = serve({.on_open = [](Connection& connection) {
        for (std::size_t piece = 0; piece < pieces; ++piece) {
            ASSERT_EQ(connection.send(pattern(piece * 13, 13)), Result::ok);
        }
        connection.close();
    }});
    const RawSocket peer = RawSocket::connect(server->address());
    const std::string bytes = peer.receive_rest().bytes;
    EXPECT_EQ(bytes.size(), pieces * 13);
    EXPECT_TRUE(matches_pattern(bytes, 0));
}

TEST_P(EchoTest, small_and_large_sends_mixed_stay_in_order) {
    constexpr std::size_t total = 900'000;
    auto server = serve({.on_open = [](Connection& connection) {
        std::size_t done = 0;
        for (std::size_t round = 0; done < total; ++round) {
            const std::array<std::size_t, 4> sizes{1, 70'000, 5000, 40};
            const std::size_t size = std::min(sizes[round % 4], total - done);
            ASSERT_EQ(connection.send(pattern(done, size)), Result::ok);
            done += size;
        }
        connection.close();
    }});
    const RawSocket peer = RawSocket::connect(server->address());
    const std::string bytes = peer.receive_rest().bytes;
    EXPECT_EQ(bytes.size(), total);
    EXPECT_TRUE(matches_pattern(bytes, 0));
}

}  // namespace
}  // namespace pollux::test
