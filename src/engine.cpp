// The engine.
#include <pollux/engine.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "engine_core.h"
#include "option_checks.h"
#include "platform/threads.h"
#include "stream_connection.h"
#include "udp_shard.h"

namespace pollux {

namespace {

constexpr std::size_t max_reactors = std::size_t{1} << ConnectionTable::reactor_bits;
constexpr std::size_t smallest_receive_buffer = 1024;
constexpr std::size_t largest_receive_buffer = std::size_t{1} << 30;
constexpr std::size_t smallest_mailbox = 4096;
constexpr std::size_t largest_mailbox = std::size_t{1} << 31;

std::size_t count_reactors(const EngineOptions& options) {
    const std::size_t wanted = options.reactors != 0 ? options.reactors : platform::available_cores().size();
    return std::clamp<std::size_t>(wanted, 1, max_reactors);
}

}  // namespace

Engine::Core::Core(Engine& engine, EngineOptions options) : options_(std::move(options)) {
    open_status_ = check_options();
    options_.receive_buffer_bytes =
        std::clamp(options_.receive_buffer_bytes, smallest_receive_buffer, largest_receive_buffer);
    options_.mailbox_bytes = std::clamp(options_.mailbox_bytes, smallest_mailbox, largest_mailbox);
    if (options_.cores.empty()) options_.cores = platform::available_cores();
    const std::size_t count = count_reactors(options_);
    for (std::size_t i = 0; i < count; ++i) {
        reactors_.push_back(std::make_unique<ReactorCore>(engine, options_, i));
        if (const std::error_code error = reactors_.back()->open(); error && open_status_) {
            open_status_ = {error, "cannot open the poller of reactor " + std::to_string(i)};
        }
    }
}

Engine::Core::~Core() {
    resolver_.close();
    stop();
    if (phase_.load() == Phase::created) {
        // Nobody ran it, so its reactors end here: what servers and clients left with them must be given back.
        for (const auto& reactor : reactors_) reactor->run();
    }
    wait();
}

Status Engine::Core::check_options() const {
    const auto in_range = [](std::size_t value, std::size_t low, std::size_t high) {
        return value >= low && value <= high;
    };
    if (options_.reactors > max_reactors) {
        return bad_option("EngineOptions::reactors is " + std::to_string(options_.reactors) + ", more than " +
                          std::to_string(max_reactors));
    }
    if (!in_range(options_.receive_buffer_bytes, smallest_receive_buffer, largest_receive_buffer)) {
        return bad_option("EngineOptions::receive_buffer_bytes is " + std::to_string(options_.receive_buffer_bytes) +
                          ", not between 1 KiB and 1 GiB");
    }
    if (!in_range(options_.mailbox_bytes, smallest_mailbox, largest_mailbox)) {
        return bad_option("EngineOptions::mailbox_bytes is " + std::to_string(options_.mailbox_bytes) +
                          ", not between 4 KiB and 2 GiB");
    }
    if (options_.spin.count() < 0) return bad_option("EngineOptions::spin is negative");
    if (options_.stop_timeout.count() < 0) return bad_option("EngineOptions::stop_timeout is negative");
    const std::vector<unsigned> available = platform::available_cores();
    for (const unsigned core : options_.cores) {
        if (std::find(available.begin(), available.end(), core) == available.end()) {
            return bad_option("EngineOptions::cores names core " + std::to_string(core) +
                              ", which this process may not use");
        }
    }
    return {};
}

Status Engine::Core::start() {
    const std::lock_guard lock{life_mutex_};
    if (!open_status_) return open_status_;
    if (phase_.load() != Phase::created) {
        return {make_error_code(phase_.load() == Phase::running ? Errc::already_started : Errc::stopped),
                "cannot start the engine"};
    }
    live_reactors_ = reactors_.size();
    phase_ = Phase::running;
    std::size_t started = 0;
    try {
        for (; started < reactors_.size(); ++started) threads_.emplace_back([this, started] { run_reactor(started); });
    } catch (const std::system_error& error) {
        stop();
        // The reactors without a thread end on this one.
        for (; started < reactors_.size(); ++started) run_reactor(started);
        return {error.code(), "cannot start a thread for reactor " + std::to_string(threads_.size())};
    }
    return {};
}

void Engine::Core::run_reactor(std::size_t index) {
    platform::name_current_thread("pollux-" + std::to_string(index));
    if (options_.pin) {
        // The cores were checked; should one have gone since, the reactor runs unpinned rather than not at all.
        static_cast<void>(platform::pin_current_thread(options_.cores[index % options_.cores.size()]));
    }
    reactors_[index]->run();
    reactor_ended();
}

void Engine::Core::reactor_ended() {
    if (live_reactors_.fetch_sub(1) != 1) return;
    phase_.store(Phase::stopped, std::memory_order_release);
    std::vector<std::weak_ptr<StopListener>> listeners;
    {
        const std::lock_guard lock{lists_mutex_};
        listeners.swap(stop_listeners_);
    }
    for (const auto& weak : listeners) {
        if (const auto listener = weak.lock()) listener->on_engine_stopped();
    }
}

Status Engine::Core::run(Engine& engine) {
    std::vector<Startable*> startables;
    {
        const std::lock_guard lock{lists_mutex_};
        startables = startables_;
    }
    std::vector<Startable*> started;
    Status status;
    for (Startable* startable : startables) {
        if (startable->running()) continue;
        status = startable->start();
        if (!status) break;
        started.push_back(startable);
    }
    const StopOnSignal guard{engine};
    if (status) status = start();
    if (!status) {
        for (Startable* startable : started) startable->stop(false);
        return status;
    }
    wait();
    return {};
}

void Engine::Core::stop() noexcept {
    for (const auto& reactor : reactors_) reactor->request_stop();
}

void Engine::Core::wait() {
    if (on_reactor_thread()) return;
    const std::lock_guard lock{life_mutex_};
    for (std::thread& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
}

bool Engine::Core::on_reactor_thread() const noexcept {
    const ReactorCore* current = ReactorCore::on_this_thread();
    return current != nullptr && &current->owner().core() == this;
}

ReactorCore* Engine::Core::reactor_at(std::size_t index) noexcept {
    return index < reactors_.size() ? reactors_[index].get() : nullptr;
}

void Engine::Core::wait_until(std::mutex& mutex, std::condition_variable& changed, const std::function<bool()>& done) {
    if (on_reactor_thread()) return;
    const auto is_done = [&] {
        const std::lock_guard lock{mutex};
        return done();
    };
    while (phase_.load(std::memory_order_acquire) == Phase::created && !is_done()) {
        const std::lock_guard lock{life_mutex_};
        if (phase_.load(std::memory_order_acquire) != Phase::created) break;
        for (const auto& reactor : reactors_) reactor->lend_turn();
    }
    std::unique_lock lock{mutex};
    changed.wait(lock, done);
}

void Engine::Core::add_startable(Startable& startable) {
    const std::lock_guard lock{lists_mutex_};
    startables_.push_back(&startable);
}

void Engine::Core::remove_startable(Startable& startable) noexcept {
    const std::lock_guard lock{lists_mutex_};
    std::erase(startables_, &startable);
}

void Engine::Core::add_stop_listener(const std::shared_ptr<StopListener>& listener) {
    {
        const std::lock_guard lock{lists_mutex_};
        std::erase_if(stop_listeners_, [](const auto& weak) { return weak.expired(); });
        stop_listeners_.push_back(listener);
    }
    if (phase_.load(std::memory_order_acquire) == Phase::stopped) listener->on_engine_stopped();
}

// The public face.

Engine::Engine(EngineOptions options) : core_(std::make_unique<Core>(*this, std::move(options))) {}
Engine::~Engine() = default;
Status Engine::start() {
    return core_->start();
}
void Engine::stop() noexcept {
    core_->stop();
}
void Engine::wait() {
    core_->wait();
}
Status Engine::run() {
    return core_->run(*this);
}
bool Engine::running() const noexcept {
    return core_->running();
}
std::size_t Engine::reactors() const noexcept {
    return core_->size();
}
Reactor& Engine::reactor(std::size_t index) noexcept {
    return core_->reactor(index);
}

Result Engine::send(ConnectionId id, Bytes bytes) {
    ReactorCore* reactor = core_->reactor_of(id);
    if (reactor == nullptr || !reactor->connections().contains(id)) return Result::closed;
    // On its own reactor the order with what handlers send there is kept by not taking the mailbox.
    if (reactor->is_current()) return reactor->connections().find(id)->send_bytes(bytes);
    return reactor->mail(MailKind::send, id.value, bytes.size(),
                         [bytes](std::byte* payload) { std::copy(bytes.begin(), bytes.end(), payload); });
}

Result Engine::Core::send_message(ConnectionId id, std::uint8_t kind, Bytes body) {
    ReactorCore* reactor = reactor_of(id);
    if (reactor == nullptr || !reactor->connections().contains(id)) return Result::closed;
    if (reactor->is_current()) {
        StreamProtocol* protocol = reactor->connections().find(id)->protocol();
        return protocol != nullptr ? protocol->send_message(kind, body, false) : Result::closed;
    }
    return reactor->mail(MailKind::message, id.value, 1 + body.size(), [kind, body](std::byte* payload) {
        payload[0] = std::byte{kind};
        std::copy(body.begin(), body.end(), payload + 1);
    });
}

Result Engine::send(UdpSocketId id, Bytes bytes) {
    return core_->send_datagram(id, {}, bytes);
}
Result Engine::send_to(UdpSocketId id, const InetAddress& to, Bytes bytes) {
    return to ? core_->send_datagram(id, to, bytes) : Result::wrong_peer;
}

Result Engine::Core::send_datagram(UdpSocketId id, const InetAddress& to, Bytes bytes) {
    ReactorCore* reactor = reactor_of(id);
    if (reactor == nullptr || !reactor->udp_sockets().contains(id)) return Result::closed;
    if (reactor->is_current()) return reactor->udp_sockets().find(id)->send_bytes(to, bytes);
    if (bytes.size() > max_datagram_bytes) return Result::too_large;
    return reactor->mail(MailKind::datagram, id.value, sizeof to + bytes.size(), [&to, bytes](std::byte* payload) {
        std::memcpy(payload, &to, sizeof to);
        std::copy(bytes.begin(), bytes.end(), payload + sizeof to);
    });
}

namespace {

/// Asks a connection or a UDP socket to end: `end` does it on its own reactor, mail of a kind elsewhere.
template <class Table, class Id>
Result request_end(ReactorCore* reactor, Table& (ReactorCore::*table)(), Id id, MailKind kind, bool abort) {
    if (reactor == nullptr || !(reactor->*table)().contains(id)) return Result::closed;
    if (!reactor->is_current()) return reactor->mail(kind, id.value, 0, [](std::byte*) {});
    auto& item = *(reactor->*table)().find(id);
    abort ? item.abort() : item.close();
    return Result::ok;
}

}  // namespace

Result Engine::close(ConnectionId id) {
    return request_end(core_->reactor_of(id), &ReactorCore::connections, id, MailKind::close, false);
}
Result Engine::abort(ConnectionId id) {
    return request_end(core_->reactor_of(id), &ReactorCore::connections, id, MailKind::abort, true);
}
Result Engine::close(UdpSocketId id) {
    return request_end(core_->reactor_of(id), &ReactorCore::udp_sockets, id, MailKind::close_socket, false);
}
Result Engine::abort(UdpSocketId id) {
    return request_end(core_->reactor_of(id), &ReactorCore::udp_sockets, id, MailKind::abort_socket, true);
}

bool Engine::is_alive(ConnectionId id) const noexcept {
    const ReactorCore* reactor = core_->reactor_of(id);
    return reactor != nullptr && reactor->connections().contains(id);
}

bool Engine::is_alive(UdpSocketId id) const noexcept {
    const ReactorCore* reactor = core_->reactor_of(id);
    return reactor != nullptr && reactor->udp_sockets().contains(id);
}

}  // namespace pollux
