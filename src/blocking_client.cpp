// The blocking client.
#include <pollux/blocking_client.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "reactor_core.h"

namespace pollux {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// The largest piece handed to the reactor at once.
constexpr std::size_t piece_bytes = 256 * 1024;

/// What the handler on the reactor and the thread that blocks share. A lock is fine here: this is the layer above.
struct Shared {
    enum class Phase { connecting, open, closed };

    std::mutex mutex;
    std::condition_variable changed;
    Phase phase = Phase::connecting;
    std::error_code error;         // why it did not connect, or why it ended
    std::vector<std::byte> input;  // received and not yet taken; `taken` bytes of its front are gone
    std::size_t taken = 0;
    std::size_t limit = 0;  // of what may wait in `input`
    bool ended = false;     // the peer's end of stream
    bool paused = false;
    bool writable = true;
    ConnectionId id;

    [[nodiscard]] std::size_t available() const noexcept { return input.size() - taken; }
};

class BlockingHandler final : public ConnectionHandler {
public:
    explicit BlockingHandler(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

    void on_open(Connection& connection) override {
        const std::lock_guard lock{shared_->mutex};
        shared_->phase = Shared::Phase::open;
        shared_->id = connection.id();
        shared_->changed.notify_all();
    }

    void on_data(Connection& connection, Bytes data) override {
        const std::lock_guard lock{shared_->mutex};
        shared_->input.insert(shared_->input.end(), data.begin(), data.end());
        if (shared_->available() >= shared_->limit) {
            shared_->paused = true;
            connection.pause_receiving();
        }
        shared_->changed.notify_all();
    }

    void on_end(Connection& /*connection*/) override {
        const std::lock_guard lock{shared_->mutex};
        shared_->ended = true;
        shared_->changed.notify_all();
    }

    void on_drain(Connection& /*connection*/) override {
        const std::lock_guard lock{shared_->mutex};
        shared_->writable = true;
        shared_->changed.notify_all();
    }

    void on_close(Connection& /*connection*/, CloseReason reason, std::error_code error) override {
        finish(error ? error : reason_error(reason));
    }

    void on_connect_error(std::error_code error, unsigned /*attempt*/, bool /*will_retry*/) override { finish(error); }

private:
    static std::error_code reason_error(CloseReason reason) {
        switch (reason) {
            case CloseReason::peer_closed:
            case CloseReason::local_close:
                return {};
            case CloseReason::idle_timeout:
            case CloseReason::close_timeout:
                return Errc::timed_out;
            default:
                return Errc::cancelled;
        }
    }

    void finish(std::error_code error) {
        const std::lock_guard lock{shared_->mutex};
        shared_->phase = Shared::Phase::closed;
        shared_->error = error;
        shared_->changed.notify_all();
    }

    std::shared_ptr<Shared> shared_;
};

std::error_code error_or(std::error_code error, Errc otherwise) {
    return error ? error : make_error_code(otherwise);
}

}  // namespace

class BlockingClient::Session {
public:
    Session(Engine& engine, ClientOptions options)
        : endpoint(options.endpoint), shared(make_shared(options)), client(engine, std::move(options), shared) {}

    [[nodiscard]] Status failure(std::error_code error, const char* what) const {
        return {error, std::string(what) + " " + endpoint};
    }

    std::string endpoint;
    std::shared_ptr<Shared> shared;
    Client<BlockingHandler> client;

private:
    static std::shared_ptr<Shared> make_shared(const ClientOptions& options) {
        auto shared = std::make_shared<Shared>();
        shared->limit = options.connection.high_watermark_bytes;
        return shared;
    }
};

namespace {

Status wrong_thread(const char* what) {
    return {make_error_code(Errc::wrong_thread), what};
}

bool on_a_reactor() noexcept {
    return Reactor::current() != nullptr;
}

}  // namespace

BlockingClient::BlockingClient() : own_engine_(std::make_unique<Engine>()), engine_(own_engine_.get()) {}
BlockingClient::BlockingClient(Engine& engine) : engine_(&engine) {}

BlockingClient::~BlockingClient() {
    session_.reset();
}

bool BlockingClient::connected() const {
    if (session_ == nullptr) return false;
    const std::lock_guard lock{session_->shared->mutex};
    return session_->shared->phase == Shared::Phase::open;
}

Status BlockingClient::connect(std::string_view endpoint, milliseconds timeout) {
    return connect(ClientOptions{.endpoint = std::string(endpoint)}, timeout);
}

Status BlockingClient::connect(ClientOptions options, milliseconds timeout) {
    if (on_a_reactor()) return wrong_thread("cannot wait for a connection");
    if (own_engine_ != nullptr && !own_engine_->running()) {
        if (Status status = own_engine_->start(); !status) return status;
    }
    options.reconnect.enabled = false;
    session_ = std::make_unique<Session>(*engine_, std::move(options));
    if (Status status = session_->client.start(); !status) {
        session_.reset();
        return status;
    }
    Shared& shared = *session_->shared;
    std::unique_lock lock{shared.mutex};
    const bool decided =
        shared.changed.wait_for(lock, timeout, [&] { return shared.phase != Shared::Phase::connecting; });
    if (shared.phase == Shared::Phase::open) return {};
    const std::error_code error =
        decided ? error_or(shared.error, Errc::closed_by_peer) : make_error_code(Errc::timed_out);
    lock.unlock();
    Status status = session_->failure(error, "cannot connect to");
    session_.reset();
    return status;
}

Status BlockingClient::send(Bytes bytes, milliseconds timeout) {
    if (on_a_reactor()) return wrong_thread("cannot wait for room to send");
    if (session_ == nullptr) return {make_error_code(Errc::stopped), "cannot send: not connected"};
    const auto shared = session_->shared;
    const auto deadline = Clock::now() + timeout;
    std::unique_lock lock{shared->mutex};
    while (!bytes.empty()) {
        if (shared->phase != Shared::Phase::open) {
            return session_->failure(error_or(shared->error, Errc::closed_by_peer), "cannot send to");
        }
        // The reactor does the sending; this thread owns the bytes and waits until they were taken.
        const Bytes piece = bytes.first(std::min(bytes.size(), piece_bytes));
        struct Outcome {
            bool known = false;
            Result result = Result::closed;
            std::vector<std::byte> bytes;
        };
        const auto outcome = std::make_shared<Outcome>();
        outcome->bytes.assign(piece.begin(), piece.end());
        auto& reactor = static_cast<ReactorCore&>(engine_->reactor(ConnectionTable::reactor_of(shared->id)));
        reactor.control([shared, outcome, id = shared->id, &reactor] {
            const std::lock_guard guard{shared->mutex};
            Connection* connection = reactor.find(id);
            outcome->result = connection != nullptr ? connection->send(outcome->bytes) : Result::closed;
            shared->writable = outcome->result != Result::would_block;
            outcome->known = true;
            shared->changed.notify_all();
        });
        if (!shared->changed.wait_until(lock, deadline, [&] { return outcome->known; })) {
            return session_->failure(make_error_code(Errc::timed_out), "cannot send to");
        }
        switch (outcome->result) {
            case Result::ok:
                bytes = bytes.subspan(piece.size());
                break;
            case Result::would_block:
                if (!shared->changed.wait_until(
                        lock, deadline, [&] { return shared->writable || shared->phase != Shared::Phase::open; })) {
                    return session_->failure(make_error_code(Errc::timed_out), "cannot send to");
                }
                break;
            case Result::closed:
            case Result::wrong_peer:  // not for streams
                return session_->failure(error_or(shared->error, Errc::closed_by_peer), "cannot send to");
            case Result::too_large:
                return session_->failure(make_error_code(Errc::too_large), "cannot send to");
        }
    }
    return {};
}

Status BlockingClient::receive(MutableBytes buffer, std::size_t& received, milliseconds timeout) {
    received = 0;
    if (on_a_reactor()) return wrong_thread("cannot wait for bytes");
    if (session_ == nullptr) return {make_error_code(Errc::stopped), "cannot receive: not connected"};
    if (buffer.empty()) return {};
    Shared& shared = *session_->shared;
    std::unique_lock lock{shared.mutex};
    const bool ready = shared.changed.wait_for(
        lock, timeout, [&] { return shared.available() != 0 || shared.ended || shared.phase != Shared::Phase::open; });
    if (!ready) return session_->failure(make_error_code(Errc::timed_out), "cannot receive from");
    if (shared.available() == 0) {
        return shared.error ? session_->failure(shared.error, "cannot receive from") : Status{};
    }
    received = std::min(buffer.size(), shared.available());
    std::memcpy(buffer.data(), shared.input.data() + shared.taken, received);
    shared.taken += received;
    if (shared.taken == shared.input.size()) {
        shared.input.clear();
        shared.taken = 0;
    } else if (shared.taken >= piece_bytes) {
        shared.input.erase(shared.input.begin(), shared.input.begin() + static_cast<std::ptrdiff_t>(shared.taken));
        shared.taken = 0;
    }
    if (shared.paused && shared.available() < shared.limit / 2) {
        shared.paused = false;
        auto& reactor = static_cast<ReactorCore&>(engine_->reactor(ConnectionTable::reactor_of(shared.id)));
        reactor.control([&reactor, id = shared.id] {
            if (Connection* connection = reactor.find(id)) connection->resume_receiving();
        });
    }
    return {};
}

Status BlockingClient::receive_exactly(MutableBytes buffer, std::size_t& received, milliseconds timeout) {
    received = 0;
    const auto deadline = Clock::now() + timeout;
    while (received < buffer.size()) {
        std::size_t count = 0;
        const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
        if (Status status = receive(buffer.subspan(received), count, std::max(left, milliseconds{0})); !status)
            return status;
        if (count == 0) return session_->failure(make_error_code(Errc::closed_by_peer), "cannot receive all from");
        received += count;
    }
    return {};
}

Status BlockingClient::close_send() {
    if (session_ == nullptr) return {make_error_code(Errc::stopped), "cannot close: not connected"};
    const std::lock_guard lock{session_->shared->mutex};
    const ConnectionId id = session_->shared->id;
    auto& reactor = static_cast<ReactorCore&>(engine_->reactor(ConnectionTable::reactor_of(id)));
    reactor.control([&reactor, id] {
        if (Connection* connection = reactor.find(id)) connection->close_send();
    });
    return {};
}

Status BlockingClient::close(milliseconds timeout) {
    if (on_a_reactor()) return wrong_thread("cannot wait for the end of the connection");
    if (session_ == nullptr) return {make_error_code(Errc::stopped), "cannot close: not connected"};
    const auto shared = session_->shared;
    std::unique_lock lock{shared->mutex};
    auto& reactor = static_cast<ReactorCore&>(engine_->reactor(ConnectionTable::reactor_of(shared->id)));
    reactor.control([&reactor, id = shared->id] {
        if (Connection* connection = reactor.find(id)) {
            connection->resume_receiving();
            connection->close();
        }
    });
    const bool closed = shared->changed.wait_for(lock, timeout, [&] { return shared->phase == Shared::Phase::closed; });
    const std::error_code error = closed ? shared->error : make_error_code(Errc::timed_out);
    lock.unlock();
    Status status = error ? session_->failure(error, "cannot close the connection to") : Status{};
    session_.reset();
    return status;
}

}  // namespace pollux
