// Servers.
#include <pollux/server.h>

#include <algorithm>
#include <string>
#include <utility>

#include "bind_address.h"
#include "option_checks.h"
#include "platform/sockets.h"
#include "server_core.h"

namespace pollux {

ServerBase::Core::Core(Engine& engine, ServerOptions options, detail::HandlerFactory<ConnectionHandler> factory,
                       Status mistake)
    : engine_(&engine),
      options_(std::move(options)),
      factory_(std::move(factory)),
      mistake_(std::move(mistake)),
      number_(engine.core().next_server_number()),
      life_(engine) {
    options_.connection = with_server_defaults(options_.connection);
    for (std::size_t i = 0; i < engine.reactors(); ++i) {
        shards_.push_back(std::make_unique<ServerShard>(*this, engine.core().reactor(i)));
    }
}

// Starting.

Status ServerBase::Core::check_options() const {
    if (!mistake_) return mistake_;
    if (options_.backlog < 1) return bad_option("ServerOptions::backlog is " + std::to_string(options_.backlog));
    if (options_.max_connections == 0) return bad_option("ServerOptions::max_connections is 0");
    if (options_.tls) {
        if (!options_.tls.is_server()) return bad_option("ServerOptions::tls is a client's TlsContext");
        if (Status status = options_.tls.status(); !status) return status;
    }
    return check_connection_options(options_.connection);
}

/// One listening socket for each reactor where the system spreads connections, else one for the first.
Status ServerBase::Core::listen(const SocketAddress& address, const Endpoint& endpoint,
                                std::vector<platform::NativeHandle>& out) const {
    const bool spreads = shards_.size() > 1 && platform::Poller::spreads_listeners(endpoint.transport);
    platform::ListenOptions options{options_.backlog, options_.reuse_address, options_.reuse_port || spreads,
                                    options_.ipv6_only, options_.connection};
    std::error_code error;
    // Sockets that share a port would share it with another of our servers as well, and nobody would notice.
    if (spreads && !options_.reuse_port && address.port != 0) error = platform::check_address_free(address, options);
    SocketAddress bound = address;
    for (std::size_t i = 0; !error && i < (spreads ? shards_.size() : 1); ++i) {
        platform::NativeHandle handle = platform::invalid_handle;
        error = platform::listen(bound, options, handle);
        if (error) break;
        out.push_back(handle);
        if (bound.port == 0) bound = platform::local_address(handle);
    }
    if (!error) return {};
    for (const platform::NativeHandle handle : out) platform::close_handle(handle);
    out.clear();
    return {error, "cannot listen on " + endpoint.to_string()};
}

Status ServerBase::Core::start() {
    return start_at(nullptr);
}

Status ServerBase::Core::start_at(const SocketAddress* fixed) {
    if (const Status status = check_options(); !status) return status;
    Endpoint endpoint;
    if (const Status status = Endpoint::parse(options_.endpoint, endpoint); !status) return status;
    if (endpoint.transport == Transport::udp) {
        return bad_endpoint("ServerOptions::endpoint is " + options_.endpoint + ": UDP has no connections, see Udp");
    }
    SocketAddress address;
    if (fixed != nullptr) {
        address = *fixed;
    } else if (const Status status = find_bind_address(endpoint, address); !status) {
        return status;
    }

    const auto transition = life_.transition();
    if (const Status status = life_.check_startable("the server on " + endpoint.to_string()); !status) return status;
    std::vector<platform::NativeHandle> listeners;
    Status status = listen(address, endpoint, listeners);
    if (!status && fall_back_to_ipv4(endpoint, status.error(), address)) status = listen(address, endpoint, listeners);
    if (!status) return status;

    life_.begin(shards_.size(), [&] {
        address_ = platform::local_address(listeners.front());
        socket_file_ = platform::SocketFile{address_};
        deals_ = listeners.size() < shards_.size();
        started_at_ = platform::Poller::now();
    });
    // Those without a listener first: whoever accepts deals to them.
    for (std::size_t i = shards_.size(); i-- > 0;) {
        const platform::NativeHandle listener = i < listeners.size() ? listeners[i] : platform::invalid_handle;
        run_on(*shards_[i], [shard = shards_[i].get(), listener, transport = endpoint.transport] {
            shard->begin(listener, transport);
        });
    }
    return {};
}

Status ServerBase::Core::restart() {
    if (engine_->core().on_reactor_thread()) {
        return {make_error_code(Errc::wrong_thread), "cannot restart the server on " + options_.endpoint};
    }
    const SocketAddress former = address();
    stop(false);
    return former.family == SocketAddress::Family::none ? start() : start_at(&former);
}

// Stopping.

void ServerBase::Core::run_on(ServerShard& shard, Task&& task) {
    ReactorCore& reactor = shard.reactor();
    if (reactor.is_current()) {
        task();
    } else {
        reactor.control([self = shared_from_this(), task = std::move(task)]() mutable { task(); });
    }
}

void ServerBase::Core::ask_shards(void (ServerShard::*function)(bool), bool abort) {
    const auto self = shared_from_this();  // the last shard to end may be the last that keeps this alive
    for (const auto& shard : shards_) {
        run_on(*shard, [shard = shard.get(), function, abort] { (shard->*function)(abort); });
    }
}

void ServerBase::Core::stop(bool abort) {
    std::uint64_t begins = 0;
    {
        const auto transition = life_.transition();
        begins = life_.begins();
        if (life_.begin_stopping([this] { socket_file_.remove(); })) ask_shards(&ServerShard::stop, abort);
    }
    life_.wait_stopped(begins);
}

void ServerBase::Core::shard_ended() {
    life_.end_part([this] {
        socket_file_.remove();  // the engine stopped, not the server
        address_ = {};
    });
}

void ServerBase::Core::abandon() {
    if (!engine_->core().on_reactor_thread()) {
        stop(true);
        handle_ = nullptr;
    } else {
        handle_ = nullptr;
        stop(true);
    }
}

// In use.

bool ServerBase::Core::admit() noexcept {
    if (open_connections_.fetch_add(1, std::memory_order_relaxed) < options_.max_connections) return true;
    leave();
    return false;
}

SocketAddress ServerBase::Core::address() const {
    const auto lock = life_.lock();
    return address_;
}

Result ServerBase::Core::broadcast_on(Reactor& reactor, Bytes bytes) {
    auto& core = static_cast<ReactorCore&>(reactor);
    if (&core.owner() != engine_ || ReactorCore::on_this_thread() != &core) return Result::closed;
    return shards_[core.position()]->broadcast(bytes);
}

Result ServerBase::Core::broadcast(Bytes bytes) {
    if (!running()) return Result::closed;
    if (bytes.size() > options_.connection.max_pending_bytes) return Result::too_large;
    // All or nobody: first every reactor is asked whether there is room, and only this thread can use the room up.
    for (const auto& shard : shards_) {
        ReactorCore& reactor = shard->reactor();
        if (shard->congested()) return Result::would_block;
        if (reactor.is_current() || reactor.ended()) continue;
        const Result room = reactor.can_mail(bytes.size());
        if (room == Result::would_block || room == Result::too_large) return room;
    }
    for (const auto& shard : shards_) {
        if (shard->reactor().is_current()) {
            shard->broadcast_promised(bytes);
        } else {
            shard->reactor().mail(MailKind::broadcast, number_, bytes.size(),
                                  [bytes](std::byte* payload) { std::copy(bytes.begin(), bytes.end(), payload); });
        }
    }
    return Result::ok;
}

void ServerBase::Core::close_all(bool abort) {
    ask_shards(&ServerShard::close_all, abort);
}

ServerCounters ServerBase::Core::counters() const {
    ServerCounters total;
    for (const auto& shard : shards_) {
        const OwnerCounters& counters = shard->counters();
        total.accepted += shard->accepted();
        total.refused += shard->refused();
        total.handshakes_failed += shard->handshakes_failed();
        total.bytes_received += counters.bytes_received.get();
        total.bytes_sent += counters.bytes_sent.get();
        total.messages_received += counters.messages_received.get();
        total.messages_sent += counters.messages_sent.get();
        total.bytes_pending += static_cast<std::size_t>(counters.bytes_pending.get());
    }
    total.connections = connections();
    const auto lock = life_.lock();
    if (running()) total.uptime = platform::Poller::now() - started_at_;
    return total;
}

// The public face.

ServerBase::ServerBase(Engine& engine, ServerOptions options, detail::HandlerFactory<ConnectionHandler> factory,
                       Status mistake)
    : core_(std::make_shared<Core>(engine, std::move(options), std::move(factory), std::move(mistake))) {
    core_->attach(*this);
    engine.core().add_startable(*core_);
}

ServerBase::~ServerBase() {
    core_->engine().core().remove_startable(*core_);
    core_->abandon();
}

Status ServerBase::start() {
    return core_->start();
}
void ServerBase::stop() {
    core_->stop(false);
}
Status ServerBase::restart() {
    return core_->restart();
}
bool ServerBase::running() const noexcept {
    return core_->running();
}
SocketAddress ServerBase::address() const {
    return core_->address();
}
Result ServerBase::broadcast(Bytes bytes) {
    return core_->broadcast(bytes);
}
Result ServerBase::broadcast_on(Reactor& reactor, Bytes bytes) {
    return core_->broadcast_on(reactor, bytes);
}
void ServerBase::close_all() {
    core_->close_all(false);
}
void ServerBase::abort_all() {
    core_->close_all(true);
}
ServerCounters ServerBase::counters() const {
    return core_->counters();
}
std::size_t ServerBase::connections() const noexcept {
    return core_->connections();
}
Engine& ServerBase::engine() const noexcept {
    return core_->engine();
}

}  // namespace pollux
