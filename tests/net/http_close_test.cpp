// Ends at every step of a request: by the client, by the server, and by the handler from each of its callbacks.
#include <gmock/gmock.h>

#include <array>
#include <thread>

#include "common/descriptor_shortage.h"
#include "common/temporary_folder.h"
#include "net/http_support.h"
#include "net/response_ids.h"

namespace pollux::test {
namespace {

using http::Request;
using http::Response;
using http::ResponseId;

/// So small that the kernel cannot swallow a large answer.

/// How far a request and its answer have come.
enum class HttpStep : std::uint8_t {
    connected,
    in_head,
    in_body,
    in_streamed_body,
    waiting,
    answering,
    streaming,
    answered,
    upgraded
};

constexpr std::array steps{HttpStep::connected,        HttpStep::in_head,  HttpStep::in_body,
                           HttpStep::in_streamed_body, HttpStep::waiting,  HttpStep::answering,
                           HttpStep::streaming,        HttpStep::answered, HttpStep::upgraded};

class HttpCloseTest : public HttpWireTest {
protected:
    /// A server whose connections `reach` any step.
    void serve_steps() {
        serve({.on_head =
                   [](const Request& request) {
                       return request.raw_path() == "/streamed" ? streamed(request) : http::BodyRules{};
                   },
               .on_request = [this](const Request& request, Response& response) { answer(request, response); }},
              {}, {.connection = {.close_timeout = 200ms}});
    }

    /// A client whose connection has come that far.
    [[nodiscard]] HttpPeer reach(HttpStep step) {
        HttpPeer peer = connect(small_buffer);
        const std::size_t before = http_seen.seen().requests.size();
        switch (step) {
            case HttpStep::connected:
                break;
            case HttpStep::in_head:
                peer.send("GET / HTTP/1.1\r\nHo");
                break;
            case HttpStep::in_body:
                peer.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234");
                break;
            case HttpStep::in_streamed_body:
                peer.send("POST /streamed HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n012");
                break;
            case HttpStep::waiting:
                peer.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /behind HTTP/1.1\r\nHost: a\r\n\r\n");
                break;
            case HttpStep::answering:
                peer.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
                break;
            case HttpStep::streaming:
                peer.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
                break;
            case HttpStep::answered:
                peer.send(plain_get);
                EXPECT_EQ(peer.read().body, "answer");
                return peer;
            case HttpStep::upgraded:
                peer.send("GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
                EXPECT_EQ(peer.read().status, 101u);
                return peer;
        }
        if (step >= HttpStep::in_streamed_body) {
            EXPECT_TRUE(http_seen.wait_for_requests(before + 1));
        }
        settle();
        return peer;
    }

    /// A client that is gone looks like one that has only finished sending: the answer is still wanted.
    void give_up_waiting(HttpStep step) {
        if (step == HttpStep::waiting) engine.abort(seen.id(static_cast<std::size_t>(step)));
    }

    /// Everything that was begun is over, and those who go on are served.
    void expect_all_over(std::size_t connections) {
        EXPECT_TRUE(seen.wait_for_closes(connections));
        EXPECT_EQ(http_seen.seen().streams, 0u);
        while (ids_.size() != 0) {
            EXPECT_EQ(server->respond(ids_.back(), [](Response&) { ADD_FAILURE(); }), Result::closed);
            ids_.pop_back();
        }
    }

    Recorder upgraded;

private:
    void answer(const Request& request, Response& response) {
        if (request.raw_path() == "/later") {
            const std::lock_guard lock{mutex_};
            ids_.push_back(response.later());
        } else if (request.raw_path() == "/large") {
            response.send(std::string(20 * mebibyte, 'x'));
        } else if (request.raw_path() == "/stream" || request.raw_path() == "/streamed") {
            response.attach(std::make_unique<RecordingStream>(http_seen, request, HttpHooks{}));
            if (request.raw_path() == "/stream") response.begin(20 * mebibyte);
        } else if (request.raw_path() == "/up") {
            response.upgrade("echo", std::make_unique<Recording>(upgraded));
        } else {
            response.send("answer");
        }
    }

    std::mutex mutex_;
    std::vector<ResponseId> ids_;
};

INSTANTIATE_TEST_SUITE_P(Net, HttpCloseTest, every_wire, wire_name);

TEST_P(HttpCloseTest, the_client_resets) {
    serve_steps();
    for (const HttpStep step : steps) {
        HttpPeer peer = reach(step);
        peer.socket().reset();
        if (wire == Wire::unix_domain) give_up_waiting(step);  // it has no reset, but an end
    }
    expect_all_over(steps.size());
    EXPECT_EQ(http_seen.seen().aborts, 2u);
    EXPECT_EQ(connect().get("/").body, "answer");
}

TEST_P(HttpCloseTest, the_client_closes) {
    serve_steps();
    for (const HttpStep step : steps) {
        HttpPeer peer = reach(step);
        peer.socket().close();
        if (wire != Wire::tls) give_up_waiting(step);
    }
    expect_all_over(steps.size());
    EXPECT_EQ(connect().get("/").body, "answer");
}

TEST_P(HttpCloseTest, the_server_stops) {
    for (const HttpStep step : steps) {
        serve_steps();
        const std::size_t connections = seen.seen().opens + 1;
        HttpPeer peer = reach(step);
        server->stop();
        expect_all_over(connections);
        const std::string rest = peer.read_rest();
        if (step == HttpStep::in_body || step == HttpStep::connected) {
            EXPECT_EQ(rest, "");
        }
    }
}

TEST_P(HttpCloseTest, the_server_is_destroyed) {
    for (const HttpStep step : steps) {
        serve_steps();
        const std::size_t connections = seen.seen().opens + 1;
        HttpPeer peer = reach(step);
        server.reset();
        EXPECT_TRUE(seen.wait_for_closes(connections));
        static_cast<void>(peer.read_rest());
    }
}

// The handler ends it.

/// A callback of a handler or of its stream.
enum class HttpPlace : std::uint8_t { open, head, request, body, body_end, drain, refused, abort, close };

constexpr std::array http_places{HttpPlace::open,    HttpPlace::head,     HttpPlace::request,
                                 HttpPlace::body,    HttpPlace::body_end, HttpPlace::drain,
                                 HttpPlace::refused, HttpPlace::abort,    HttpPlace::close};

class HttpEndFromWithinTest : public HttpTest {
protected:
    /// In one callback things are ended by `act`; then nothing but the end is told.
    void expect_end(HttpPlace place, const std::function<void(Connection&)>& act) {
        SCOPED_TRACE(static_cast<int>(place));
        Connection* connection = nullptr;  // the reactor's, like `acted`
        bool acted = false;
        serve(hooks(
            [&](HttpPlace here) {
                EXPECT_TRUE(!acted || here >= HttpPlace::abort) << static_cast<int>(here) << " after the end";
                if (here == place && !std::exchange(acted, true)) act(*connection);
            },
            connection));
        const std::size_t closes = seen.seen().closes;
        const SocketAddress address = server->address();
        run_on(engine.reactor(0), [] {});  // from here on the server is the reactor's, which may destroy it
        HttpPeer peer{address, small_buffer};
        lead_to(place, peer);
        EXPECT_TRUE(seen.wait_for_closes(closes + 1));
        run_on(engine.reactor(0), [&] { EXPECT_TRUE(acted); });
    }

    void lead_to(HttpPlace place, HttpPeer& peer) {
        const std::size_t streamed = http_seen.seen().streamed.size();
        const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
        peer.try_send(place == HttpPlace::refused ? "bad\r\n\r\n"
                      : place == HttpPlace::drain ? std::string{plain_get} + std::string{plain_get}
                      : place == HttpPlace::abort ? post
                                                  : post + "0\r\n\r\n" + std::string{plain_get});
        if (place >= HttpPlace::abort) {
            EXPECT_TRUE(http_seen.wait_for_streamed(streamed + 3));
            peer.socket().reset();
        } else {
            static_cast<void>(peer.read_rest());
            peer.socket().close();
        }
    }

private:
    HttpHooks hooks(std::function<void(HttpPlace)> at, Connection*& connection) {
        HttpHooks stream;
        stream.on_body = [at](const Request&, Response&, Bytes) { at(HttpPlace::body); };
        stream.on_body_end = [at](const Request&, Response& response) {
            at(HttpPlace::body_end);
            response.send("answer");
        };
        stream.on_drain = [at](Response&) { at(HttpPlace::drain); };
        stream.on_abort = [at] { at(HttpPlace::abort); };
        HttpHooks all;
        all.on_open = [at, &connection](Connection& opened) {
            connection = &opened;
            at(HttpPlace::open);
        };
        all.on_head = [at](const Request& request) {
            at(HttpPlace::head);
            return streamed(request);
        };
        all.on_request = [at, stream, this](const Request& request, Response& response) {
            at(HttpPlace::request);
            response.attach(std::make_unique<RecordingStream>(http_seen, request, stream));
            if (request.method() == http::Method::post) return;
            response.begin();
            while (response.write(std::string(100'000, 'x')) == Result::ok) {
            }
        };
        all.on_refused = [at](Connection&, unsigned) { at(HttpPlace::refused); };
        all.on_close = [at](Connection&, CloseReason) { at(HttpPlace::close); };
        return all;
    }
};

TEST_F(HttpEndFromWithinTest, the_handler_closes_the_connection) {
    for (const HttpPlace place : http_places) expect_end(place, [](Connection& connection) { connection.close(); });
}

TEST_F(HttpEndFromWithinTest, the_handler_aborts_the_connection) {
    for (const HttpPlace place : http_places) expect_end(place, [](Connection& connection) { connection.abort(); });
}

TEST_F(HttpEndFromWithinTest, the_handler_stops_the_server) {
    for (const HttpPlace place : http_places) expect_end(place, [this](Connection&) { server->stop(); });
}

TEST_F(HttpEndFromWithinTest, the_handler_destroys_the_server) {
    for (const HttpPlace place : http_places) expect_end(place, [this](Connection&) { server.reset(); });
}

// Clients that do not read, or have said all they want to say.

TEST_P(HttpCloseTest, ten_thousand_requests_of_a_client_that_does_not_read) {
    constexpr std::size_t count = 10'000;
    constexpr std::size_t size = 4000;
    serve({.on_request = [](const Request& request, Response& response) {
        const std::size_t number = std::stoul(std::string{request.target().substr(1)});
        response.send(pattern(number * size, size));
    }});
    HttpPeer peer = connect(small_buffer);
    std::thread sender{[&] {
        std::string requests;
        for (std::size_t i = 0; i < count; ++i)
            requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
        peer.send(requests);
    }};
    EXPECT_TRUE(eventually([&] { return server->counters().bytes_pending > 500'000; }));
    turn_all(engine);
    EXPECT_LT(http_seen.seen().requests.size(), count) << "it goes no further than it can answer";
    EXPECT_LE(server->counters().bytes_pending, ConnectionOptions{}.high_watermark_bytes + 64 * 1024);
    for (std::size_t i = 0; i < count; ++i) {
        const Answer answer = peer.read();
        ASSERT_EQ(answer.body.size(), size);
        ASSERT_TRUE(matches_pattern(answer.body, i * size)) << "out of order at " << i;
    }
    sender.join();
    EXPECT_EQ(peer.get("/0").body, pattern(0, size));
}

TEST_P(HttpCloseTest, a_client_that_has_said_all_gets_its_answers) {
    ResponseIds put_off;
    serve({.on_request = [&](const Request& request, Response& response) {
        if (request.target() == "/later") return put_off.put(response.later());
        response.send(request.target() == "/large" ? std::string(5 * mebibyte, 'x') : "answer");
    }});
    HttpPeer peer = connect(small_buffer);
    for (const std::string_view target : {"/", "/later", "/large", "/later", "/"}) {
        peer.send("GET " + std::string{target} + " HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    peer.finish_sending();
    const auto answer_later = [](Response& response) { response.send("later"); };
    EXPECT_EQ(peer.read().body, "answer");
    EXPECT_EQ(server->respond(put_off.take(), answer_later), Result::ok);
    EXPECT_EQ(peer.read().body, "later");
    EXPECT_EQ(peer.read().body.size(), 5 * mebibyte);
    EXPECT_EQ(server->respond(put_off.take(), answer_later), Result::ok);
    EXPECT_EQ(peer.read().body, "later");
    EXPECT_EQ(peer.read().body, "answer");
    EXPECT_TRUE(peer.is_closed());
    EXPECT_TRUE(seen.wait_for_closes(1));
}

TEST_P(HttpCloseTest, a_body_that_is_cut_off_behind_another_request_is_refused_at_once) {
    ResponseIds put_off;
    serve({.on_request = [&](const Request&, Response& response) { put_off.put(response.later()); }});
    HttpPeer peer = connect();
    peer.send(std::string{plain_get}.append("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234"));
    peer.finish_sending();
    const ResponseId id = put_off.take();
    settle();
    EXPECT_EQ(server->respond(id, [](Response& response) { response.send(); }), Result::ok);
    EXPECT_EQ(peer.read().status, 200u);
    EXPECT_EQ(peer.read().status, 400u);
    EXPECT_TRUE(peer.is_closed());
    EXPECT_EQ(http_seen.seen().requests.size(), 1u);
}

TEST_P(HttpCloseTest, a_refusal_arrives_behind_answers_that_were_not_read) {
    serve({.on_request = [](const Request&, Response& response) { response.send(std::string(300'000, 'x')); }});
    HttpPeer peer = connect(small_buffer);
    for (int i = 0; i < 50; ++i) peer.send(plain_get);
    peer.send("bad\r\n\r\n");
    // More than the low watermark waits: the rest is held back.
    EXPECT_TRUE(eventually([&] { return server->counters().bytes_pending > 256 * 1024; }));
    for (int i = 0; i < 50; ++i) ASSERT_EQ(peer.read().body.size(), 300'000u);
    EXPECT_EQ(peer.read().status, 400u);
    EXPECT_TRUE(peer.is_closed());
}

TEST_F(HttpEndFromWithinTest, files_need_descriptors) {
    if (!DescriptorShortage::possible()) GTEST_SKIP() << "the system bounds no process's descriptors";
    TemporaryFolder folder;
    folder.write("file", "content");
    serve({.on_request = [&](const Request&, Response& response) {
        std::error_code error;
        if (response.send_file(folder / "file", error) == Result::ok) return;
        EXPECT_EQ(error, std::errc::too_many_files_open);
        response.send_error(503);
    }});
    HttpPeer peer = connect();
    EXPECT_EQ(peer.get("/").body, "content");
    settle();  // its file is closed
    {
        const DescriptorShortage shortage{1};
        EXPECT_EQ(peer.get("/").status, 503u);
    }
    EXPECT_EQ(peer.get("/").body, "content") << "and the connection goes on";
}

}  // namespace
}  // namespace pollux::test
