// Answers from elsewhere: from other threads and from timers, in time, too late, and while the connection goes away.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "net/http_support.h"
#include "net/response_ids.h"

namespace pollux::test {
namespace {

using http::Request;
using http::Response;
using http::ResponseId;

class HttpThreadsTest : public HttpTest {
protected:
    explicit HttpThreadsTest(std::size_t reactors = 1) : HttpTest(Wire::tcp, reactors) {}

    /// Every request is put off.
    void serve_later(http::Options options = {}, HttpHooks hooks = {}) {
        hooks.on_request = [this](const Request&, Response& response) { put_off.put(response.later()); };
        serve(std::move(hooks), options);
    }

    /// Gives an answer, however full the mailbox is.
    Result insist(ResponseId id, const std::function<void(Response&)>& answer) const {
        Result result = Result::would_block;
        while ((result = server->respond(id, answer)) == Result::would_block) std::this_thread::yield();
        return result;
    }

    ResponseIds put_off;
};

class HttpReactorsTest : public HttpThreadsTest, public testing::WithParamInterface<std::size_t> {
protected:
    HttpReactorsTest() : HttpThreadsTest(GetParam()) {}
};

INSTANTIATE_TEST_SUITE_P(Net, HttpReactorsTest, testing::Values(1u, 2u));

TEST_P(HttpReactorsTest, threads_answer_many_clients) {
    constexpr std::size_t clients = 8;
    const std::size_t rounds = scaled(400);
    serve_later();
    std::vector<std::thread> workers;
    for (int i = 0; i < 3; ++i) {
        workers.emplace_back([this] {
            while (const ResponseId id = put_off.take()) {
                const auto answer = [id](Response& response) {
                    EXPECT_TRUE(response.connection().reactor().is_current());
                    EXPECT_EQ(response.id(), id);
                    EXPECT_EQ(response.send(std::to_string(id.number)), Result::ok);
                };
                EXPECT_EQ(insist(id, answer), Result::ok);
            }
        });
    }
    std::vector<std::thread> askers;
    for (std::size_t client = 0; client < clients; ++client) {
        askers.emplace_back([&] {
            HttpPeer peer = connect();
            // Two at a time: the second one waits for the answer to the first.
            for (std::size_t round = 0; round < rounds; round += 2) {
                peer.send(std::string{plain_get} + std::string{plain_get});
                EXPECT_EQ(peer.read().body, std::to_string(round + 1));
                EXPECT_EQ(peer.read().body, std::to_string(round + 2));
            }
        });
    }
    for (std::thread& asker : askers) asker.join();
    put_off.end();
    for (std::thread& worker : workers) worker.join();
}

TEST_P(HttpReactorsTest, answers_race_with_clients_that_go) {
    const std::size_t rounds = scaled(300);
    serve_later();
    std::atomic<std::size_t> answered{0};
    std::vector<std::thread> workers;
    for (int i = 0; i < 2; ++i) {
        workers.emplace_back([&] {
            while (const ResponseId id = put_off.take()) {
                static_cast<void>(insist(id, [&](Response& response) {
                    if (response.send(pattern(0, 100'000)) == Result::ok) ++answered;
                }));
            }
        });
    }
    for (std::size_t round = 0; round < rounds; ++round) {
        HttpPeer peer = connect();
        peer.send(plain_get);
        if (round % 4 == 0) {
            EXPECT_EQ(peer.read().body.size(), 100'000u);
        }
        if (round % 4 == 1) peer.socket().reset();
        if (round % 4 == 2) peer.finish_sending();
    }
    ASSERT_TRUE(seen.wait_for_closes(rounds));
    put_off.end();
    for (std::thread& worker : workers) worker.join();
    EXPECT_GE(answered, rounds / 4);
}

TEST_P(HttpReactorsTest, answers_race_with_a_stop) {
    const std::size_t rounds = scaled(60);
    for (std::size_t round = 0; round < rounds; ++round) {
        serve_later();
        std::vector<HttpPeer> peers;
        for (int i = 0; i < 4; ++i) {
            peers.push_back(connect());
            peers.back().send(plain_get);
            peers.back().finish_sending();
        }
        std::thread worker{[this] {
            for (int i = 0; i < 4; ++i) {
                static_cast<void>(insist(put_off.take(), [](Response& response) { response.send("answer"); }));
            }
        }};
        EXPECT_TRUE(http_seen.wait_for_requests(4 * (round + 1)));
        server->stop();
        worker.join();
    }
}

TEST_F(HttpThreadsTest, an_id_is_good_for_one_answer) {
    serve_later();
    HttpPeer peer = connect();
    EXPECT_EQ(server->respond({}, [](Response&) { ADD_FAILURE(); }), Result::closed);
    for (int i = 0; i < 3; ++i) {
        peer.send(plain_get);
        const ResponseId id = put_off.take();
        std::atomic<int> calls{0};
        const auto answer = [&](Response& response) {
            ++calls;
            EXPECT_EQ(response.send("one"), Result::ok);
        };
        EXPECT_EQ(server->respond(id, answer), Result::ok);
        static_cast<void>(server->respond(id, answer));  // may be accepted, and is stale then
        EXPECT_EQ(peer.read().body, "one");
        turn_all(engine, 2);
        EXPECT_EQ(calls, 1);
        ResponseId next = id;
        ++next.number;
        static_cast<void>(server->respond(next, [](Response&) { ADD_FAILURE() << "that request is not there yet"; }));
        turn_all(engine, 2);
    }
}

TEST_F(HttpThreadsTest, what_is_not_called_is_destroyed) {
    serve_later();
    auto held = std::make_shared<int>(0);
    const auto answer = [held](Response& response) { response.send(std::to_string(*held)); };
    HttpPeer peer = connect();
    peer.send(plain_get);
    const ResponseId id = put_off.take();
    EXPECT_EQ(server->respond(id, answer), Result::ok);
    EXPECT_EQ(peer.read().body, "0");
    static_cast<void>(server->respond(id, answer));
    peer.socket().reset();
    ASSERT_TRUE(seen.wait_for_closes(1));
    turn_all(engine, 2);  // the id is stale once the turn of `on_close` is over
    EXPECT_EQ(server->respond(id, answer), Result::closed) << "its connection is gone";
    turn_all(engine, 2);
    EXPECT_EQ(held.use_count(), 2) << "this test's and that of `answer`";
}

TEST_F(HttpThreadsTest, ids_are_those_of_one_server) {
    serve_later();
    HttpPeer peer = connect();
    peer.send(plain_get);
    const ResponseId id = put_off.take();
    http::Server<RecordingHandler> other{
        engine, {.endpoint = fresh_endpoint(Transport::tcp)}, {}, std::ref(http_seen), HttpHooks{}};
    ASSERT_TRUE(other.start());
    static_cast<void>(other.respond(id, [](Response&) { ADD_FAILURE(); }));
    turn_all(engine, 2);
    EXPECT_EQ(server->respond(id, [](Response& response) { response.send("answer"); }), Result::ok);
    EXPECT_EQ(peer.read().body, "answer");
}

TEST_F(HttpThreadsTest, nothing_is_answered_after_the_stop) {
    serve_later();
    HttpPeer peer = connect();
    peer.send(plain_get);
    const ResponseId id = put_off.take();
    peer.finish_sending();
    server->stop();
    EXPECT_EQ(server->respond(id, [](Response&) { ADD_FAILURE(); }), Result::closed);
    engine.stop();
    engine.wait();
    EXPECT_EQ(server->respond(id, [](Response&) { ADD_FAILURE(); }), Result::closed);
}

TEST_F(HttpThreadsTest, a_timer_answers) {
    std::vector<std::unique_ptr<Timer>> timers;  // the reactor's
    serve({.on_request = [&](const Request&, Response& response) {
        const ResponseId id = response.later();
        const auto answer = [this, id](Timer&) {
            EXPECT_EQ(server->respond(id, [&](Response& waiting) { EXPECT_EQ(waiting.send("on time"), Result::ok); }),
                      Result::ok);
            EXPECT_EQ(server->respond(id, [](Response&) { ADD_FAILURE(); }), Result::closed) << "known at once here";
        };
        timers.push_back(std::make_unique<Timer>(response.connection().reactor(), answer));
        timers.back()->after(1ms);
    }});
    HttpPeer peer = connect();
    for (int i = 0; i < 10; ++i) {
        peer.send(plain_get);
        peer.send(plain_get);
        EXPECT_EQ(peer.read().body, "on time");
        EXPECT_EQ(peer.read().body, "on time");
    }
    run_on(engine.reactor(0), [&] { timers.clear(); });
}

TEST_F(HttpThreadsTest, another_connection_answers) {
    ResponseId waiting;  // the reactor's
    serve({.on_request = [&](const Request& request, Response& response) {
        if (request.target() == "/wait") {
            waiting = response.later();
            return;
        }
        const auto answer = [](Response& other) { EXPECT_EQ(other.send("from the other one"), Result::ok); };
        EXPECT_EQ(server->respond(waiting, answer), Result::ok);
        EXPECT_EQ(server->respond(response.id(), [](Response& own) { own.send("from itself"); }), Result::ok);
    }});
    HttpPeer first = connect();
    HttpPeer second = connect();
    for (int i = 0; i < 10; ++i) {
        first.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        ASSERT_TRUE(http_seen.wait_for_requests(static_cast<std::size_t>(2 * i + 1)));
        EXPECT_EQ(second.get("/").body, "from itself");
        EXPECT_EQ(first.read().body, "from the other one");
    }
}

TEST_F(HttpThreadsTest, a_handler_that_promises_nothing_is_answered_for) {
    serve({.on_request = [](const Request&, Response&) {}});
    HttpPeer peer = connect();
    peer.send(std::string{plain_get} + std::string{plain_get});
    EXPECT_EQ(peer.read().status, 500u);
    EXPECT_EQ(peer.read().status, 500u);
}

TEST_F(HttpThreadsTest, a_promise_that_is_not_kept_is_answered_for) {
    serve_later({.answer_timeout = 30ms});
    HttpPeer peer = connect();
    peer.send(std::string{plain_get} + std::string{plain_get});
    const ResponseId id = put_off.take();
    EXPECT_EQ(peer.read().status, 503u);
    EXPECT_TRUE(peer.is_closed());
    EXPECT_EQ(http_seen.seen().requests.size(), 1u);
    static_cast<void>(server->respond(id, [](Response&) { ADD_FAILURE() << "it was answered"; }));
    turn_all(engine, 2);
}

TEST_F(HttpThreadsTest, an_answer_is_streamed_from_another_thread) {
    constexpr std::size_t parts = 200;
    serve_later({}, {});
    HttpPeer peer = connect();
    peer.send(plain_get);
    const ResponseId id = put_off.take();
    std::thread writer{[&] {
        EXPECT_EQ(insist(id, [](Response& response) { EXPECT_EQ(response.begin(), Result::ok); }), Result::ok);
        for (std::size_t part = 0; part < parts; ++part) {
            const auto write = [part, last = part + 1 == parts](Response& response) {
                EXPECT_EQ(response.write(pattern(part * 1000, 1000)), Result::ok);
                if (last) {
                    EXPECT_EQ(response.end(), Result::ok);
                }
            };
            EXPECT_EQ(insist(id, write), Result::ok);
        }
    }};
    const Answer answer = peer.read();
    writer.join();
    EXPECT_EQ(answer.body, pattern(0, parts * 1000));
}

}  // namespace
}  // namespace pollux::test
