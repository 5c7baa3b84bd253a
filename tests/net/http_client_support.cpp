// What the tests of HTTP clients share.
#include "net/http_client_support.h"

#include <algorithm>
#include <ostream>
#include <utility>

namespace pollux::http {

void PrintTo(const ClientResponse& response, std::ostream* out) {
    if (response.error) {
        *out << "error: " << response.error.message();
    } else {
        *out << response.status << " " << response.reason << ", " << response.body.size() << " bytes";
    }
}

}  // namespace pollux::http

namespace pollux::test {

namespace {

std::string listed(const http::Fields& fields) {
    std::string text;
    for (const http::Field field : fields) text.append(field.name).append("=").append(field.value).append(";");
    return text;
}

/// Up to and with `end`, not a byte more. Empty if the connection ends before.
std::string read_until(const RawSocket& peer, std::string_view end) {
    std::string text;
    while (!text.ends_with(end)) {
        const std::string byte = peer.receive(1);
        if (byte.empty()) return {};
        text += byte;
    }
    return text;
}

class RecordingClientHandler final : public http::ClientHandler {
public:
    RecordingClientHandler(ClientRecord& record, const Reactor& reactor, ClientHooks hooks)
        : record_(record), reactor_(reactor), hooks_(std::move(hooks)) {}

    ~RecordingClientHandler() override {
        record_.change([](ClientRecord::Seen& seen) { seen.destroyed = true; });
    }

    void on_head(http::ClientExchange& exchange, const http::ResponseHead& head) override {
        const Entered entered{*this, "on_head"};
        record_.change([&](ClientRecord::Seen& seen) {
            if (++seen.heads > 1) seen.violations += "a second head; ";
            seen.status = head.status;
            seen.url = head.url;
            seen.fields = listed(head.headers);
        });
        if (hooks_.on_head) hooks_.on_head(exchange);
    }

    void on_body(http::ClientExchange& exchange, Bytes bytes) override {
        const Entered entered{*this, "on_body"};
        record_.change([&](ClientRecord::Seen& seen) {
            if (seen.heads == 0) seen.violations += "a body without a head; ";
            seen.body += as_text(bytes);
            ++seen.parts;
        });
        if (hooks_.on_body) hooks_.on_body(exchange, as_text(bytes));
    }

    void on_drain(http::ClientExchange& exchange) override {
        const Entered entered{*this, "on_drain"};
        record_.change([](ClientRecord::Seen& seen) { ++seen.drains; });
        if (hooks_.on_drain) hooks_.on_drain(exchange);
    }

    void on_end(const http::Fields& trailers) override {
        const Entered entered{*this, "on_end"};
        record_.change([&](ClientRecord::Seen& seen) {
            if (seen.heads == 0) seen.violations += "an end without a head; ";
            ++seen.ends;
            seen.trailers = listed(trailers);
        });
        if (hooks_.on_end) hooks_.on_end();
    }

    void on_error(std::error_code error) override {
        const Entered entered{*this, "on_error"};
        record_.change([&](ClientRecord::Seen& seen) { seen.errors.push_back(error); });
        if (hooks_.on_error) hooks_.on_error(error);
    }

private:
    /// What every callback has to keep to.
    class Entered {
    public:
        Entered(RecordingClientHandler& handler, const char* name) : handler_(handler) {
            handler_.record_.change([&](ClientRecord::Seen& seen) {
                if (std::exchange(handler_.inside_, true)) seen.violations.append(name).append(" is nested; ");
                if (seen.over()) seen.violations.append(name).append(" after the outcome; ");
                if (!handler_.reactor_.is_current()) seen.violations.append(name).append(" on another thread; ");
            });
        }
        ~Entered() { handler_.inside_ = false; }
        Entered(const Entered&) = delete;
        Entered& operator=(const Entered&) = delete;

    private:
        RecordingClientHandler& handler_;
    };

    ClientRecord& record_;
    const Reactor& reactor_;
    ClientHooks hooks_;
    bool inside_ = false;
};

}  // namespace

bool SentRequest::has_line(std::string_view line) const {
    return head.find("\r\n" + std::string{line} + "\r\n") != std::string::npos;
}

SentRequest read_request(const RawSocket& peer) {
    SentRequest request;
    request.head = read_until(peer, "\r\n\r\n");
    constexpr std::string_view name = "\r\nContent-Length: ";
    const std::size_t length = request.head.find(name);
    if (length != std::string::npos) {
        request.body = peer.receive(std::stoul(request.head.substr(length + name.size())));
    }
    return request;
}

std::string read_chunked(const RawSocket& peer) {
    std::string framed;
    for (std::size_t size = 1; size != 0;) {
        const std::string line = read_until(peer, "\r\n");
        if (line.empty()) return {};
        size = std::stoul(line, nullptr, 16);
        framed += line + (size != 0 ? peer.receive(size + 2) : read_until(peer, "\r\n"));
    }
    return framed;
}

std::string answer_of(std::string_view body, std::string_view fields, std::string_view status) {
    std::string text = "HTTP/1.1 ";
    text.append(status).append("\r\nContent-Length: ").append(std::to_string(body.size())).append("\r\n");
    return text.append(fields).append("\r\n").append(body);
}

http::ClientResponse outcome(std::future<http::ClientResponse> future) {
    if (future.wait_for(patience) == std::future_status::ready) return future.get();
    ADD_FAILURE() << "no outcome";
    return {};
}

std::unique_ptr<http::ClientHandler> recording(ClientRecord& record, const Reactor& reactor, ClientHooks hooks) {
    return std::make_unique<RecordingClientHandler>(record, reactor, std::move(hooks));
}

void PatternSource::pump(http::ClientExchange& exchange) {
    while (written_ < size_) {
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(piece_, size_ - written_));
        if (exchange.write(pattern(written_, count)) != Result::ok) return;
        written_ += count;
    }
    EXPECT_EQ(exchange.end(), Result::ok);
}

std::unique_ptr<http::Client> HttpClientTest::make_client(http::ClientOptions options) {
    if (!tcp() && options.endpoint.empty()) options.endpoint = listener.endpoint();
    auto client = std::make_unique<http::Client>(engine, std::move(options));
    EXPECT_TRUE(client->status()) << client->status();
    return client;
}

std::string HttpClientTest::host() const {
    return tcp() ? listener.address().to_string() : "local.test";
}

std::string HttpClientTest::url(std::string_view path) const {
    return "http://" + host() + std::string{path};
}

RawSocket HttpClientTest::serve_one(std::string_view answer) {
    RawSocket peer = listener.accept();
    EXPECT_FALSE(read_request(peer).head.empty());
    EXPECT_TRUE(peer.send(answer));
    return peer;
}

}  // namespace pollux::test
