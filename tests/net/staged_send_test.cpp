// Many connections that are ready at once: their answers leave together, and nobody can tell.
#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/support.h"

namespace pollux::test {
namespace {

/// More than wait for each other.
constexpr std::size_t crowd = 40;

/// A call that hands a span to the kernel as it is.
constexpr std::size_t long_bytes = 20'000;

class StagedSendTest : public EngineTest, public testing::WithParamInterface<Transport> {
protected:
    StagedSendTest() : EngineTest(1, GetParam()) {}

    /// Listens with handlers that call `on_request(number, connection)`, and connects `crowd` peers with these numbers.
    void serve(std::function<void(std::size_t, Connection&)> on_request) {
        const auto hook = [this, on_request = std::move(on_request)](Connection& connection, Bytes) {
            const auto at = std::find(ids.begin(), ids.end(), connection.id());
            on_request(static_cast<std::size_t>(at - ids.begin()), connection);
        };
        server = std::make_unique<Server<Recording>>(engine, ServerOptions{.endpoint = fresh_endpoint(GetParam())},
                                                     std::ref(seen), Hooks{.on_data = hook});
        ASSERT_TRUE(server->start());
        for (std::size_t i = 0; i < crowd; ++i) {
            peers.push_back(RawSocket::connect(server->address()));
            ASSERT_TRUE(seen.wait_for_opens(i + 1));
        }
        ids = seen.seen().ids;
        accepted.resize(crowd);
    }

    void TearDown() override {
        peers.clear();
        EngineTest::TearDown();
    }

    /// All peers send while the reactor stands still, so that it finds them ready at once.
    void send_at_once() {
        struct Halt {
            Gate reached;
            Gate over;
        };
        const auto halt = std::make_shared<Halt>();
        const auto stand_still = [halt] {
            halt->reached.open();
            EXPECT_TRUE(halt->over.wait());
        };
        ASSERT_EQ(engine.post(0, stand_still), Result::ok);
        ASSERT_TRUE(halt->reached.wait());
        for (RawSocket& peer : peers) ASSERT_TRUE(peer.send("?"));
        halt->over.open();
    }

    Connection* find(std::size_t number) { return engine.reactor(0).find(ids[number]); }

    /// Sends on any of them, from whatever callback. The reactor's.
    void send(std::size_t number, std::string_view bytes) {
        Connection* const connection = find(number);
        ASSERT_NE(connection, nullptr);
        ASSERT_EQ(connection->send(bytes), Result::ok);
        accepted[number] += bytes;
    }

    void send_to_neighbours(const std::string& more) {
        serve([this, more](std::size_t number, Connection&) {
            send(number, answer(number));
            send((number + 1) % crowd, "from before; " + more);
            send((number + crowd - 1) % crowd, "from behind; " + more);
        });
        send_at_once();
        ASSERT_TRUE(seen.wait_for_bytes(crowd));
        expect_what_was_accepted();
    }

    /// Each one answers, and then ends the one before if that has answered.
    void serve_those_who(std::function<void(Connection&)> end) {
        serve([this, end = std::move(end)](std::size_t number, Connection&) {
            send(number, answer(number));
            if (number == 0 || accepted[number - 1].empty()) return;
            over[number - 1] = true;
            end(*find(number - 1));
        });
        send_at_once();
        ASSERT_TRUE(seen.wait_for_bytes(crowd));
        run_on(engine.reactor(0), [] {});
    }

    void expect_what_was_accepted() {
        run_on(engine.reactor(0), [] {});
        for (std::size_t i = 0; i < crowd; ++i) EXPECT_EQ(peers[i].receive(accepted[i].size()), accepted[i]) << i;
    }

    static std::string answer(std::size_t number) { return "answer of " + std::to_string(number) + "; "; }

    std::unique_ptr<Server<Recording>> server;
    std::vector<RawSocket> peers;
    std::vector<ConnectionId> ids;
    std::vector<std::string> accepted;                  // by connection
    std::vector<bool> over = std::vector<bool>(crowd);  // likewise
};

INSTANTIATE_TEST_SUITE_P(Net, StagedSendTest, testing::Values(Transport::tcp, Transport::unix_domain),
                         [](const auto& parameter) {
                             return std::string{parameter.param == Transport::tcp ? "tcp" : "unix"};
                         });

TEST_P(StagedSendTest, everybody_gets_its_answer) {
    serve([this](std::size_t number, Connection&) { send(number, answer(number)); });
    for (int i = 0; i < 3; ++i) {
        send_at_once();
        ASSERT_TRUE(seen.wait_for_bytes(crowd * static_cast<std::size_t>(i + 1)));
    }
    expect_what_was_accepted();
}

TEST_P(StagedSendTest, what_others_send_comes_behind_it) {
    send_to_neighbours({});
}

TEST_P(StagedSendTest, what_others_hand_to_the_kernel_comes_behind_it) {
    send_to_neighbours(std::string(long_bytes, 'x'));
}

TEST_P(StagedSendTest, it_is_pending_until_it_is_sent) {
    serve([this](std::size_t number, Connection& connection) {
        send(number, answer(number));
        EXPECT_GE(connection.bytes_pending(), answer(number).size());
        for (std::size_t i = 0; i < crowd; ++i) {
            const ConnectionCounters counters = find(i)->counters();
            EXPECT_EQ(find(i)->bytes_pending() + counters.bytes_sent, accepted[i].size()) << i;
            EXPECT_EQ(counters.messages_sent, accepted[i].empty() ? 0U : 1U) << i;
        }
    });
    send_at_once();
    ASSERT_TRUE(seen.wait_for_bytes(crowd));
    expect_what_was_accepted();
}

TEST_P(StagedSendTest, broadcasts_keep_their_place) {
    serve([this](std::size_t number, Connection&) {
        send(number, answer(number));
        if (number % 8 != 3) return;
        ASSERT_EQ(server->broadcast("to everybody; "), Result::ok);
        for (std::string& bytes : accepted) bytes += "to everybody; ";
    });
    send_at_once();
    ASSERT_TRUE(seen.wait_for_bytes(crowd));
    expect_what_was_accepted();
}

TEST_P(StagedSendTest, another_may_close_it) {
    serve_those_who([](Connection& before) {
        before.close();
        EXPECT_EQ(before.send("x"), Result::closed);
    });
    for (std::size_t i = 0; i < crowd; ++i) {
        if (over[i]) {
            const RawSocket::Rest rest = peers[i].receive_rest();
            EXPECT_EQ(rest.bytes, answer(i));
            EXPECT_EQ(rest.error, 0) << i;
        } else {
            EXPECT_EQ(peers[i].receive(answer(i).size()), answer(i));
        }
    }
}

TEST_P(StagedSendTest, another_may_abort_it) {
    serve_those_who([](Connection& before) { before.abort(); });
    ASSERT_TRUE(seen.wait_for_closes(static_cast<std::size_t>(std::count(over.begin(), over.end(), true))));
    EXPECT_THAT(seen.seen().reasons, testing::Each(CloseReason::aborted));
    for (std::size_t i = 0; i < crowd; ++i) {
        if (over[i]) continue;
        EXPECT_EQ(peers[i].receive(answer(i).size()), answer(i));
    }
}

TEST_P(StagedSendTest, a_callback_may_destroy_the_server) {
    serve([this](std::size_t number, Connection&) {
        send(number, answer(number));
        if (number == crowd / 2) server.reset();
    });
    send_at_once();
    ASSERT_TRUE(seen.wait_for_closes(crowd));
    EXPECT_EQ(peers.front().receive(answer(0).size()), answer(0)) << "it was accepted before";
}

TEST_P(StagedSendTest, answers_do_not_wait_for_slow_callbacks) {
    Gate answered;
    serve([&](std::size_t number, Connection&) {
        send(number, answer(number));
        if (number < 8) {
            std::this_thread::sleep_for(1ms);
        } else if (number == 8) {
            EXPECT_TRUE(answered.wait()) << "the first answers wait for this";
        }
    });
    send_at_once();
    EXPECT_EQ(peers.front().receive(answer(0).size()), answer(0));
    answered.open();
    ASSERT_TRUE(seen.wait_for_bytes(crowd));
    for (std::size_t i = 1; i < crowd; ++i) EXPECT_EQ(peers[i].receive(answer(i).size()), answer(i));
}

TEST_P(StagedSendTest, a_peer_that_is_gone_ends_its_connection_alone) {
    serve([this](std::size_t number, Connection&) {
        send(number, answer(number));
        if (number == 0) peers[crowd / 2].reset();
    });
    send_at_once();
    ASSERT_TRUE(seen.wait_for_closes(1));
    ASSERT_TRUE(seen.wait_for_bytes(crowd - 1));
    run_on(engine.reactor(0), [] {});
    for (std::size_t i = 0; i < crowd; ++i) {
        if (i == crowd / 2) continue;
        EXPECT_EQ(peers[i].receive(accepted[i].size()), accepted[i]) << i;
    }
}

}  // namespace
}  // namespace pollux::test
