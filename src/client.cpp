// Clients.
#include <pollux/client.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "client_core.h"
#include "option_checks.h"
#include "platform/sockets.h"
#include "stream_connection.h"
#include "to_inet.h"

namespace pollux {

namespace {

/// How soon an address is tried again whose backlog is full.
constexpr std::chrono::milliseconds busy_retry_delay{1};

std::size_t choose_reactor(Engine& engine, const ClientOptions& options) {
    if (options.reactor && *options.reactor < engine.reactors()) return *options.reactor;
    return engine.core().next_reactor();
}

}  // namespace

ClientBase::Core::Core(Engine& engine, ClientOptions options, detail::HandlerFactory<ConnectionHandler> factory,
                       Success success)
    : ConnectionOwner(options_.connection, Transport::tcp, nullptr),
      engine_(&engine),
      options_(std::move(options)),
      factory_(std::move(factory)),
      reactor_(&engine.core().reactor(choose_reactor(engine, options_))),
      life_(engine),
      awaits_confirmation_(success == Success::confirmed),
      timer_(*this),
      random_(std::random_device{}()) {
    options_.connection = with_client_defaults(options_.connection);
}

Status ClientBase::Core::check_options(Endpoint& endpoint) const {
    if (const Status status = Endpoint::parse(options_.endpoint, endpoint); !status) return status;
    if (endpoint.transport == Transport::udp) {
        return bad_endpoint("ClientOptions::endpoint is " + options_.endpoint + ": UDP has no connections, see Udp");
    }
    if (endpoint.transport == Transport::tcp && endpoint.port == 0) {
        return bad_option("ClientOptions::endpoint is " + options_.endpoint + ": nobody listens on port 0");
    }
    if (endpoint.transport == Transport::tcp && endpoint.host.empty()) {
        return bad_option("ClientOptions::endpoint is " + options_.endpoint + ": * is for servers");
    }
    if (options_.reactor && *options_.reactor >= engine_->reactors()) {
        return bad_option("ClientOptions::reactor is " + std::to_string(*options_.reactor) + " of " +
                          std::to_string(engine_->reactors()));
    }
    if (options_.connect_timeout.count() <= 0) return bad_option("ClientOptions::connect_timeout is not positive");
    const Reconnect& reconnect = options_.reconnect;
    if (reconnect.delay.count() < 0 || reconnect.max_delay < reconnect.delay || !(reconnect.growth >= 1.0) ||
        !(reconnect.jitter >= 0.0 && reconnect.jitter <= 1.0)) {
        return bad_option(
            "ClientOptions::reconnect has delay < 0, max_delay < delay, growth < 1, or jitter not in 0 to 1");
    }
    if (Status status = check_tls(endpoint); !status) return status;
    return check_connection_options(options_.connection);
}

Status ClientBase::Core::check_tls(const Endpoint& endpoint) const {
    const TlsContext& tls = options_.tls;
    if (!tls) return {};
    if (tls.is_server()) return bad_option("ClientOptions::tls is a server's TlsContext");
    if (Status status = tls.status(); !status) return status;
    if (endpoint.host.empty() && options_.server_name.empty() && tls.core()->verification() == TlsVerification::full) {
        return bad_option("ClientOptions::server_name is empty: " + options_.endpoint +
                          " has no name that the server's certificate could be verified against");
    }
    return {};
}

// From any thread.

Status ClientBase::Core::start() {
    Endpoint endpoint;
    if (const Status status = check_options(endpoint); !status) return status;
    const auto transition = life_.transition();
    if (const Status status = life_.check_startable("the client of " + options_.endpoint); !status) return status;
    life_.begin(1, [&] { endpoint_ = std::move(endpoint); });
    reactor_->control([self = shared_from_this()] { self->begin(); });
    return {};
}

void ClientBase::Core::stop(bool abort) {
    std::uint64_t begins = 0;
    {
        const auto transition = life_.transition();
        begins = life_.begins();
        if (life_.begin_stopping([] {})) {
            id_.store(0, std::memory_order_release);
            reactor_->control([self = shared_from_this(), abort] {
                self->end(abort, abort ? CloseReason::aborted : CloseReason::local_close);
            });
        }
    }
    life_.wait_stopped(begins);
}

void ClientBase::Core::reconnect() {
    id_.store(0, std::memory_order_release);  // what is sent from now on is not for the connection that ends
    reactor_->control([self = shared_from_this()] {
        if (self->connection_ != nullptr) self->connection_->close();
    });
}

// Active and inactive.

void ClientBase::Core::begin() {
    keep_alive_ = shared_from_this();
    ending_ = false;
    failed_attempts_ = 0;
    set_transport(endpoint_.transport);
    set_secure(static_cast<bool>(options_.tls));
    server_name_.name = options_.server_name.empty() ? endpoint_.host : options_.server_name;
    SocketAddress numeric;
    server_name_.is_address = platform::parse_numeric(server_name_.name, 0, numeric);
    server_name_.cache = server_name_.name + ' ' + options_.endpoint;
    reactor_->add(*this);
    if (reactor_->stopping()) {
        end(true, CloseReason::shutdown);
        return;
    }
    handler_memory_ = reactor_->slab_for(factory_.size).allocate();
    handler_ = factory_.construct(handler_memory_);
    attempt();
}

void ClientBase::Core::end(bool abort, CloseReason reason) {
    if (keep_alive_ == nullptr) return;
    ending_ = true;
    ++question_;
    reactor_->timers().cancel(timer_);
    if (connection_ != nullptr) {
        if (abort) {
            connection_->abort_with(reason);
        } else {
            connection_->close_gracefully(reason);
        }
    }
    end_if_done();
}

void ClientBase::Core::end_if_done() {
    if (keep_alive_ == nullptr || !ending_ || connection_ != nullptr || unreleased_ != 0) return;
    destroy_handler();
    reactor_->remove(*this);
    const auto last_reference = std::move(keep_alive_);
    life_.end_part([] {});
}

void ClientBase::Core::destroy_handler() noexcept {
    if (handler_ == nullptr) return;
    std::exchange(handler_, nullptr)->~ConnectionHandler();
    reactor_->slab_for(factory_.size).release(std::exchange(handler_memory_, nullptr));
}

// Connecting.

void ClientBase::Core::attempt() {
    addresses_.clear();
    next_address_ = 0;
    if (endpoint_.transport == Transport::unix_domain) {
        SocketAddress address;
        address.family = SocketAddress::Family::unix_domain;
        address.path = endpoint_.path;
        addresses_.push_back(std::move(address));
        try_address();
        return;
    }
    SocketAddress address;
    if (platform::parse_numeric(endpoint_.host, endpoint_.port, address)) {
        addresses_.push_back(std::move(address));
        try_address();
        return;
    }
    engine_->core().resolver().resolve(
        endpoint_.host, endpoint_.port,
        [self = shared_from_this(), question = ++question_](std::error_code error,
                                                            std::vector<SocketAddress> addresses) {
            self->reactor_->control([self, question, error, addresses = std::move(addresses)]() mutable {
                self->resolved(question, error, std::move(addresses));
            });
        });
}

void ClientBase::Core::resolved(std::uint64_t question, std::error_code error, std::vector<SocketAddress> addresses) {
    if (question != question_ || ending_ || keep_alive_ == nullptr) return;
    if (error) {
        attempt_failed(error);
        return;
    }
    addresses_ = std::move(addresses);
    try_address();
}

void ClientBase::Core::try_address() {
    if (!address_busy_) address_deadline_ = platform::Poller::now() + options_.connect_timeout;
    address_busy_ = false;
    Slab& slab = reactor_->slab_for(sizeof(StreamConnection));
    connection_ = ::new (slab.allocate()) StreamConnection(*reactor_, *this, *handler_);
    connection_->start_connecting(addresses_[next_address_], address_deadline_);
}

void ClientBase::Core::on_connected(StreamConnection& connection) {
    if (connection.establish(to_inet(addresses_[next_address_]))) connection.begin();
}

SslPointer ClientBase::Core::make_tls() {
    return options_.tls.core()->connect(server_name_);
}

void ClientBase::Core::on_established(StreamConnection& connection) {
    confirmed_ = false;
    if (!awaits_confirmation_) on_confirmed(connection);
}

void ClientBase::Core::on_confirmed(StreamConnection& connection) {
    confirmed_ = true;
    failed_attempts_ = 0;
    id_.store(connection.identity().value, std::memory_order_release);
}

void ClientBase::Core::on_finished(StreamConnection& connection) {
    id_.store(0, std::memory_order_release);
    connection_ = nullptr;
    ++unreleased_;
    if (ending_) return;  // `on_released` comes and ends it
    if (!connection.was_opened() || !confirmed_) {
        const std::error_code error = connection.close_error();
        address_failed(error ? error : make_error_code(Errc::closed_by_peer));
    } else if (options_.reconnect.enabled) {
        schedule(reconnect_delay());
    }
}

void ClientBase::Core::on_released(StreamConnection& connection) {
    connection.~StreamConnection();
    reactor_->slab_for(sizeof(StreamConnection)).release(&connection);
    --unreleased_;
    end_if_done();
}

void ClientBase::Core::address_failed(std::error_code error) {
    const bool busy = error == std::errc::resource_unavailable_try_again;
    if (busy && platform::Poller::now() < address_deadline_) {
        address_busy_ = true;
        schedule(busy_retry_delay);
        return;
    }
    if (++next_address_ < addresses_.size()) {
        try_address();
    } else {
        attempt_failed(busy ? make_error_code(Errc::timed_out) : error);
    }
}

bool ClientBase::Core::may_retry() const noexcept {
    const Reconnect& reconnect = options_.reconnect;
    return reconnect.enabled && (reconnect.max_attempts == 0 || failed_attempts_ < reconnect.max_attempts);
}

void ClientBase::Core::attempt_failed(std::error_code error) {
    ++failed_attempts_;
    const bool will_retry = may_retry();
    handler_->on_connect_error(error, failed_attempts_, will_retry);
    // The handler may have stopped the client, but that happens in the loop; a timer that is armed now is cancelled
    // then.
    if (will_retry && !ending_) schedule(reconnect_delay());
}

/// The delay before the next attempt: the first after a lost connection waits as the one after a failed attempt does.
std::chrono::milliseconds ClientBase::Core::reconnect_delay() {
    const Reconnect& reconnect = options_.reconnect;
    const double exponent = failed_attempts_ == 0 ? 0.0 : failed_attempts_ - 1.0;
    const double grown = static_cast<double>(reconnect.delay.count()) * std::pow(reconnect.growth, exponent);
    const double bounded = std::min(grown, static_cast<double>(reconnect.max_delay.count()));
    std::uniform_real_distribution<double> change{1.0 - reconnect.jitter, 1.0 + reconnect.jitter};
    return std::chrono::milliseconds{static_cast<std::int64_t>(bounded * change(random_))};
}

void ClientBase::Core::schedule(std::chrono::milliseconds delay) {
    reactor_->timers().arm(timer_, platform::Poller::now() + delay);
}

void ClientBase::Core::on_member_timer() {
    if (ending_) return;
    if (address_busy_) {
        try_address();
    } else {
        attempt();
    }
}

// The public face.

ClientBase::ClientBase(Engine& engine, ClientOptions options, detail::HandlerFactory<ConnectionHandler> factory,
                       Success success)
    : core_(std::make_shared<Core>(engine, std::move(options), std::move(factory), success)) {}

ClientBase::~ClientBase() {
    core_->stop(true);
}

Status ClientBase::start() {
    return core_->start();
}
void ClientBase::stop() {
    core_->stop(false);
}
void ClientBase::reconnect() {
    core_->reconnect();
}
bool ClientBase::connected() const noexcept {
    return static_cast<bool>(core_->connection_id());
}
ConnectionId ClientBase::connection_id() const noexcept {
    return core_->connection_id();
}
Engine& ClientBase::engine() const noexcept {
    return core_->engine();
}

Result ClientBase::send(Bytes bytes) {
    const ConnectionId id = core_->connection_id();
    return id ? core_->engine().send(id, bytes) : Result::closed;
}

}  // namespace pollux
