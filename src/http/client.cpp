// HTTP clients: the public face, and answers that are collected.
#include <pollux/http/client.h>

#include <algorithm>
#include <utility>

#include "http/client_core.h"

namespace pollux::http {

namespace {

/// Set aside at once for a body whose length is told, before any of it came.
constexpr std::uint64_t max_reserved_bytes = 1024 * 1024;

std::vector<Header> copy_of(const Fields& fields) {
    std::vector<Header> headers;
    headers.reserve(fields.size());
    for (const Field field : fields) headers.push_back({std::string{field.name}, std::string{field.value}});
    return headers;
}

/// Puts an answer together.
class Collector final : public ClientHandler {
public:
    explicit Collector(Client::Callback callback) : callback_(std::move(callback)) {}

    void on_head(ClientExchange& /*exchange*/, const ResponseHead& head) override {
        response_.status = head.status;
        response_.minor_version = head.minor_version;
        response_.reason = head.reason;
        response_.headers = copy_of(head.headers);
        response_.url = head.url;
        const std::uint64_t told = head.content_length.value_or(0);
        response_.body.reserve(static_cast<std::size_t>(std::min(told, max_reserved_bytes)));
    }

    void on_body(ClientExchange& /*exchange*/, Bytes bytes) override { response_.body.append(as_text(bytes)); }

    void on_end(const Fields& trailers) override {
        response_.trailers = copy_of(trailers);
        callback_(std::move(response_));
    }

    void on_error(std::error_code error) override {
        ClientResponse failed;
        failed.error = error;
        callback_(std::move(failed));
    }

private:
    Client::Callback callback_;
    ClientResponse response_;
};

ClientRequest request_of(std::string method, std::string url) {
    ClientRequest request;
    request.method = std::move(method);
    request.url = std::move(url);
    return request;
}

ClientRequest request_of(std::string method, std::string url, std::string body, std::string content_type) {
    ClientRequest request = request_of(std::move(method), std::move(url));
    request.body = std::move(body);
    if (!content_type.empty()) request.headers.push_back({"Content-Type", std::move(content_type)});
    return request;
}

}  // namespace

std::optional<std::string_view> find_header(std::span<const Header> headers, std::string_view name) noexcept {
    for (const Header& header : headers) {
        if (same_name(header.name, name)) return header.value;
    }
    return std::nullopt;
}

Client::Client(Engine& engine, ClientOptions options) : core_(std::make_shared<Core>(engine, std::move(options))) {
    core_->start();
}

Client::~Client() {
    core_->stop();
}

Status Client::status() const {
    return core_->status();
}

std::future<ClientResponse> Client::send(ClientRequest request) {
    // Shared, since a callback can be copied and a promise cannot.
    const auto promise = std::make_shared<std::promise<ClientResponse>>();
    send(std::move(request), [promise](ClientResponse response) { promise->set_value(std::move(response)); });
    return promise->get_future();
}

RequestId Client::send(ClientRequest request, Callback callback) {
    if (!request.max_body_bytes) request.max_body_bytes = core_->options().max_body_bytes;
    return core_->submit(std::move(request), std::make_unique<Collector>(std::move(callback)));
}

RequestId Client::send(ClientRequest request, std::unique_ptr<ClientHandler> handler) {
    return core_->submit(std::move(request), std::move(handler));
}

std::future<ClientResponse> Client::get(std::string url) {
    return send(request_of("GET", std::move(url)));
}
std::future<ClientResponse> Client::head(std::string url) {
    return send(request_of("HEAD", std::move(url)));
}
std::future<ClientResponse> Client::del(std::string url) {
    return send(request_of("DELETE", std::move(url)));
}
std::future<ClientResponse> Client::options(std::string url) {
    return send(request_of("OPTIONS", std::move(url)));
}
std::future<ClientResponse> Client::trace(std::string url) {
    return send(request_of("TRACE", std::move(url)));
}
std::future<ClientResponse> Client::post(std::string url, std::string body, std::string content_type) {
    return send(request_of("POST", std::move(url), std::move(body), std::move(content_type)));
}
std::future<ClientResponse> Client::put(std::string url, std::string body, std::string content_type) {
    return send(request_of("PUT", std::move(url), std::move(body), std::move(content_type)));
}
std::future<ClientResponse> Client::patch(std::string url, std::string body, std::string content_type) {
    return send(request_of("PATCH", std::move(url), std::move(body), std::move(content_type)));
}

void Client::cancel(RequestId id) {
    core_->cancel(id);
}
void Client::access(RequestId id, std::function<void(ClientExchange&)> work) {
    core_->access(id, std::move(work));
}
ClientCounters Client::counters() const {
    return core_->counters();
}
Reactor& Client::reactor() const noexcept {
    return core_->reactor();
}

}  // namespace pollux::http
