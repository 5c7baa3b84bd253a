// The library's own side of an HTTP client.
#include "http/client_core.h"

#include <string>
#include <utility>

#include "engine_core.h"
#include "option_checks.h"
#include "proto/http/characters.h"

namespace pollux::http {

namespace {

/// Positions in a head are 32 bits.
constexpr std::size_t largest_head_bytes = std::size_t{1} << 30;

std::size_t choose_reactor(Engine& engine, const ClientOptions& options) {
    if (options.reactor && *options.reactor < engine.reactors()) return *options.reactor;
    return engine.core().next_reactor();
}

Status not_positive(const std::string& option) {
    return bad_option("http::ClientOptions::" + option + " is not positive");
}

}  // namespace

Client::Core::Core(Engine& engine, ClientOptions options)
    : options_(std::move(options)),
      reactor_(&engine.core().reactor(choose_reactor(engine, options_))),
      status_(check_options()),
      life_(engine),
      tls_(options_.tls),
      pool_(*this) {}

Status Client::Core::check_options() const {
    if (Status status = check_endpoint(); !status) return status;
    if (options_.tls && options_.tls.is_server()) {
        return bad_option("http::ClientOptions::tls is a server's TlsContext");
    }
    if (options_.tls) {
        if (Status status = options_.tls.status(); !status) return status;
    }
    if (const std::size_t reactors = reactor_->owner().reactors(); options_.reactor.value_or(0) >= reactors) {
        return bad_option("http::ClientOptions::reactor is " + std::to_string(*options_.reactor) + " of " +
                          std::to_string(reactors));
    }
    if (options_.connect_timeout.count() <= 0) return not_positive("connect_timeout");
    if (options_.header_timeout.count() < 0 || options_.timeout.count() < 0 ||
        options_.keep_alive_timeout.count() < 0) {
        return bad_option("http::ClientOptions has a timeout that is negative");
    }
    if (options_.max_connections_per_host == 0) return not_positive("max_connections_per_host");
    if (options_.max_requests == 0) return not_positive("max_requests");
    if (options_.pipeline_depth == 0) return not_positive("pipeline_depth");
    if (options_.max_header_bytes == 0 || options_.max_header_bytes > largest_head_bytes) {
        return bad_option("http::ClientOptions::max_header_bytes is " + std::to_string(options_.max_header_bytes) +
                          ", not from 1 to " + std::to_string(largest_head_bytes));
    }
    if (!is_field_value(options_.user_agent)) {
        return bad_option("http::ClientOptions::user_agent has a control character in it");
    }
    return check_connection_options(options_.connection);
}

Status Client::Core::check_endpoint() const {
    if (options_.endpoint.empty()) return {};
    Endpoint endpoint;
    if (Status status = Endpoint::parse(options_.endpoint, endpoint); !status) return status;
    const bool is_server = endpoint.transport == Transport::tcp && (endpoint.host.empty() || endpoint.port == 0);
    if (endpoint.transport == Transport::udp || is_server) {
        return bad_endpoint("http::ClientOptions::endpoint is " + options_.endpoint + ": nobody can connect to that");
    }
    return {};
}

const TlsContext& Client::Core::tls() {
    std::call_once(tls_made_, [this] {
        if (!tls_) tls_ = TlsContext::client();
    });
    return tls_;
}

// From any thread.

void Client::Core::start() {
    const auto transition = life_.transition();
    life_.begin(1, [] {});
    reactor_->control([self = shared_from_this()] { self->activate(); });
}

void Client::Core::stop() {
    std::uint64_t begins = 0;
    {
        const auto transition = life_.transition();
        begins = life_.begins();
        if (life_.begin_stopping([] {})) {
            reactor_->control([self = shared_from_this()] { self->end(Errc::cancelled); });
        }
    }
    life_.wait_stopped(begins);
}

RequestId Client::Core::submit(ClientRequest request, std::unique_ptr<ClientHandler> handler) {
    Url url;
    std::error_code error = status_.error();
    if (!error) error = ClientCall::check(request, url);
    if (requests_.fetch_add(1, std::memory_order_relaxed) >= options_.max_requests && !error) {
        error = Errc::too_many_requests;
    }
    if (!error && url.secure) static_cast<void>(tls());  // here rather than on the reactor, since it reads files
    const RequestId id{last_id_.fetch_add(1, std::memory_order_relaxed) + 1};
    auto call = std::make_unique<ClientCall>(id, std::move(request), std::move(url), options_, std::move(handler));
    reactor_->control(
        [self = shared_from_this(), call = std::move(call), error]() mutable { self->begin(std::move(call), error); });
    return id;
}

void Client::Core::cancel(RequestId id) {
    access(id, [](ClientExchange& exchange) { exchange.cancel(); });
}

void Client::Core::access(RequestId id, std::function<void(ClientExchange&)> work) {
    reactor_->control([self = shared_from_this(), id, work = std::move(work)] {
        const auto found = self->calls_.find(id.value);
        if (found == self->calls_.end()) return;
        ClientCall& call = *found->second;
        work(call);
        if (call.failure()) self->fail(call, call.failure());
    });
}

ClientCounters Client::Core::counters() const noexcept {
    return {.connections_opened = connections_opened.get(),
            .retries = retries.get(),
            .connections = connections.get(),
            .idle_connections = idle_connections.get(),
            .requests = requests_.load(std::memory_order_relaxed)};
}

// Requests.

void Client::Core::begin(std::unique_ptr<ClientCall> call, std::error_code error) {
    if (!error) error = end_error_;
    if (error) {
        requests_.fetch_sub(1, std::memory_order_relaxed);
        call->fail(error);
        return;
    }
    ClientCall& begun = *call;
    calls_.emplace(begun.number().value, std::move(call));
    if (const auto timeout = begun.timeout(); timeout.count() > 0) {
        begun.deadline.emplace(*reactor_, [this, &begun](Timer&) { fail(begun, Errc::timed_out); });
        begun.deadline->after(timeout);
    }
    pool_.add(begun);
}

void Client::Core::answered(ClientCall& call, const Fields& trailers) {
    if (call.follow_redirect()) {
        pool_.add(call);
    } else {
        take(call)->succeed(trailers);
    }
}

void Client::Core::fail(ClientCall& call, std::error_code error) {
    if (ClientConnection* connection = call.connection()) {
        connection->abandon(call);
    } else {
        pool_.remove(call);
    }
    take(call)->fail(error);
}

std::unique_ptr<ClientCall> Client::Core::take(ClientCall& call) {
    requests_.fetch_sub(1, std::memory_order_relaxed);
    return std::move(calls_.extract(call.number().value).mapped());
}

// Active and inactive.

void Client::Core::activate() {
    keep_alive_ = shared_from_this();
    reactor_->add(*this);
    if (reactor_->stopping()) end(Errc::stopped);
}

void Client::Core::end(std::error_code error) {
    if (end_error_) return;
    const std::shared_ptr<Core> self = shared_from_this();
    end_error_ = error;
    pool_.close_all();
    while (!calls_.empty()) take(*calls_.begin()->second)->fail(error);
    end_if_done();
}

void Client::Core::connection_gone() {
    connections.subtract(1);
    end_if_done();
}

void Client::Core::end_if_done() {
    if (keep_alive_ == nullptr || !end_error_ || !calls_.empty() || connections.get() != 0) return;
    reactor_->remove(*this);
    const auto last_reference = std::move(keep_alive_);
    life_.end_part([] {});
}

}  // namespace pollux::http
