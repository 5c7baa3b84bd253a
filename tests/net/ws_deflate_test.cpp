// permessage-deflate between our own two ends, in every combination of what may be agreed on, and against raw peers.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "net/ws_support.h"
#include "proto/ws/deflate.h"

namespace pollux::test {
namespace {

using ws::Deflate;
using ws::DeflateMemory;
using ws::MessageType;
using ws::WebSocket;

/// Compressible, and different for each number.
std::string sentence(std::size_t number, std::size_t size) {
    std::string all;
    while (all.size() < size) all += "sentence " + std::to_string(number++) + " of a story; ";
    all.resize(size);
    return all;
}

std::string inflated_by(ws::Inflater& inflater, std::string_view payload) {
    std::string all;
    std::string out(64 * 1024, '\0');
    inflater.begin_message();
    for (Bytes in : {as_bytes(payload), ws::Inflater::tail()}) {
        ws::Inflater::Step step{.full = true};
        while (!in.empty() || step.full) {
            step = inflater.inflate(in, {reinterpret_cast<std::byte*>(out.data()), out.size()});
            EXPECT_FALSE(step.bad);
            if (step.bad) return all;
            all.append(out, 0, step.produced);
        }
    }
    return all;
}

std::vector<Deflate> every_deflate() {
    std::vector<Deflate> all;
    for (const unsigned server_bits : {9u, 12u, 15u}) {
        for (const unsigned client_bits : {9u, 15u}) {
            Deflate one{.enabled = true, .min_bytes = 0};
            one.server_max_window_bits = server_bits;
            one.client_max_window_bits = client_bits;
            all.push_back(one);
            one.memory = DeflateMemory::per_connection;
            for (const bool server_alone : {false, true}) {
                for (const bool client_alone : {false, true}) {
                    one.server_no_context_takeover = server_alone;
                    one.client_no_context_takeover = client_alone;
                    all.push_back(one);
                }
            }
        }
    }
    return all;
}

class WsDeflatePairTest : public WsTest {
protected:
    /// Has them talk both ways, and expects that everything arrives as it was.
    void expect_conversation(const Deflate& of_server, const Deflate& of_client) {
        const std::vector<std::size_t> sizes{0, 1, 10, 300, 5000, 70'000, 300};
        std::size_t next = 0;  // the reactor's
        const auto send_next = [&](WebSocket& socket) {
            EXPECT_EQ(socket.deflates(), of_server.enabled && of_client.enabled);
            if (next == 2 * sizes.size()) return socket.close();
            const std::size_t size = sizes[next / 2];
            const Result result =
                next % 2 == 0 ? socket.send(sentence(next, size)) : socket.send(as_bytes(pattern(next, size)));
            EXPECT_EQ(result, Result::ok);
        };
        serve(echoing(), {.socket = {.deflate = of_server}});
        const std::size_t before = client_seen.seen().closes;
        open_client({.on_open = send_next,
                     .on_message =
                         [&](WebSocket& socket, MessageType type, Bytes data) {
                             const std::size_t size = sizes[next / 2];
                             EXPECT_EQ(type, next % 2 == 0 ? MessageType::text : MessageType::binary);
                             EXPECT_EQ(as_text(data), next % 2 == 0 ? sentence(next, size) : pattern(next, size));
                             ++next;
                             send_next(socket);
                         }},
                    {.socket = {.deflate = of_client}});
        EXPECT_TRUE(ws_client_seen.close(before).clean);
        EXPECT_EQ(next, 2 * sizes.size());
        client.reset();
        server.reset();
    }
};

TEST_F(WsDeflatePairTest, whatever_is_wanted_on_both_sides_is_agreed_on_and_works) {
    for (const Deflate& wanted : every_deflate()) {
        SCOPED_TRACE(testing::Message() << wanted.server_max_window_bits << " " << wanted.client_max_window_bits << " "
                                        << static_cast<int>(wanted.memory) << wanted.server_no_context_takeover
                                        << wanted.client_no_context_takeover);
        expect_conversation(wanted, wanted);
        if (HasFailure()) return;
    }
}

TEST_F(WsDeflatePairTest, sides_that_want_different_things_agree) {
    const std::vector<Deflate> all = every_deflate();
    // Each with one that is some way off: all pairs would take long.
    for (std::size_t i = 0; i < all.size(); ++i) {
        SCOPED_TRACE(i);
        expect_conversation(all[i], all[(i * 7 + 3) % all.size()]);
        if (HasFailure()) return;
    }
}

TEST_F(WsDeflatePairTest, one_side_that_does_not_want_it_is_enough) {
    const Deflate wanted{.enabled = true, .min_bytes = 0};
    expect_conversation({}, wanted);
    expect_conversation(wanted, {});
}

TEST_F(WsDeflatePairTest, many_connections_share_the_memory_of_a_reactor) {
    constexpr std::size_t clients = 6;
    const std::size_t rounds = scaled(100);
    const ws::Options options{.deflate = {.enabled = true, .min_bytes = 0}};
    serve(echoing(), {.socket = options});
    std::vector<std::unique_ptr<ws::Client<WsRecording>>> all;
    for (std::size_t i = 0; i < clients; ++i) {
        open_client({}, {.socket = options});
        all.push_back(std::move(client));
    }
    ASSERT_TRUE(client_seen.wait_for_opens(clients));
    for (std::size_t round = 0; round < rounds; ++round) {
        for (std::size_t i = 0; i < clients; ++i) {
            ASSERT_EQ(all[i]->send(sentence(round, 1000 * i)), Result::ok);
        }
        ASSERT_TRUE(ws_client_seen.wait_for_messages((round + 1) * clients));
    }
    std::size_t expected = 0;
    std::size_t received = 0;
    for (std::size_t i = 0; i < clients; ++i) expected += 1000 * i * rounds;
    for (const SeenMessage& message : ws_client_seen.seen().messages) {
        received += message.data.size();
    }
    EXPECT_EQ(received, expected);
}

// Against a raw peer, which sees what is on the wire.

class WsDeflateTest : public WsRoleTest {
protected:
    [[nodiscard]] WsPeer open_deflating(WsHooks hooks, const Deflate& deflate, std::string_view parameters = {}) {
        const std::string extension =
            std::string{"Sec-WebSocket-Extensions: permessage-deflate"}.append(parameters).append("\r\n");
        return open_as(ours, std::move(hooks), {.deflate = deflate}, {}, extension);
    }

    /// A message that was sent compressed.
    [[nodiscard]] std::string read_compressed(WsPeer& peer) {
        const std::optional<WsFrame> frame = peer.read();
        if (!frame || frame->rsv != 4) {
            ADD_FAILURE() << "not compressed: " << testing::PrintToString(frame);
            return {};
        }
        last_size = frame->payload.size();
        return inflated_by(inflater, frame->payload);
    }

    static constexpr std::string_view alone = "; server_no_context_takeover; client_no_context_takeover";

    ws::Inflater inflater{15};
    std::size_t last_size = 0;  ///< On the wire.
};

INSTANTIATE_TEST_SUITE_P(Net, WsDeflateTest, both_roles, role_name);

TEST_P(WsDeflateTest, messages_shorter_than_the_minimum_are_sent_as_they_are) {
    WsPeer peer = open_deflating({.on_message =
                                      [](WebSocket& socket, MessageType, Bytes) {
                                          EXPECT_EQ(socket.send(sentence(0, 499)), Result::ok);
                                          EXPECT_EQ(socket.send(sentence(0, 500)), Result::ok);
                                          EXPECT_EQ(socket.ping(std::string(125, 'x')), Result::ok);
                                      }},
                                 {.enabled = true, .min_bytes = 500}, alone);
    peer.send(text("go"));
    EXPECT_EQ(peer.read(), text(sentence(0, 499)));
    EXPECT_EQ(read_compressed(peer), sentence(0, 500));
    EXPECT_EQ(peer.read(), ping(std::string(125, 'x')));
    peer.shake_hands_and_close();
}

TEST_P(WsDeflateTest, messages_refer_to_those_before_if_both_sides_let_them) {
    WsPeer peer = open_deflating({.on_message =
                                      [](WebSocket& socket, MessageType, Bytes) {
                                          for (int i = 0; i < 3; ++i) {
                                              EXPECT_EQ(socket.send(as_bytes(pattern(0, 2000))), Result::ok);
                                          }
                                      }},
                                 {.enabled = true, .memory = DeflateMemory::per_connection});
    peer.send(text("go"));
    EXPECT_EQ(read_compressed(peer), pattern(0, 2000));
    EXPECT_GT(last_size, 1900u);
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(read_compressed(peer), pattern(0, 2000));
        EXPECT_LT(last_size, 100u);
    }
    peer.shake_hands_and_close();
}

TEST_P(WsDeflateTest, what_does_not_get_shorter_is_sent_as_it_is_if_nothing_refers_to_it) {
    WsPeer peer = open_deflating({.on_message =
                                      [](WebSocket& socket, MessageType, Bytes) {
                                          EXPECT_EQ(socket.send(as_bytes(pattern(0, 2000))), Result::ok);
                                          EXPECT_EQ(socket.send(sentence(0, 2000)), Result::ok);
                                      }},
                                 {.enabled = true}, alone);
    peer.send(text("go"));
    EXPECT_EQ(peer.read(), binary(pattern(0, 2000)));
    EXPECT_EQ(read_compressed(peer), sentence(0, 2000));
    peer.shake_hands_and_close();
}

TEST_P(WsDeflateTest, prepared_messages_are_never_compressed_by_a_server) {
    const ws::PreparedMessage prepared{sentence(0, 5000)};
    WsPeer peer = open_deflating({.on_message =
                                      [&](WebSocket& socket, MessageType, Bytes) {
                                          EXPECT_EQ(socket.send(sentence(0, 5000)), Result::ok);
                                          EXPECT_EQ(socket.send(prepared), Result::ok);
                                          EXPECT_EQ(socket.send(sentence(0, 5000)), Result::ok);
                                      }},
                                 {.enabled = true, .memory = DeflateMemory::per_connection});
    peer.send(text("go"));
    EXPECT_EQ(read_compressed(peer), sentence(0, 5000));
    if (ours == Role::server) {
        EXPECT_EQ(peer.read(), text(sentence(0, 5000)));
    } else {
        EXPECT_EQ(read_compressed(peer), sentence(0, 5000)) << "a client masks it anew in any case";
    }
    EXPECT_EQ(read_compressed(peer), sentence(0, 5000));
    peer.shake_hands_and_close();
}

TEST_P(WsDeflateTest, a_fragmented_message_is_compressed_with_memory_of_its_own) {
    WsPeer peer = open_deflating({.on_message =
                                      [](WebSocket& socket, MessageType type, Bytes) {
                                          const std::string story = sentence(0, 3000);
                                          const Bytes all = as_bytes(story);
                                          EXPECT_EQ(socket.send_fragment(type, all.first(1000), false), Result::ok);
                                          EXPECT_EQ(socket.send(sentence(7, 1000)), Result::ok) << "waits";
                                          EXPECT_EQ(socket.send_fragment(type, {}, false), Result::ok);
                                          EXPECT_EQ(socket.send_fragment(type, all.subspan(1000), false), Result::ok);
                                          EXPECT_EQ(socket.send_fragment(type, {}, true), Result::ok);
                                      }},
                                 {.enabled = true, .memory = DeflateMemory::per_connection});
    peer.send(text("go"));
    for (int round = 0; round < 2; ++round) {
        std::string payload;
        for (int part = 0; part < 4; ++part) {
            const auto frame = peer.read();
            ASSERT_TRUE(frame);
            EXPECT_EQ(frame->opcode, part == 0 ? Opcode::text : Opcode::continuation);
            EXPECT_EQ(frame->rsv, part == 0 ? 4u : 0u) << "RFC 7692, 6: only the first one says so";
            EXPECT_EQ(frame->fin, part == 3);
            payload += frame->payload;
        }
        EXPECT_EQ(inflated_by(inflater, payload), sentence(0, 3000));
        EXPECT_EQ(read_compressed(peer), sentence(7, 1000));
        peer.send(text("again"));
    }
}

TEST_P(WsDeflateTest, a_fragmented_message_is_not_compressed_with_shared_memory) {
    WsPeer peer = open_deflating({.on_message =
                                      [](WebSocket& socket, MessageType type, Bytes) {
                                          const std::string story = sentence(0, 1000);
                                          EXPECT_EQ(socket.send_fragment(type, as_bytes(story), false), Result::ok);
                                          EXPECT_EQ(socket.send_fragment(type, as_bytes(story), true), Result::ok);
                                          EXPECT_EQ(socket.send_fragment(type, as_bytes(story), true), Result::ok);
                                      }},
                                 {.enabled = true}, alone);
    peer.send(text("go"));
    EXPECT_EQ(peer.read(), first_part(Opcode::text, sentence(0, 1000)));
    EXPECT_EQ(peer.read(), last_part(sentence(0, 1000)));
    EXPECT_EQ(read_compressed(peer), sentence(0, 1000)) << "all in one part is a message like others";
    peer.shake_hands_and_close();
}

TEST_P(WsDeflateTest, a_message_that_is_refused_is_not_referred_to) {
    std::size_t accepted = 0;  // the reactor's until it is drained
    WsPeer peer = open_as(
        ours,
        {.on_message =
             [&](WebSocket& socket, MessageType, Bytes) {
                 Result result = Result::ok;
                 while ((result = socket.send(as_bytes(pattern(accepted, 20'000)))) == Result::ok) {
                     ++accepted;
                 }
                 EXPECT_EQ(result, Result::would_block);
             },
         .on_drain =
             [&](WebSocket& socket) {
                 // The one that was refused, now with a place where it would be found.
                 EXPECT_EQ(socket.send(as_bytes(pattern(accepted, 20'000))), Result::ok);
                 EXPECT_EQ(socket.send("drained"), Result::ok);
             }},
        {.deflate = {.enabled = true, .memory = DeflateMemory::per_connection}},
        {.kernel_send_buffer_bytes = 16 * 1024, .high_watermark_bytes = 64 * 1024, .low_watermark_bytes = 16 * 1024},
        "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    peer.send(text("go"));
    std::size_t received = 0;
    std::optional<WsFrame> frame;
    while ((frame = peer.read()) && frame->rsv == 4) {
        ASSERT_EQ(inflated_by(inflater, frame->payload), pattern(received++, 20'000));
    }
    EXPECT_EQ(frame, text("drained"));
    EXPECT_EQ(received, accepted + 1);
    peer.shake_hands_and_close();
}

}  // namespace
}  // namespace pollux::test
