// Handlers that record, and fixtures that serve them.
#include "net/http_support.h"

#include <ostream>

namespace pollux::test {
namespace {

FieldList copy(const http::Fields& fields) {
    FieldList list;
    for (const http::Field field : fields) list.emplace_back(field.name, field.value);
    return list;
}

std::string lines(const FieldList& fields) {
    std::string text;
    for (const auto& [name, value] : fields) text.append(name).append(": ").append(value).append("\n");
    return text;
}

}  // namespace

SeenRequest::SeenRequest(const http::Request& request)
    : connection(request.connection().id()),
      method(request.method()),
      method_name(request.method_name()),
      target(request.target()),
      raw_path(request.raw_path()),
      path(request.path()),
      raw_query(request.raw_query()),
      host(request.host()),
      minor_version(request.minor_version()),
      headers(copy(request.headers())),
      trailers(copy(request.trailers())),
      content_length(request.content_length()),
      body(request.text()) {}

std::string SeenRequest::header(std::string_view name) const {
    for (const auto& [own_name, value] : headers) {
        if (http::same_name(own_name, name)) return value;
    }
    return {};
}

std::string describe(const SeenRequest& request) {
    std::string text = request.method_name + " " + request.target + " HTTP/1." + std::to_string(request.minor_version);
    text += "\npath " + request.raw_path + " " + request.path + " query " + request.raw_query + " host " + request.host;
    text += "\nlength " + (request.content_length ? std::to_string(*request.content_length) : "unknown");
    return text + "\n" + lines(request.headers) + "\n" + request.body + "\n" + lines(request.trailers);
}

bool HttpRecorder::wait_for_requests(std::size_t count) {
    return wait_until([=](const HttpSeen& seen) { return seen.requests.size() >= count; });
}

bool HttpRecorder::wait_for_refusals(std::size_t count) {
    return wait_until([=](const HttpSeen& seen) { return seen.refusals.size() >= count; });
}

bool HttpRecorder::wait_for_streamed(std::size_t bytes) {
    return wait_until([=](const HttpSeen& seen) { return seen.streamed.size() >= bytes; });
}

bool HttpRecorder::wait_for_aborts(std::size_t count) {
    return wait_until([=](const HttpSeen& seen) { return seen.aborts >= count; });
}

HttpSeen HttpRecorder::seen() {
    HttpSeen copy;
    change([&](const HttpSeen& now) { copy = now; });
    return copy;
}

void HttpRecorder::forget() {
    change([](HttpSeen& now) { now = {.streams = now.streams}; });
}

void HttpRecorder::complain(const std::string& violation) {
    recorder_.change([&](Recorder::Seen& seen) { seen.violations.push_back(violation); });
}

HttpRecorder::Call::Call(HttpRecorder& recorder, const Connection& connection, const char* callback)
    : Call(recorder, connection.id(), callback) {
    if (!connection.reactor().is_current()) recorder.complain(std::string{callback} + " on a foreign thread");
}

HttpRecorder::Call::Call(HttpRecorder& recorder, ConnectionId connection, const char* callback)
    : recorder_(recorder), connection_(connection) {
    bool nested = false;
    recorder_.change([&](HttpSeen&) { nested = recorder_.calls_[connection_]++ != 0; });
    if (nested) recorder_.complain(std::string{callback} + " nested in another callback");
}

HttpRecorder::Call::~Call() {
    recorder_.change([&](HttpSeen&) {
        if (--recorder_.calls_[connection_] == 0) recorder_.calls_.erase(connection_);
    });
}

http::BodyRules streamed(const http::Request& /*request*/) {
    return {.mode = http::BodyMode::streamed};
}

// Streams.

RecordingStream::RecordingStream(HttpRecorder& recorder, const http::Request& request, HttpHooks hooks)
    : recorder_(recorder), connection_(request.connection().id()), hooks_(std::move(hooks)) {
    recorder_.change([](HttpSeen& seen) { ++seen.streams; });
}

RecordingStream::~RecordingStream() {
    recorder_.change([](HttpSeen& seen) { --seen.streams; });
}

void RecordingStream::expect_alive(const char* callback) {
    if (aborted_) recorder_.complain(std::string{callback} + " after on_abort");
}

void RecordingStream::on_body(const http::Request& request, http::Response& response, Bytes bytes) {
    const HttpRecorder::Call call{recorder_, request.connection(), "on_body"};
    expect_alive("on_body");
    if (ended_) recorder_.complain("on_body after on_body_end");
    if (bytes.empty()) recorder_.complain("on_body of nothing");
    body_ += as_text(bytes);
    recorder_.change([&](HttpSeen& seen) { seen.streamed += as_text(bytes); });
    if (hooks_.on_body) hooks_.on_body(request, response, bytes);
}

void RecordingStream::on_body_end(const http::Request& request, http::Response& response) {
    const HttpRecorder::Call call{recorder_, request.connection(), "on_body_end"};
    expect_alive("on_body_end");
    if (std::exchange(ended_, true)) recorder_.complain("on_body_end twice");
    recorder_.change([](HttpSeen& seen) { ++seen.body_ends; });
    if (hooks_.on_body_end) {
        hooks_.on_body_end(request, response);
    } else if (!response.begun()) {
        SeenRequest whole{request};
        whole.body = body_;
        response.send(describe(whole));
    }
}

void RecordingStream::on_drain(http::Response& response) {
    const HttpRecorder::Call call{recorder_, response.connection(), "on_drain"};
    expect_alive("on_drain");
    recorder_.change([](HttpSeen& seen) { ++seen.drains; });
    if (hooks_.on_drain) hooks_.on_drain(response);
}

void RecordingStream::on_abort() {
    const HttpRecorder::Call call{recorder_, connection_, "on_abort"};
    expect_alive("on_abort");
    aborted_ = true;
    if (hooks_.on_abort) hooks_.on_abort();
    recorder_.change([](HttpSeen& seen) { ++seen.aborts; });
}

// Handlers.

RecordingHandler::RecordingHandler(HttpRecorder& recorder, HttpHooks hooks)
    : recorder_(recorder), hooks_(std::move(hooks)) {
    recorder_.connections().change([](Recorder::Seen& seen) { ++seen.handlers; });
}

RecordingHandler::~RecordingHandler() {
    recorder_.connections().change([](Recorder::Seen& seen) { --seen.handlers; });
}

void RecordingHandler::expect_open(const char* callback) {
    if (!open_) recorder_.complain(std::string{callback} + " before on_open or after on_close");
}

void RecordingHandler::on_open(Connection& connection) {
    const HttpRecorder::Call call{recorder_, connection, "on_open"};
    if (std::exchange(open_, true)) recorder_.complain("on_open while open");
    if (hooks_.on_open) hooks_.on_open(connection);
    recorder_.connections().change([&](Recorder::Seen& seen) {
        ++seen.opens;
        seen.ids.push_back(connection.id());
    });
}

http::BodyRules RecordingHandler::on_head(const http::Request& request) {
    const HttpRecorder::Call call{recorder_, request.connection(), "on_head"};
    expect_open("on_head");
    recorder_.change([&](HttpSeen& seen) { seen.heads.emplace_back(request); });
    const http::BodyRules rules = hooks_.on_head ? hooks_.on_head(request) : http::BodyRules{};
    body_mode_ = rules.mode;
    return rules;
}

void RecordingHandler::on_request(const http::Request& request, http::Response& response) {
    const HttpRecorder::Call call{recorder_, request.connection(), "on_request"};
    expect_open("on_request");
    recorder_.change([&](HttpSeen& seen) { seen.requests.emplace_back(request); });
    const bool has_body = request.content_length() != 0u;
    if (hooks_.on_request) {
        hooks_.on_request(request, response);
    } else if (has_body && body_mode_ == http::BodyMode::streamed) {
        response.attach(std::make_unique<RecordingStream>(recorder_, request, hooks_));
    } else {
        response.send(describe(SeenRequest{request}));
    }
}

void RecordingHandler::on_refused(Connection& connection, unsigned status, std::string_view why) {
    const HttpRecorder::Call call{recorder_, connection, "on_refused"};
    expect_open("on_refused");
    if (hooks_.on_refused) hooks_.on_refused(connection, status);
    recorder_.change([&](HttpSeen& seen) { seen.refusals.push_back({status, std::string{why}}); });
}

void RecordingHandler::on_close(Connection& connection, CloseReason reason, std::error_code error) {
    const HttpRecorder::Call call{recorder_, connection, "on_close"};
    expect_open("on_close");
    open_ = false;
    if (hooks_.on_close) hooks_.on_close(connection, reason);
    recorder_.connections().change([&](Recorder::Seen& seen) {
        ++seen.closes;
        seen.reasons.push_back(reason);
        seen.errors.push_back(error);
    });
}

// Fixtures.

void PrintTo(Wire wire, std::ostream* out) {
    switch (wire) {
        case Wire::tcp:
            *out << "TCP";
            break;
        case Wire::unix_domain:
            *out << "Unix";
            break;
        case Wire::tls:
            *out << "TLS";
            break;
    }
}

std::string wire_name(const testing::TestParamInfo<Wire>& info) {
    switch (info.param) {
        case Wire::tcp:
            return "tcp";
        case Wire::unix_domain:
            return "unix";
        case Wire::tls:
            break;
    }
    return "tls";
}

void HttpTest::TearDown() {
    server.reset();
    EXPECT_EQ(http_seen.seen().streams, 0u) << "streams must be destroyed";
    EngineTest::TearDown();
}

void HttpTest::serve(HttpHooks hooks, http::Options options, ServerOptions server_options) {
    if (server_options.endpoint.empty()) {
        server_options.endpoint = fresh_endpoint(transport_of(wire));
    }
    if (wire == Wire::tls) server_options.tls = server_context();
    server = std::make_unique<http::Server<RecordingHandler>>(engine, std::move(server_options), std::move(options),
                                                              std::ref(http_seen), std::move(hooks));
    const Status status = server->start();
    ASSERT_TRUE(status) << status;
}

HttpPeer HttpTest::connect(int receive_buffer_bytes) const {
    if (wire != Wire::tls) return HttpPeer{server->address(), receive_buffer_bytes};
    static const TlsPeerContext context{TlsRole::client, {}};
    return HttpPeer{TlsPeer{RawSocket::connect(server->address(), receive_buffer_bytes), context}};
}

void HttpTest::answer_later(const http::Request& request, http::Response& response, std::string text) const {
    static_cast<void>(
        request.connection().reactor().post([this, id = response.later(), text = std::move(text)]() mutable {
            static_cast<void>(server->respond(id, [&](http::Response& late) { late.send(std::move(text)); }));
        }));
}

void HttpTest::send_cut(HttpPeer& peer, std::string_view bytes, std::size_t at) {
    peer.try_send(bytes.substr(0, at));
    settle();
    peer.try_send(bytes.substr(at));
}

void HttpTest::send_bytewise(HttpPeer& peer, std::string_view bytes) {
    for (const char byte : bytes) {
        if (!peer.try_send({&byte, 1})) return;
        settle();
    }
}

}  // namespace pollux::test
