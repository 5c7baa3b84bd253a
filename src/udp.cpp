// UDP: from the options to sockets on reactors.
#include <pollux/udp.h>

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "bind_address.h"
#include "multicast.h"
#include "option_checks.h"
#include "platform/datagram_sockets.h"
#include "to_inet.h"
#include "udp_core.h"

namespace pollux {

namespace {

constexpr std::size_t largest_payload_field = 65'535;

Status parse_udp_endpoint(const std::string& text, const char* option, Endpoint& out) {
    if (Status status = Endpoint::parse(text, out); !status) return status;
    if (out.transport != Transport::udp) return bad_endpoint(std::string(option) + " is " + text + ", not udp://…");
    return {};
}

/// Waited for until all have come. Not std::latch: GCC 12's may miss its last one where the system has no futex.
class Countdown {
public:
    explicit Countdown(std::size_t count) noexcept : left_(count) {}

    void count_down() {
        const std::lock_guard lock{mutex_};
        if (--left_ == 0) all_came_.notify_all();
    }

    void wait() {
        std::unique_lock lock{mutex_};
        all_came_.wait(lock, [this] { return left_ == 0; });
    }

private:
    std::mutex mutex_;
    std::condition_variable all_came_;
    std::size_t left_;
};

/// Where sockets live: on a given reactor; on the next in turn if there is one peer, or if the system would not spread
/// datagrams over several; else on all.
std::vector<std::size_t> choose_reactors(Engine& engine, const UdpOptions& options) {
    std::vector<std::size_t> chosen;
    if (options.reactor) {
        if (*options.reactor < engine.reactors()) chosen.push_back(*options.reactor);
    } else if (!options.connect.empty() || !platform::Poller::spreads_datagrams()) {
        chosen.push_back(engine.core().next_reactor());
    } else {
        for (std::size_t i = 0; i < engine.reactors(); ++i) chosen.push_back(i);
    }
    return chosen;
}

}  // namespace

/// What the sockets of a start are made from, and they themselves.
struct UdpBase::Core::Plan {
    Plan() = default;
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;
    ~Plan() {
        for (const platform::NativeHandle handle : handles) platform::close_handle(handle);
    }

    Endpoint bind_endpoint;
    InetAddress local;  // none: not bound by us
    InetAddress peer;   // none: not connected
    unsigned interface_index = 0;
    std::vector<platform::Membership> groups;
    bool share_port = false;
    std::vector<platform::NativeHandle> handles;  // one for each shard
};

UdpBase::Core::Core(Engine& engine, UdpOptions options, detail::HandlerFactory<DatagramHandler> factory)
    : engine_(&engine), options_(std::move(options)), factory_(std::move(factory)), life_(engine) {
    for (const std::size_t reactor : choose_reactors(engine, options_)) {
        shards_.push_back(std::make_unique<UdpShard>(*this, engine.core().reactor(reactor)));
    }
}

// Starting.

Status UdpBase::Core::check_options() const {
    const auto number = [](auto value) { return std::to_string(value); };
    if (options_.bind.empty() && options_.connect.empty()) {
        return bad_option("UdpOptions::bind and UdpOptions::connect are empty");
    }
    if (options_.reactor && *options_.reactor >= engine_->reactors()) {
        return bad_option("UdpOptions::reactor is " + number(*options_.reactor) + " of " + number(engine_->reactors()));
    }
    if (options_.hops && (*options_.hops < 1 || *options_.hops > 255)) {
        return bad_option("UdpOptions::hops is " + number(*options_.hops) + ", not 1 to 255");
    }
    if (options_.multicast.hops > 255) {
        return bad_option("MulticastOptions::hops is " + number(options_.multicast.hops) + ", not 0 to 255");
    }
    if (options_.max_datagram_bytes < 1 || options_.max_datagram_bytes > largest_payload_field) {
        return bad_option("UdpOptions::max_datagram_bytes is " + number(options_.max_datagram_bytes) +
                          ", not 1 to 65535");
    }
    if (options_.close_timeout.count() <= 0)
        return bad_option("UdpOptions::close_timeout is " + number(options_.close_timeout.count()) +
                          " ms, not positive");
    return check_watermarks("UdpOptions", options_.high_watermark_bytes, options_.low_watermark_bytes,
                            options_.max_pending_bytes);
}

Status UdpBase::Core::make_plan(Plan& plan, const InetAddress* fixed) const {
    if (!options_.bind.empty()) {
        if (Status status = parse_udp_endpoint(options_.bind, "UdpOptions::bind", plan.bind_endpoint); !status)
            return status;
        SocketAddress address;
        if (Status status = find_bind_address(plan.bind_endpoint, address); !status) return status;
        plan.local = fixed != nullptr ? *fixed : to_inet(address);
    }
    if (!options_.connect.empty()) {
        Endpoint endpoint;
        if (Status status = parse_udp_endpoint(options_.connect, "UdpOptions::connect", endpoint); !status)
            return status;
        if (endpoint.host.empty() || endpoint.port == 0) {
            return bad_option("UdpOptions::connect is " + options_.connect + ": a peer has an address and a port");
        }
        SocketAddress address;
        if (Status status = find_bind_address(endpoint, address); !status) return status;
        plan.peer = to_inet(address);
    }
    const std::string& interface_name = options_.multicast.interface_name;
    if (!interface_name.empty()) {
        plan.interface_index = platform::find_interface(interface_name);
        if (plan.interface_index == 0) {
            return bad_option("MulticastOptions::interface_name is \"" + interface_name +
                              "\", which this machine does not have");
        }
    }
    for (const MulticastGroup& group : options_.multicast.groups) {
        if (Status status = parse_membership(group, plan.groups.emplace_back()); !status) return status;
    }
    plan.share_port = options_.reuse_port || shards_.size() > 1;
    return {};
}

/// Sockets that share a port would share it with those of another program as well, and nobody would notice.
Status UdpBase::Core::check_bind_free(const Plan& plan) const {
    if (!plan.share_port || options_.reuse_port || options_.reuse_address || plan.local.port == 0) return {};
    platform::NativeHandle handle = platform::invalid_handle;
    std::error_code error =
        platform::open_datagram_socket(plan.local.family, options_, plan.interface_index, false, handle);
    if (!error) error = platform::bind_datagram_socket(handle, plan.local);
    platform::close_handle(handle);
    return error ? Status{error, "cannot bind " + options_.bind} : Status{};
}

Status UdpBase::Core::open_socket(const Plan& plan, platform::NativeHandle& out) const {
    const auto family = plan.local ? plan.local.family : plan.peer.family;
    const std::string what = options_.bind.empty() ? options_.connect : options_.bind;
    if (const auto error =
            platform::open_datagram_socket(family, options_, plan.interface_index, plan.share_port, out)) {
        return {error, "cannot make a socket with the options for " + what};
    }
    if (plan.local) {
        if (const auto error = platform::bind_datagram_socket(out, plan.local)) {
            return {error, "cannot bind " + options_.bind};
        }
    }
    if (plan.peer) {
        if (const auto error = platform::connect_datagram_socket(out, plan.peer)) {
            return {error, "cannot connect to " + options_.connect};
        }
    }
    return {};
}

Status UdpBase::Core::join_groups(const Plan& plan, platform::NativeHandle handle) const {
    for (std::size_t i = 0; i < plan.groups.size(); ++i) {
        if (const auto error = platform::set_membership(handle, plan.groups[i], true)) {
            return {error, "cannot join the group " + to_string(options_.multicast.groups[i])};
        }
    }
    return {};
}

Status UdpBase::Core::open_sockets(Plan& plan) const {
    if (Status status = check_bind_free(plan); !status) return status;
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        platform::NativeHandle handle = platform::invalid_handle;
        Status status = open_socket(plan, handle);
        if (handle != platform::invalid_handle) plan.handles.push_back(handle);
        if (!status) return status;
        if (plan.local && plan.local.port == 0) plan.local.port = platform::local_address(handle).port;
    }
    return join_groups(plan, plan.handles.front());
}

Status UdpBase::Core::start() {
    return start_at(nullptr);
}

Status UdpBase::Core::start_at(const InetAddress* fixed) {
    if (Status status = check_options(); !status) return status;
    const std::string what = "UDP on " + (options_.bind.empty() ? options_.connect : options_.bind);
    auto transition = life_.transition();
    if (Status status = life_.check_startable(what); !status) return status;
    const auto plan = std::make_unique<Plan>();
    if (Status status = make_plan(*plan, fixed); !status) return status;
    Status status = open_sockets(*plan);
    SocketAddress local{plan->local.family, plan->local.port, 0, {}, {}};
    if (!status && plan->handles.empty() && fall_back_to_ipv4(plan->bind_endpoint, status.error(), local)) {
        plan->local = to_inet(local);
        status = open_sockets(*plan);
    }
    if (!status) return status;
    life_.begin(shards_.size(), [&] { address_ = to_inet(platform::local_address(plan->handles.front())); });
    const std::vector<platform::NativeHandle> handles = std::exchange(plan->handles, {});
    const auto opened = std::make_shared<Countdown>(shards_.size());
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        // Never at once: a handler is told that its socket is open, from the loop.
        shards_[i]->home().control([self = shared_from_this(), i, handle = handles[i], peer = plan->peer, opened] {
            self->shards_[i]->begin(handle, peer);
            opened->count_down();
        });
    }
    transition.unlock();
    // Control tasks are always run, so whoever starts on an application thread may send as soon as this returns.
    if (engine_->running() && !engine_->core().on_reactor_thread()) opened->wait();
    return {};
}

Status UdpBase::Core::restart() {
    if (engine_->core().on_reactor_thread()) {
        return {make_error_code(Errc::wrong_thread), "cannot restart UDP on " + options_.bind + options_.connect};
    }
    const InetAddress former = address();
    stop(false);
    return former && !options_.bind.empty() ? start_at(&former) : start();
}

// Stopping.

void UdpBase::Core::stop(bool abort) {
    std::uint64_t begins = 0;
    {
        const auto transition = life_.transition();
        begins = life_.begins();
        if (life_.begin_stopping([] {})) {
            for (const auto& shard : shards_) end_shard(*shard, abort);
        }
    }
    life_.wait_stopped(begins);
}

void UdpBase::Core::end_shard(UdpShard& shard, bool abort) {
    const auto end = [self = shared_from_this(), &shard, abort] {
        if (abort) {
            shard.abort_with(CloseReason::shutdown);
        } else {
            shard.close_gracefully(CloseReason::shutdown);
        }
    };
    // At once from its own handler: it hears nothing more. One that has not begun yet sees that it must not.
    if (shard.home().is_current()) {
        end();
    } else {
        shard.home().control(end);
    }
}

// In use.

InetAddress UdpBase::Core::address() const {
    const auto lock = life_.lock();
    return address_;
}

Result UdpBase::Core::send(const InetAddress& to, Bytes bytes) {
    if (!to && options_.connect.empty()) return Result::wrong_peer;
    for (const auto& shard : shards_) {
        if (shard->home().is_current() && shard->identity()) return shard->send_bytes(to, bytes);
    }
    for (const auto& shard : shards_) {
        const UdpSocketId id = shard->identity();
        if (id) return to ? engine_->send_to(id, to, bytes) : engine_->send(id, bytes);
    }
    return Result::closed;
}

UdpSocketId UdpBase::Core::socket_id(std::size_t reactor) const noexcept {
    for (const auto& shard : shards_) {
        if (shard->home().position() == reactor) return shard->identity();
    }
    return {};
}

UdpCounters UdpBase::Core::counters() const noexcept {
    UdpCounters total;
    for (const auto& shard : shards_) {
        const UdpCounters counters = shard->counters().read();
        total.datagrams_received += counters.datagrams_received;
        total.bytes_received += counters.bytes_received;
        total.datagrams_sent += counters.datagrams_sent;
        total.bytes_sent += counters.bytes_sent;
        total.datagrams_refused += counters.datagrams_refused;
        total.datagrams_truncated += counters.datagrams_truncated;
        total.datagrams_overflowed += counters.datagrams_overflowed;
        total.errors += counters.errors;
        total.bytes_pending += counters.bytes_pending;
    }
    return total;
}

// The public face.

UdpBase::UdpBase(Engine& engine, UdpOptions options, detail::HandlerFactory<DatagramHandler> factory)
    : core_(std::make_shared<Core>(engine, std::move(options), std::move(factory))) {
    engine.core().add_startable(*core_);
}

UdpBase::~UdpBase() {
    core_->engine().core().remove_startable(*core_);
    core_->stop(true);
}

Status UdpBase::start() {
    return core_->start();
}
void UdpBase::stop() {
    core_->stop(false);
}
Status UdpBase::restart() {
    return core_->restart();
}
bool UdpBase::running() const noexcept {
    return core_->running();
}
InetAddress UdpBase::address() const {
    return core_->address();
}
Result UdpBase::send(Bytes bytes) {
    return core_->send({}, bytes);
}
Result UdpBase::send_to(const InetAddress& to, Bytes bytes) {
    return to ? core_->send(to, bytes) : Result::wrong_peer;
}
UdpSocketId UdpBase::socket_id(std::size_t reactor) const noexcept {
    return core_->socket_id(reactor);
}
UdpCounters UdpBase::counters() const noexcept {
    return core_->counters();
}
Engine& UdpBase::engine() const noexcept {
    return core_->engine();
}

}  // namespace pollux
