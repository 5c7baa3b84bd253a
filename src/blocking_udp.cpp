// The blocking UDP socket.
#include <pollux/blocking_udp.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "datagram_queue.h"
#include "engine_core.h"

namespace pollux {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// What waits to be received: a datagram, or the error of an earlier send.
struct Arrival {
    InetAddress from;
    std::error_code error;
    std::vector<std::byte> bytes;
    bool truncated = false;
};

/// What the handler on the reactor and the thread that blocks share. A lock is fine here: this is the layer above.
struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Arrival> arrivals;
    std::size_t cost = 0;  // of what waits
    std::size_t limit = 0;
    std::size_t dropped = 0;
    std::size_t drains = 0;
    UdpSocketId id;
    bool closed = false;
    std::error_code error;  // why it was closed

    void add(Arrival arrival) {
        const std::lock_guard lock{mutex};
        const std::size_t added = DatagramQueue::cost(1, arrival.bytes.size());
        if (cost + added > limit) {
            ++dropped;
            return;
        }
        cost += added;
        arrivals.push_back(std::move(arrival));
        changed.notify_all();
    }
};

class BlockingHandler final : public DatagramHandler {
public:
    explicit BlockingHandler(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

    void on_open(UdpSocket& socket) override {
        const std::lock_guard lock{shared_->mutex};
        shared_->id = socket.id();
        shared_->changed.notify_all();
    }
    void on_datagram(UdpSocket& /*socket*/, const InetAddress& from, Bytes bytes) override {
        shared_->add({from, {}, {bytes.begin(), bytes.end()}, false});
    }
    void on_truncated(UdpSocket& /*socket*/, const InetAddress& from, Bytes beginning) override {
        shared_->add({from, {}, {beginning.begin(), beginning.end()}, true});
    }
    void on_drain(UdpSocket& /*socket*/) override {
        const std::lock_guard lock{shared_->mutex};
        ++shared_->drains;
        shared_->changed.notify_all();
    }
    void on_error(UdpSocket& /*socket*/, const DatagramError& error) override {
        shared_->add({error.peer, error.error, {}, false});
    }
    void on_close(UdpSocket& /*socket*/, CloseReason /*reason*/, std::error_code error) override {
        const std::lock_guard lock{shared_->mutex};
        shared_->closed = true;
        shared_->error = error;
        shared_->changed.notify_all();
    }

private:
    std::shared_ptr<Shared> shared_;
};

}  // namespace

struct BlockingUdp::Session {
    Session(Engine& engine, const UdpOptions& options, std::size_t limit)
        : name(options.connect.empty() ? options.bind : options.connect), udp(engine, options, shared) {
        shared->limit = limit;
    }

    [[nodiscard]] Status failure(std::error_code error, const char* what) const {
        return {error, std::string(what) + ' ' + name};
    }

    std::string name;
    std::shared_ptr<Shared> shared = std::make_shared<Shared>();
    Udp<BlockingHandler> udp;
};

namespace {

/// A waiting call on a reactor's thread would wait for itself.
Status check_may_wait(Engine& engine, const char* what) {
    return engine.core().on_reactor_thread() ? Status{make_error_code(Errc::wrong_thread), what} : Status{};
}

}  // namespace

BlockingUdp::BlockingUdp(Engine& engine) : engine_(&engine) {}
BlockingUdp::~BlockingUdp() = default;

Status BlockingUdp::open(UdpOptions options, std::size_t max_waiting_bytes) {
    if (Status status = check_may_wait(*engine_, "cannot wait for the UDP socket"); !status) return status;
    if (!engine_->running()) return {make_error_code(Errc::stopped), "cannot open a UDP socket: the engine"};
    close();
    if (!options.reactor) options.reactor = engine_->core().next_reactor();
    auto session = std::make_unique<Session>(*engine_, options, max_waiting_bytes);
    if (Status status = session->udp.start(); !status) return status;
    {
        Shared& shared = *session->shared;
        std::unique_lock lock{shared.mutex};
        while (!shared.id && !shared.closed && engine_->running()) shared.changed.wait_for(lock, milliseconds{100});
        if (!shared.id || shared.closed) {
            return session->failure(shared.error ? shared.error : make_error_code(Errc::stopped), "cannot open");
        }
    }
    session_ = std::move(session);
    return {};
}

Status BlockingUdp::send(Bytes bytes, milliseconds timeout) {
    return send_to({}, bytes, timeout);
}

Status BlockingUdp::send_to(const InetAddress& to, Bytes bytes, milliseconds timeout) {
    if (Status status = check_may_wait(*engine_, "cannot wait to send"); !status) return status;
    if (session_ == nullptr) return {make_error_code(Errc::stopped), "cannot send: the UDP socket is not open"};
    struct Outcome {
        bool known = false;
        Result result = Result::closed;
        std::vector<std::byte> bytes;
    };
    const auto shared = session_->shared;
    const auto deadline = Clock::now() + timeout;
    ReactorCore* reactor = engine_->core().reactor_of(shared->id);
    std::unique_lock lock{shared->mutex};
    for (;;) {
        const auto outcome = std::make_shared<Outcome>();
        outcome->bytes.assign(bytes.begin(), bytes.end());
        const std::size_t drains = shared->drains;
        lock.unlock();
        reactor->control([shared, outcome, reactor, to, id = shared->id] {
            UdpSocket* socket = reactor->find(id);
            Result result = Result::closed;
            if (socket != nullptr) result = to ? socket->send_to(to, outcome->bytes) : socket->send(outcome->bytes);
            const std::lock_guard guard{shared->mutex};
            outcome->result = result;
            outcome->known = true;
            shared->changed.notify_all();
        });
        lock.lock();
        if (!shared->changed.wait_until(lock, deadline, [&] { return outcome->known; })) break;
        switch (outcome->result) {
            case Result::ok:
                return {};
            case Result::would_block:
                if (!shared->changed.wait_until(lock, deadline,
                                                [&] { return shared->drains != drains || shared->closed; })) {
                    return session_->failure(make_error_code(Errc::timed_out), "cannot send from");
                }
                break;
            case Result::closed:
                return session_->failure(shared->error ? shared->error : make_error_code(Errc::stopped),
                                         "cannot send from");
            case Result::too_large:
                return session_->failure(make_error_code(Errc::too_large), "cannot send from");
            case Result::wrong_peer:
                return session_->failure(
                    make_error_code(to ? std::errc::already_connected : std::errc::destination_address_required),
                    "cannot send from");
        }
    }
    return session_->failure(make_error_code(Errc::timed_out), "cannot send from");
}

Status BlockingUdp::receive(MutableBytes buffer, std::size_t& received, milliseconds timeout) {
    InetAddress from;
    return receive(buffer, received, from, timeout);
}

Status BlockingUdp::receive(MutableBytes buffer, std::size_t& received, InetAddress& from, milliseconds timeout) {
    received = 0;
    if (Status status = check_may_wait(*engine_, "cannot wait for a datagram"); !status) return status;
    if (session_ == nullptr) return {make_error_code(Errc::stopped), "cannot receive: the UDP socket is not open"};
    Shared& shared = *session_->shared;
    std::unique_lock lock{shared.mutex};
    const bool ready =
        shared.changed.wait_for(lock, timeout, [&] { return !shared.arrivals.empty() || shared.closed; });
    if (!ready) return session_->failure(make_error_code(Errc::timed_out), "cannot receive on");
    if (shared.arrivals.empty()) {
        return session_->failure(shared.error ? shared.error : make_error_code(Errc::stopped), "cannot receive on");
    }
    const Arrival arrival = std::move(shared.arrivals.front());
    shared.arrivals.pop_front();
    shared.cost -= DatagramQueue::cost(1, arrival.bytes.size());
    lock.unlock();
    from = arrival.from;
    if (arrival.error) return session_->failure(arrival.error, "a datagram was not delivered by");
    received = std::min(buffer.size(), arrival.bytes.size());
    if (received != 0) std::memcpy(buffer.data(), arrival.bytes.data(), received);
    if (arrival.truncated || received < arrival.bytes.size()) {
        return session_->failure(make_error_code(Errc::too_large), "a datagram was cut that came on");
    }
    return {};
}

void BlockingUdp::close() {
    if (session_ == nullptr) return;
    session_->udp.stop();
    session_.reset();
}

InetAddress BlockingUdp::address() const {
    return session_ != nullptr ? session_->udp.address() : InetAddress{};
}

std::size_t BlockingUdp::dropped() const {
    if (session_ == nullptr) return 0;
    const std::lock_guard lock{session_->shared->mutex};
    return session_->shared->dropped;
}

}  // namespace pollux
