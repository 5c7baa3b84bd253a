// A request of a client, from when it was accepted to its outcome.
#include "http/client_call.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "http/client_connection.h"
#include "proto/http/request_head.h"

namespace pollux::http {

namespace {

/// Each time on another connection. A server that goes on like this does not want the request.
constexpr unsigned max_repetitions = 3;

/// Of a redirect's body: reading that much is cheaper than another connection.
constexpr std::uint64_t max_discarded_bytes = 64 * 1024;

constexpr unsigned switching_protocols = 101;

/// Methods whose requests have a body even if it is empty (RFC 9110, 8.6).
bool expects_body(std::string_view method) noexcept {
    return method == "POST" || method == "PUT" || method == "PATCH";
}

bool is_redirect(unsigned status) noexcept {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

template <std::size_t count>
void remove_fields(std::vector<Header>& headers, const std::array<std::string_view, count>& names) {
    std::erase_if(headers, [&](const Header& header) {
        return std::any_of(names.begin(), names.end(),
                           [&](std::string_view name) { return same_name(header.name, name); });
    });
}

}  // namespace

std::error_code ClientCall::check(const ClientRequest& request, Url& url) {
    if (!Url::parse(request.url, url)) return Errc::invalid_url;
    const bool fields_are_good = std::all_of(request.headers.begin(), request.headers.end(), [](const Header& header) {
        return is_request_field({header.name, header.value});
    });
    const auto hosts = std::count_if(request.headers.begin(), request.headers.end(),
                                     [](const Header& header) { return same_name(header.name, "Host"); });
    const bool has_body = request.streamed || !request.body.empty();
    const bool body_is_good = (!request.streamed || request.body.empty()) &&
                              (request.streamed || !request.content_length) &&
                              (!has_body || request.method != "TRACE");  // RFC 9110, 9.3.8
    if (!is_request_method(request.method) || !fields_are_good || hosts > 1 || !body_is_good) {
        return Errc::invalid_request;
    }
    return {};
}

ClientCall::ClientCall(RequestId id, ClientRequest request, Url url, const ClientOptions& options,
                       std::unique_ptr<ClientHandler> handler)
    : id_(id),
      request_(std::move(request)),
      url_(std::move(url)),
      url_text_(url_.to_string()),
      handler_(std::move(handler)),
      timeout_(request_.timeout.value_or(options.timeout)),
      max_body_bytes_(request_.max_body_bytes.value_or(std::numeric_limits<std::uint64_t>::max())),
      max_redirects_(request_.max_redirects.value_or(options.max_redirects)),
      allow_insecure_redirects_(options.allow_insecure_redirects),
      body_left_(request_.content_length.value_or(0)) {
    if (!request_.body.empty()) body_ = std::make_shared<const std::string>(std::move(request_.body));
    if (!options.user_agent.empty() && !find_header(request_.headers, "User-Agent")) {
        request_.headers.push_back({"User-Agent", options.user_agent});
    }
}

bool ClientCall::may_be_pipelined() const noexcept {
    return is_idempotent(method_of(request_.method)) && !request_.streamed && repetitions_ == 0;
}

bool ClientCall::may_be_repeated() const noexcept {
    return is_idempotent(method_of(request_.method)) && !body_begun_ && repetitions_ < max_repetitions;
}

// Sending.

void ClientCall::write_head(std::string& out) const {
    const auto host = find_header(request_.headers, "Host");
    RequestHeadWriter writer{out, request_.method, url_.target(request_.method),
                             host ? std::string{*host} : url_.authority()};
    for (const Header& header : request_.headers) {
        if (!same_name(header.name, "Host")) writer.field(header.name, header.value);
    }
    if (chunked()) {
        writer.chunked();
    } else if (request_.streamed) {
        writer.content_length(*request_.content_length);
    } else if (body_ != nullptr || expects_body(request_.method)) {
        writer.content_length(body_ != nullptr ? body_->size() : 0);
    }
    writer.finish();
}

void ClientCall::attach(ClientConnection& connection) noexcept {
    connection_ = &connection;
    received_ = 0;
}

Result ClientCall::write_bytes(Bytes bytes) {
    if (!request_.streamed || body_ended_ || failure_) return Result::closed;
    if (request_.content_length && bytes.size() > body_left_) return Result::too_large;
    if (connection_ == nullptr) return Result::would_block;
    if (bytes.empty()) return Result::ok;
    const Result result = connection_->write(*this, bytes);
    if (result == Result::ok && request_.content_length) body_left_ -= bytes.size();
    return result;
}

Result ClientCall::end_body(std::span<const Field> trailers) {
    if (!request_.streamed || body_ended_ || failure_) return Result::closed;
    if (connection_ == nullptr) return Result::would_block;
    if (body_left_ != 0 || !std::all_of(trailers.begin(), trailers.end(), is_request_trailer)) {
        give_up(Errc::invalid_request);
        return Result::ok;
    }
    const Result result = connection_->end_body(*this, trailers);
    body_ended_ = result == Result::ok;
    return result;
}

// Receiving.

ResponseHead ClientCall::head_of(const ResponseParser& answer) const noexcept {
    return {.status = answer.status(),
            .minor_version = answer.minor_version(),
            .reason = answer.reason(),
            .headers = answer.headers(),
            .content_length = answer.content_length(),
            .url = url_text_};
}

ClientCall::Course ClientCall::receive_head(const ResponseParser& answer) {
    if (answer.status() == switching_protocols) return Course::refuse;
    if (plan_redirect(answer)) {
        const bool short_enough = answer.content_length().value_or(0) <= max_discarded_bytes;
        return answer.keep_alive() && short_enough ? Course::discard : Course::leave;
    }
    if (failure_) return Course::deliver;
    const ResponseHead head = head_of(answer);
    if (!is_head() && status_has_body(head.status) && head.content_length.value_or(0) > max_body_bytes_) {
        give_up(Errc::too_large);
    } else {
        handler_->on_head(*this, head);
    }
    return Course::deliver;
}

bool ClientCall::receive_body(Bytes bytes) {
    received_ += bytes.size();
    if (redirect_) return received_ <= max_discarded_bytes;
    if (received_ > max_body_bytes_) {
        give_up(Errc::too_large);
    } else {
        handler_->on_body(*this, bytes);
    }
    return true;
}

void ClientCall::pause() noexcept {
    if (paused_) return;
    paused_ = true;
    if (connection_ != nullptr) connection_->update_receiving();
}

void ClientCall::resume() {
    if (!paused_) return;
    paused_ = false;
    if (connection_ != nullptr) connection_->resume();
}

// Redirects (RFC 9110, 15.4).

/// True if the answer leads elsewhere and that is followed. Sets the failure if it should be and cannot.
bool ClientCall::plan_redirect(const ResponseParser& answer) {
    if (max_redirects_ == 0 || !is_redirect(answer.status()) || answer.headers().count("Location") != 1) return false;
    const bool to_get = becomes_get(answer.status());
    Url next;
    if ((request_.streamed && !to_get) || !url_.resolve(*answer.headers().find("Location"), next)) return false;
    if (redirects_ == max_redirects_) {
        give_up(Errc::too_many_redirects);
        return false;
    }
    if (url_.secure && !next.secure && !allow_insecure_redirects_) {
        give_up(Errc::insecure_redirect);
        return false;
    }
    redirect_ = std::move(next);
    redirect_to_get_ = to_get;
    return true;
}

bool ClientCall::becomes_get(unsigned status) const noexcept {
    if (status == 303) return !is_head() && request_.method != "GET";
    return (status == 301 || status == 302) && request_.method == "POST";
}

bool ClientCall::follow_redirect() {
    if (!redirect_) return false;
    if (redirect_to_get_) drop_body();
    if (redirect_->origin() != url_.origin()) drop_fields_of_origin();
    url_ = *std::exchange(redirect_, std::nullopt);
    url_text_ = url_.to_string();
    ++redirects_;
    repetitions_ = 0;
    return true;
}

void ClientCall::drop_body() {
    request_.method = "GET";
    request_.streamed = false;
    request_.content_length.reset();
    body_.reset();
    body_begun_ = false;
    constexpr std::array<std::string_view, 4> fields{"Content-Type", "Content-Encoding", "Content-Language",
                                                     "Content-Location"};
    remove_fields(request_.headers, fields);
}

/// What was meant for one server is no other's business.
void ClientCall::drop_fields_of_origin() {
    constexpr std::array<std::string_view, 4> fields{"Authorization", "Proxy-Authorization", "Cookie", "Host"};
    remove_fields(request_.headers, fields);
}

// The public face.

namespace {

ClientCall& call(ClientExchange& exchange) noexcept {
    return static_cast<ClientCall&>(exchange);
}

}  // namespace

RequestId ClientExchange::id() const noexcept {
    return static_cast<const ClientCall&>(*this).number();
}
Result ClientExchange::write(Bytes bytes) {
    return call(*this).write_bytes(bytes);
}
Result ClientExchange::end(std::span<const Field> trailers) {
    return call(*this).end_body(trailers);
}
void ClientExchange::pause_receiving() {
    call(*this).pause();
}
void ClientExchange::resume_receiving() {
    call(*this).resume();
}
void ClientExchange::cancel() {
    call(*this).give_up(Errc::cancelled);
}

}  // namespace pollux::http
