// A WebSocket client.
#include <pollux/ws/client.h>

#include <algorithm>
#include <array>
#include <utility>

#include "option_checks.h"
#include "proto/http/request_head.h"
#include "ws/client_connection.h"
#include "ws/options.h"

namespace pollux::ws {

namespace {

/// ws and wss are http and https by other names (RFC 6455, 3). Empty if it is neither.
std::string as_http(std::string_view url) {
    const std::size_t end = std::min(url.find(':'), url.size());
    const std::string_view scheme = url.substr(0, end);
    const std::string_view rest = url.substr(end);
    if (http::same_name(scheme, "ws")) return std::string{"http"}.append(rest);
    if (http::same_name(scheme, "wss")) return std::string{"https"}.append(rest);
    return {};
}

Status check_url(const std::string& text, http::Url& url) {
    if (text.find('#') == std::string::npos && http::Url::parse(as_http(text), url)) return {};
    return {make_error_code(Errc::invalid_url), "ws::ClientOptions::url is '" + text + "'"};
}

constexpr std::array<std::string_view, 5> own_fields{"Sec-WebSocket-Key", "Sec-WebSocket-Version",
                                                     "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions",
                                                     "Sec-WebSocket-Accept"};

Status check_headers(const std::vector<http::Header>& headers) {
    for (const http::Header& header : headers) {
        const bool own = std::ranges::any_of(
            own_fields, [&header](std::string_view name) { return http::same_name(name, header.name); });
        if (own || !http::is_request_field({header.name, header.value})) {
            return bad_option("ws::ClientOptions::headers has '" + header.name + "', which cannot be sent");
        }
    }
    return {};
}

Status check_client_options(const ClientOptions& options, http::Url& url) {
    if (Status status = check_url(options.url, url); !status) return status;
    if (Status status = check_headers(options.headers); !status) return status;
    if (options.upgrade_timeout.count() <= 0) return bad_option("ws::ClientOptions::upgrade_timeout is not positive");
    if (Status status = check_protocols(options.protocols); !status) return status;
    return check_options(options.socket);
}

std::string endpoint_of(const ClientOptions& options, const http::Url& url) {
    if (!options.endpoint.empty()) return options.endpoint;
    const bool is_ipv6 = url.host.find(':') != std::string::npos;
    const std::string host = is_ipv6 ? "[" + url.host + "]" : url.host;
    return "tcp://" + host + ":" + std::to_string(url.port);
}

}  // namespace

/// The client beneath: it connects, and connects again.
class ClientBase::Link final : public pollux::ClientBase {
public:
    Link(Engine& engine, ClientOptions options, detail::HandlerFactory<Handler> factory)
        : Link(engine, make_plan(std::move(options), std::move(factory))) {}

    [[nodiscard]] Status begin() { return mistake_ ? start() : mistake_; }

private:
    struct Plan {
        std::shared_ptr<ClientPlan> shared;
        Status mistake;
    };

    Link(Engine& engine, Plan plan)
        : pollux::ClientBase(engine, connection_options(*plan.shared),
                             detail::HandlerFactory<ConnectionHandler>::of<ClientConnection>(
                                 std::shared_ptr<const ClientPlan>{plan.shared}),
                             Success::confirmed),
          mistake_(std::move(plan.mistake)) {}

    static Plan make_plan(ClientOptions options, detail::HandlerFactory<Handler> factory) {
        Plan plan{std::make_shared<ClientPlan>(std::move(options), http::Url{}, std::move(factory)), {}};
        plan.mistake = check_client_options(plan.shared->options, plan.shared->url);
        return plan;
    }

    static pollux::ClientOptions connection_options(const ClientPlan& plan) {
        const ClientOptions& options = plan.options;
        TlsContext tls = options.tls;
        if (plan.url.secure && !tls) tls = TlsContext::client();
        return {.endpoint = endpoint_of(options, plan.url),
                .connection = options.connection,
                .tls = plan.url.secure ? tls : TlsContext{},
                .server_name = plan.url.host,
                .connect_timeout = options.connect_timeout,
                .reconnect = options.reconnect,
                .reactor = options.reactor};
    }

    Status mistake_;
};

ClientBase::ClientBase(Engine& engine, ClientOptions options, detail::HandlerFactory<Handler> factory)
    : link_(std::make_unique<Link>(engine, std::move(options), std::move(factory))) {}

ClientBase::~ClientBase() = default;

Status ClientBase::start() {
    return link_->begin();
}
void ClientBase::stop() {
    link_->stop();
}
void ClientBase::reconnect() {
    link_->reconnect();
}
bool ClientBase::connected() const noexcept {
    return link_->connected();
}
ConnectionId ClientBase::connection_id() const noexcept {
    return link_->connection_id();
}
Engine& ClientBase::engine() const noexcept {
    return link_->engine();
}

Result ClientBase::send(MessageType type, Bytes data) {
    const ConnectionId id = connection_id();
    return id ? ws::send(engine(), id, type, data) : Result::closed;
}
Result ClientBase::ping(Bytes payload) {
    const ConnectionId id = connection_id();
    return id ? ws::ping(engine(), id, payload) : Result::closed;
}
Result ClientBase::close(std::uint16_t code, std::string_view reason) {
    const ConnectionId id = connection_id();
    return id ? ws::close(engine(), id, code, reason) : Result::closed;
}

}  // namespace pollux::ws
