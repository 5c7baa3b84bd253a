// Fuzzes a whole server, over a Unix-domain socket where there is one: sessions, exchanges, router and static files.
// Whatever a client sends, the answers are whole, in the order of the requests, as many as there were requests, and the
// connection ends.
// The input: how it is cut, the bytes.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pollux/http/server.h>
#include <pollux/pollux.h>

#include "common/raw_socket.h"
#include "common/socket_calls.h"
#include "fuzz/support.h"
#include "proto/http/response_parser.h"

namespace {

using pollux::Bytes;
using pollux::Connection;
using pollux::Result;
using pollux::http::Request;
using pollux::http::Response;
using pollux::http::ResponseParser;
using pollux::test::Choices;
using pollux::test::insist;
using pollux::test::Pieces;

constexpr std::string_view target_field = "X-Target";

/// What handlers saw of one connection. The reactor writes, the fuzzer's thread reads when the connection is over.
struct Seen {
    struct Request {
        bool is_head = false;
        std::string target;
    };
    std::vector<Request> requests;
    bool refused = false;
};

class Log {
public:
    void change(const std::function<void(Seen&)>& change) {
        const std::lock_guard lock{mutex_};
        change(seen_);
    }

    Seen take() {
        const std::lock_guard lock{mutex_};
        return std::exchange(seen_, {});
    }

private:
    std::mutex mutex_;
    Seen seen_;
};

/// The router's handler, with a note of each request, which the answer refers to.
class Noting final : public pollux::http::Handler {
public:
    Noting(Log& log, const std::shared_ptr<const pollux::http::RouteTable>& table) : log_(log), router_(table) {}

    pollux::http::BodyRules on_head(const Request& request) override { return router_.on_head(request); }

    void on_request(const Request& request, Response& response) override {
        const bool is_head = request.method() == pollux::http::Method::head;
        log_.change([&](Seen& seen) { seen.requests.push_back({is_head, std::string{request.target()}}); });
        insist(response.header(target_field, request.target()));
        router_.on_request(request, response);
    }

    void on_refused(Connection&, unsigned status, std::string_view why) override {
        insist(status >= 400 && !why.empty());
        log_.change([](Seen& seen) { seen.refused = true; });
    }

private:
    Log& log_;
    pollux::http::RouterHandler router_;
};

/// Answers with the body while it comes in.
class EchoStream final : public pollux::http::Stream {
public:
    void on_body(const Request&, Response& response, Bytes bytes) override {
        if (!response.begun()) (void)response.begin();
        (void)response.write(bytes);
    }
    void on_body_end(const Request& request, Response& response) override {
        if (!response.begun()) (void)response.begin();
        std::vector<pollux::http::Field> trailers;
        for (const auto field : request.trailers()) trailers.push_back(field);
        (void)response.end(trailers);
    }
};

/// Takes one part of the body at a time, and the next one when a task has come round.
class PausingStream final : public pollux::http::Stream {
public:
    explicit PausingStream(pollux::http::ServerBase& server) : server_(server) {}

    void on_body(const Request&, Response& response, Bytes bytes) override {
        bytes_ += bytes.size();
        response.pause_receiving();
        response.connection().reactor().post([&server = server_, id = response.id()] {
            (void)server.respond(id, [](Response& paused) { paused.resume_receiving(); });
        });
    }
    void on_body_end(const Request&, Response& response) override { response.send(std::to_string(bytes_)); }

private:
    pollux::http::ServerBase& server_;
    std::size_t bytes_ = 0;
};

struct EchoConnection : pollux::ConnectionHandler {
    void on_data(Connection& connection, Bytes bytes) override { connection.send(bytes); }
};

/// One server for the whole process; it is never destroyed.
class Server {
public:
    Server() : server_(engine_, options(), {.max_body_bytes = 512}, std::ref(log_), router().compile()) {
        insist(server_.start() && engine_.start());
    }

    static Server& one() {
        static auto* const server = new Server;
        return *server;
    }

    [[nodiscard]] pollux::SocketAddress address() const { return server_.address(); }
    [[nodiscard]] Log& log() { return log_; }

private:
    /// No file, where that can be: nothing is left behind by a fuzzer that ends the process.
    static std::string endpoint() {
        using namespace pollux::test;
        if (has_abstract_names()) return "unix://" + fresh_abstract_name();
        return fresh_endpoint(has_unix_sockets() ? pollux::Transport::unix_domain : pollux::Transport::tcp);
    }

    static pollux::ServerOptions options() {
        // The peer does not wait for an answer, however much it still has to send.
        return {.endpoint = endpoint(), .connection = {.hold_receive_while_pending = false}};
    }

    pollux::http::Router router() {
        using pollux::http::BodyMode;
        pollux::http::Router router;
        router.get("/", [](const Request&, Response& response) { response.send("root"); })
            .post("/echo", [](const Request& request, Response& response) { response.send(request.body()); })
            .post("/stream",
                  [](const Request&, Response& response) { response.attach(std::make_unique<EchoStream>()); },
                  {.body = BodyMode::streamed})
            .post("/paused",
                  [this](const Request&, Response& response) {
                      response.attach(std::make_unique<PausingStream>(server_));
                  },
                  {.body = BodyMode::streamed})
            .post("/ignored", [](const Request&, Response& response) { response.send("early"); },
                  {.body = BodyMode::streamed})
            .get("/later", [this](const Request&, Response& response) { answer_later(response); })
            .get("/never", [](const Request&, Response&) {})
            .get("/chunks", [](const Request&, Response& response) { send_chunks(response); })
            .get("/cookie", [](const Request& request, Response& response) { send_cookie(request, response); })
            .get("/upgrade", [](const Request& request, Response& response) { upgrade(request, response); })
            .get("/names/:name/*rest",
                 [](const Request& request, Response& response) { send_names(request, response); })
            .trace("/trace", [](const Request& request, Response& response) { response.send_trace(request); })
            .files("/files", std::filesystem::path{__FILE__}.parent_path())
            .openapi({.title = "Fuzzed"});
        insist(router.status().ok());
        return router;
    }

    void answer_later(Response& response) {
        pollux::Reactor& reactor = response.connection().reactor();
        const auto id = response.later();
        reactor.post([this, id] { (void)server_.respond(id, [](Response& later) { later.send("later"); }); });
    }

    static void send_chunks(Response& response) {
        const pollux::http::Field trailer{"Digest", "1"};
        (void)response.begin();
        (void)response.write("one");
        (void)response.write("two");
        (void)response.end({&trailer, 1});
    }

    static void send_cookie(const Request& request, Response& response) {
        response.cookie({.name = "a", .value = request.cookie("a").value_or("none"), .path = request.path()});
        response.header("X-Query", request.query("a").value_or("none"));
        response.status(204).send();
    }

    static void upgrade(const Request& request, Response& response) {
        const bool has_body = request.content_length() != 0;
        const bool upgraded = response.upgrade("echo", std::make_unique<EchoConnection>()) == Result::ok;
        insist(!upgraded || !has_body);
        if (!upgraded) response.send_error(426);
    }

    static void send_names(const Request& request, Response& response) {
        std::string text{request.parameter("name")};
        response.send(text.append("|").append(request.parameter("rest")));
    }

    Log log_;
    pollux::Engine engine_;
    pollux::http::Server<Noting> server_;
};

/// Everything that the server sends.
std::string converse(Pieces pieces) {
    const auto socket = pollux::test::RawSocket::connect(Server::one().address());
    insist(socket.valid());
    while (!pieces.empty() && socket.send(pieces.next())) {
    }
    socket.finish_sending();
    const auto rest = socket.receive_rest();
    insist(rest.error != EAGAIN);
    return rest.bytes;
}

void check_answers(std::string_view bytes, const Seen& seen) {
    ResponseParser parser{{}};
    std::size_t whole = 0;
    bool is_last = false;
    while (!bytes.empty() && !is_last) {
        const bool asked = whole < seen.requests.size();
        parser.begin(asked && seen.requests[whole].is_head);
        for (auto kind = ResponseParser::Event::Kind::more; kind != ResponseParser::Event::Kind::end;) {
            const ResponseParser::Event event = parser.next(pollux::as_bytes(bytes));
            kind = event.kind;
            bytes.remove_prefix(event.consumed);
            insist(kind != ResponseParser::Event::Kind::failed);
            if (kind == ResponseParser::Event::Kind::head) {
                const auto target = parser.headers().find(target_field);
                insist(!target || (asked && *target == seen.requests[whole].target));
            } else if (kind == ResponseParser::Event::Kind::more) {
                // An answer that was begun is cut off if its request is refused, and a refused HEAD has no body.
                insist(seen.refused || parser.finish());
                return;
            }
        }
        ++whole;
        is_last = !parser.keep_alive() || parser.status() == 101;
        if (parser.status() == 101) return;
    }
    insist(bytes.empty());
    insist(whole == seen.requests.size() || seen.refused);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Choices choices{pollux::test::text_of(data, size)};
    const std::uint8_t cut = choices.byte();
    const std::string answers = converse({choices.rest(), cut});
    check_answers(answers, Server::one().log().take());
    return 0;
}
