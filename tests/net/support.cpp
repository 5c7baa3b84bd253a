// The records, waits and known bytes behind the net tests.
#include "support.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ostream>
#include <random>

namespace pollux {

void PrintTo(Result result, std::ostream* out) {
    *out << to_string(result);
}
void PrintTo(CloseReason reason, std::ostream* out) {
    *out << to_string(reason);
}
void PrintTo(ConnectionState state, std::ostream* out) {
    *out << "state " << static_cast<int>(state);
}
void PrintTo(const SocketAddress& address, std::ostream* out) {
    *out << '"' << address.to_string() << '"';
}

}  // namespace pollux

namespace pollux::test {
namespace {

constexpr std::size_t pattern_period = 65521;  // a prime: no buffer size divides it, so every misplacement shows

const std::string& pattern_block() {
    static const std::string block = [] {
        std::string bytes(pattern_period, '\0');
        std::minstd_rand generator{1};
        for (char& byte : bytes) byte = static_cast<char>(generator() & 0xff);
        return bytes;
    }();
    return block;
}

}  // namespace

void Gate::open() {
    std::lock_guard lock{mutex_};
    open_ = true;
    changed_.notify_all();  // under the lock: the waiter may destroy the gate as soon as it can take the lock
}

bool Gate::wait(std::chrono::milliseconds limit) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, limit, [this] { return open_; });
}

bool Gate::is_open() {
    std::lock_guard lock{mutex_};
    return open_;
}

void run_on(Reactor& reactor, std::function<void()> work) {
    auto done = std::make_shared<Gate>();
    auto shared = std::make_shared<std::function<void()>>(std::move(work));
    const bool posted = eventually([&] {
        return reactor.post([done, shared] {
            (*shared)();
            done->open();
        }) == Result::ok;
    });
    if (!posted || !done->wait(4 * patience)) {
        std::fputs("run_on: the reactor does not run tasks\n", stderr);
        std::abort();  // `work` may refer to the caller's frame, so there is no way back
    }
}

void turn_all(Engine& engine, int turns) {
    for (int turn = 0; turn < turns; ++turn) {
        for (std::size_t index = 0; index < engine.reactors(); ++index) run_on(engine.reactor(index), [] {});
    }
}

std::string pattern(std::uint64_t offset, std::size_t size) {
    std::string bytes;
    bytes.reserve(size);
    while (bytes.size() < size) {
        const auto start = static_cast<std::size_t>((offset + bytes.size()) % pattern_period);
        bytes.append(pattern_block(), start, std::min(size - bytes.size(), pattern_period - start));
    }
    return bytes;
}

bool matches_pattern(std::string_view bytes, std::uint64_t offset) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const auto start = static_cast<std::size_t>((offset + done) % pattern_period);
        const std::size_t count = std::min(bytes.size() - done, pattern_period - start);
        if (bytes.substr(done, count) != std::string_view{pattern_block()}.substr(start, count)) return false;
        done += count;
    }
    return true;
}

std::string receive_text(BlockingClient& client, std::size_t size) {
    std::string text(size, '\0');
    std::size_t received = 0;
    const Status status = client.receive_exactly(std::as_writable_bytes(std::span{text}), received);
    EXPECT_TRUE(status) << status;
    EXPECT_EQ(received, size);
    return text;
}

bool Recorder::wait_for_opens(std::size_t count) {
    return wait_until([=](const Seen& seen) { return seen.opens >= count; });
}

bool Recorder::wait_for_closes(std::size_t count) {
    return wait_until([=](const Seen& seen) { return seen.closes >= count; });
}

bool Recorder::wait_for_bytes(std::size_t count) {
    return wait_until([=](const Seen& seen) { return seen.received.size() >= count; });
}

bool Recorder::wait_for_marks(std::size_t count) {
    return wait_until([=](const Seen& seen) { return seen.marks >= count; });
}

bool Recorder::wait_for_connect_errors(std::size_t count) {
    return wait_until([=](const Seen& seen) { return seen.connect_errors.size() >= count; });
}

bool Recorder::wait_for_handshake_errors(std::size_t count) {
    return wait_until([=](const Seen& seen) { return seen.handshake_errors.size() >= count; });
}

Recorder::Seen Recorder::seen() {
    std::lock_guard lock{mutex_};
    return seen_;
}

ConnectionId Recorder::id(std::size_t index) {
    std::lock_guard lock{mutex_};
    return index < seen_.ids.size() ? seen_.ids[index] : ConnectionId{};
}

CloseReason Recorder::reason(std::size_t index) {
    std::lock_guard lock{mutex_};
    return index < seen_.reasons.size() ? seen_.reasons[index] : CloseReason::none;
}

void Recorder::expect_in_order(const char* whose) {
    std::lock_guard lock{mutex_};
    for (const std::string& violation : seen_.violations) ADD_FAILURE() << whose << ": " << violation;
    EXPECT_EQ(seen_.opens, seen_.closes) << whose << ": on_close must come once for each on_open";
    EXPECT_EQ(seen_.handlers, 0u) << whose << ": handlers must be destroyed";
}

/// Checks the promises around one callback.
class Recording::Entered {
public:
    Entered(Recording& handler, const Connection& connection, const char* callback) : handler_(handler) {
        if (handler.inside_) complain(callback, "nested in another callback");
        if (!handler.open_) complain(callback, "before on_open or after on_close");
        if (!connection.reactor().is_current()) complain(callback, "on a foreign thread");
        handler.inside_ = true;
    }
    ~Entered() { handler_.inside_ = false; }
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;

private:
    void complain(const char* callback, const char* problem) const {
        handler_.recorder_.change(
            [&](Recorder::Seen& seen) { seen.violations.push_back(std::string{callback} + " " + problem); });
    }

    Recording& handler_;
};

Recording::Recording(Recorder& recorder, Hooks hooks) : recorder_(recorder), hooks_(std::move(hooks)) {
    recorder_.change([](Recorder::Seen& seen) { ++seen.handlers; });
}

Recording::~Recording() {
    recorder_.change([](Recorder::Seen& seen) { --seen.handlers; });
}

void Recording::on_open(Connection& connection) {
    if (open_) recorder_.change([](Recorder::Seen& seen) { seen.violations.emplace_back("on_open while open"); });
    open_ = true;
    const Entered entered{*this, connection, "on_open"};
    recorder_.change([&](Recorder::Seen& seen) { seen.ids.push_back(connection.id()); });
    if (hooks_.on_timer) {
        timer_.emplace(connection.reactor(), [this, &connection](Timer&) { hooks_.on_timer(connection); });
        timer_->after(1ms);
    }
    if (hooks_.on_open) hooks_.on_open(connection);
    // Only now, so that whoever waits for it finds the hook's work done.
    recorder_.change([](Recorder::Seen& seen) { ++seen.opens; });
}

void Recording::on_data(Connection& connection, Bytes data) {
    const Entered entered{*this, connection, "on_data"};
    recorder_.change([&](Recorder::Seen& seen) { seen.received.append(as_text(data)); });
    if (hooks_.on_data) hooks_.on_data(connection, data);
}

void Recording::on_end(Connection& connection) {
    const Entered entered{*this, connection, "on_end"};
    recorder_.change([](Recorder::Seen& seen) { ++seen.ends; });
    if (hooks_.on_end) {
        hooks_.on_end(connection);
    } else {
        ConnectionHandler::on_end(connection);
    }
}

void Recording::on_drain(Connection& connection) {
    const Entered entered{*this, connection, "on_drain"};
    recorder_.change([](Recorder::Seen& seen) { ++seen.drains; });
    if (hooks_.on_drain) hooks_.on_drain(connection);
}

void Recording::on_close(Connection& connection, CloseReason reason, std::error_code error) {
    const Entered entered{*this, connection, "on_close"};
    timer_.reset();
    if (hooks_.on_close) hooks_.on_close(connection, reason, error);
    open_ = false;
    recorder_.change([&](Recorder::Seen& seen) {
        ++seen.closes;
        seen.reasons.push_back(reason);
        seen.errors.push_back(error);
    });
}

void Recording::on_connect_error(std::error_code error, unsigned attempt, bool will_retry) {
    if (hooks_.on_connect_error) hooks_.on_connect_error(error, attempt, will_retry);
    recorder_.change([&](Recorder::Seen& seen) { seen.connect_errors.push_back({error, attempt, will_retry}); });
}

void Recording::on_handshake_error(Connection& connection, CloseReason reason, std::error_code error) {
    if (hooks_.on_handshake_error) hooks_.on_handshake_error(connection, reason, error);
    recorder_.change([&](Recorder::Seen& seen) {
        if (open_ || inside_) seen.violations.emplace_back("on_handshake_error of a connection that was opened");
        if (!connection.reactor().is_current()) seen.violations.emplace_back("on_handshake_error on a foreign thread");
        seen.handshake_errors.push_back({reason, error});
    });
}

void echo(Connection& connection, Bytes data) {
    // The send may find out that the peer is gone, but it must never be refused for lack of room.
    const Result result = connection.send(data);
    EXPECT_TRUE(result == Result::ok || result == Result::closed) << to_string(result);
}

std::size_t send_until_refused(Connection& connection, std::string_view chunk) {
    std::size_t accepted = 0;
    while (connection.send(chunk) == Result::ok) accepted += chunk.size();
    return accepted;
}

Pair::Pair(Engine& engine, Transport transport, Side side, Recorder& recorder, Hooks hooks, ConnectionOptions options,
           int peer_receive_buffer_bytes) {
    if (side == Side::server) {
        server = std::make_unique<Server<Recording>>(
            engine, ServerOptions{.endpoint = fresh_endpoint(transport), .connection = options}, std::ref(recorder),
            std::move(hooks));
        const Status status = server->start();
        EXPECT_TRUE(status) << status;
        peer = RawSocket::connect(server->address(), peer_receive_buffer_bytes);
    } else {
        listener = std::make_unique<RawListener>(transport);
        client = std::make_unique<Client<Recording>>(
            engine, ClientOptions{.endpoint = listener->endpoint(), .connection = options}, std::ref(recorder),
            std::move(hooks));
        const Status status = client->start();
        EXPECT_TRUE(status) << status;
        peer = listener->accept();
    }
    EXPECT_TRUE(peer.valid()) << std::strerror(errno);
}

void PrintTo(const Setting& setting, std::ostream* out) {
    *out << (setting.transport == Transport::tcp ? "TCP" : "Unix") << " on " << setting.reactors << " reactors";
}

std::string setting_name(const testing::TestParamInfo<Setting>& info) {
    return std::string{info.param.transport == Transport::tcp ? "tcp" : "unix"} + "_" +
           std::to_string(info.param.reactors);
}

}  // namespace pollux::test
