// Helpers of the tests of HTTP servers: handlers that record, and fixtures that serve them.
#pragma once

#include <pollux/http/server.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_peer.h"
#include "net/support.h"
#include "net/tls_support.h"

namespace pollux::test {

inline constexpr std::string_view plain_get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Fields in their order.
using FieldList = std::vector<std::pair<std::string, std::string>>;

/// A request as a handler saw it, copied.
struct SeenRequest {
    explicit SeenRequest(const http::Request& request);

    /// The value of the first header field of that name; empty if there is none.
    [[nodiscard]] std::string header(std::string_view name) const;

    ConnectionId connection;
    http::Method method;
    std::string method_name;
    std::string target;
    std::string raw_path;
    std::string path;
    std::string raw_query;
    std::string host;
    unsigned minor_version;
    FieldList headers;
    FieldList trailers;
    std::optional<std::uint64_t> content_length;
    std::string body;
};

/// A text that tells all of a request, so that what differs between two shows.
[[nodiscard]] std::string describe(const SeenRequest& request);

/// What `on_refused` told.
struct SeenRefusal {
    unsigned status = 0;
    std::string why;
};

/// What handlers and streams of one server saw.
struct HttpSeen {
    std::vector<SeenRequest> heads{};     ///< As `on_head` had them.
    std::vector<SeenRequest> requests{};  ///< As `on_request` had them.
    std::vector<SeenRefusal> refusals{};
    std::size_t streams = 0;  ///< Alive now.
    std::string streamed{};   ///< All parts that came to streams.
    std::size_t body_ends = 0;
    std::size_t drains = 0;
    std::size_t aborts = 0;
};

/// Adds what is HTTP's to a record, under its lock. What promises are broken goes into that record.
class HttpRecorder {
public:
    explicit HttpRecorder(Recorder& recorder) : recorder_(recorder) {}

    template <class Change>
    void change(Change&& change) {
        recorder_.change([&](Recorder::Seen&) { change(seen_); });
    }

    /// Waits until `predicate(seen)`; false if that never comes.
    template <class Predicate>
    [[nodiscard]] bool wait_until(Predicate&& predicate, std::chrono::milliseconds limit = patience) {
        return recorder_.wait_until([&](const Recorder::Seen&) { return predicate(std::as_const(seen_)); }, limit);
    }

    [[nodiscard]] bool wait_for_requests(std::size_t count);
    [[nodiscard]] bool wait_for_refusals(std::size_t count);
    [[nodiscard]] bool wait_for_streamed(std::size_t bytes);
    [[nodiscard]] bool wait_for_aborts(std::size_t count);

    [[nodiscard]] HttpSeen seen();

    /// Forgets what was seen so far.
    void forget();

    [[nodiscard]] Recorder& connections() { return recorder_; }

    void complain(const std::string& violation);

    /// One callback of a handler or a stream, from its beginning to its end: notes if it is nested in another one of
    /// the same connection, or on a foreign thread.
    class Call {
    public:
        Call(HttpRecorder& recorder, const Connection& connection, const char* callback);
        Call(HttpRecorder& recorder, ConnectionId connection, const char* callback);
        ~Call();
        Call(const Call&) = delete;
        Call& operator=(const Call&) = delete;

    private:
        HttpRecorder& recorder_;
        ConnectionId connection_;
    };

private:
    Recorder& recorder_;
    HttpSeen seen_;
    std::map<ConnectionId, int> calls_;  // that are going on
};

/// What a test wants done in a callback, after it was recorded.
struct HttpHooks {
    std::function<void(Connection&)> on_open{};
    std::function<http::BodyRules(const http::Request&)> on_head{};

    /// Without it, a request is answered with its description; if its body is streamed, by a `RecordingStream`.
    std::function<void(const http::Request&, http::Response&)> on_request{};

    std::function<void(Connection&, unsigned status)> on_refused{};
    std::function<void(Connection&, CloseReason)> on_close{};

    // A stream's.

    std::function<void(const http::Request&, http::Response&, Bytes)> on_body{};

    /// Without it, the request is answered with its description.
    std::function<void(const http::Request&, http::Response&)> on_body_end{};
    std::function<void(http::Response&)> on_drain{};
    std::function<void()> on_abort{};
};

/// Wants every body in parts.
[[nodiscard]] http::BodyRules streamed(const http::Request& request);

/// Records everything, and that callbacks keep their promises: parts of the body first, then its end, nothing after the
/// stream was aborted, never nested.
class RecordingStream : public http::Stream {
public:
    RecordingStream(HttpRecorder& recorder, const http::Request& request, HttpHooks hooks);
    ~RecordingStream() override;

    void on_body(const http::Request& request, http::Response& response, Bytes bytes) override;
    void on_body_end(const http::Request& request, http::Response& response) override;
    void on_drain(http::Response& response) override;
    void on_abort() override;

private:
    void expect_alive(const char* callback);

    HttpRecorder& recorder_;
    ConnectionId connection_;
    HttpHooks hooks_;
    std::string body_;
    bool ended_ = false;
    bool aborted_ = false;
};

/// Records everything, and that callbacks keep their promises: `on_open` first, `on_close` once and last, never nested,
/// always on the connection's own thread.
class RecordingHandler : public http::Handler {
public:
    RecordingHandler(HttpRecorder& recorder, HttpHooks hooks);
    ~RecordingHandler() override;

    void on_open(Connection& connection) override;
    http::BodyRules on_head(const http::Request& request) override;
    void on_request(const http::Request& request, http::Response& response) override;
    void on_refused(Connection& connection, unsigned status, std::string_view why) override;
    void on_close(Connection& connection, CloseReason reason, std::error_code error) override;

private:
    void expect_open(const char* callback);

    HttpRecorder& recorder_;
    HttpHooks hooks_;
    http::BodyMode body_mode_ = http::BodyMode::whole;
    bool open_ = false;
};

/// What a server is reached over.
enum class Wire : std::uint8_t { tcp, unix_domain, tls };

void PrintTo(Wire wire, std::ostream* out);
[[nodiscard]] std::string wire_name(const testing::TestParamInfo<Wire>& info);

constexpr Transport transport_of(Wire wire) {
    return wire == Wire::unix_domain ? Transport::unix_domain : Transport::tcp;
}

inline const auto every_wire = testing::Values(Wire::tcp, Wire::unix_domain, Wire::tls);

/// A server whose handlers record.
class HttpTest : public EngineTest {
protected:
    explicit HttpTest(Wire over = Wire::tcp, std::size_t reactors = 1)
        : EngineTest(reactors, transport_of(over)), wire(over) {}

    void TearDown() override;

    /// Listens. Its endpoint and its TLS are those of the wire.
    void serve(HttpHooks hooks = {}, http::Options options = {}, ServerOptions server_options = {});

    /// A connection to it.
    [[nodiscard]] HttpPeer connect(int receive_buffer_bytes = 0) const;

    /// Answers from the loop, by the id of the answer.
    void answer_later(const http::Request& request, http::Response& response, std::string text) const;

    /// What was sent before is with the handlers now.
    void settle() { turn_all(engine, 4); }

    /// Sends so that the server gets the bytes before `at` by themselves.
    void send_cut(HttpPeer& peer, std::string_view bytes, std::size_t at);

    /// Sends so that the server gets every byte by itself.
    void send_bytewise(HttpPeer& peer, std::string_view bytes);

    Wire wire;
    HttpRecorder http_seen{seen};
    std::unique_ptr<http::Server<RecordingHandler>> server;
};

/// The same over every wire.
class HttpWireTest : public HttpTest, public testing::WithParamInterface<Wire> {
protected:
    HttpWireTest() : HttpTest(GetParam()) {}
};

}  // namespace pollux::test
