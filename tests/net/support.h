// Helpers of the net tests: recording handlers, fixtures, and waiting without guessing times.
#pragma once

#include <gtest/gtest.h>
#include <pollux/pollux.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "common/raw_socket.h"
#include "common/sanitized.h"

namespace pollux {

// GoogleTest finds these by argument-dependent lookup; without them it prints raw bytes.
void PrintTo(Result result, std::ostream* out);
void PrintTo(CloseReason reason, std::ostream* out);
void PrintTo(ConnectionState state, std::ostream* out);
void PrintTo(const SocketAddress& address, std::ostream* out);

}  // namespace pollux

namespace pollux::test {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

inline constexpr std::size_t kibibyte = 1024;
inline constexpr std::size_t mebibyte = 1024 * kibibyte;

/// The receive buffer of a peer that is soon full.
inline constexpr int small_buffer = 16 * kibibyte;

inline constexpr Reconnect quickly{.enabled = true, .delay = 5ms, .growth = 1.0, .max_delay = 50ms};

/// Waits for something that has no event to wait for, such as a counter.
template <class Predicate>
[[nodiscard]] bool eventually(Predicate&& predicate, std::chrono::milliseconds limit = patience) {
    const auto deadline = Clock::now() + limit;
    while (!predicate()) {
        if (Clock::now() >= deadline) return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

/// Opens once; any thread may wait for it.
class Gate {
public:
    void open();
    [[nodiscard]] bool wait(std::chrono::milliseconds limit = patience);
    [[nodiscard]] bool is_open();

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
};

/// Runs `work` on a reactor's thread and returns when it is done.
void run_on(Reactor& reactor, std::function<void()> work);

/// Lets each reactor go round its loop so often that whatever was ready has been seen. What has not happened by then
/// was not going to happen: a test of "nothing arrives" without a sleep.
void turn_all(Engine& engine, int turns = 30);

/// `size` bytes of an endless known sequence, from `offset` on, so that a lost, doubled or swapped byte shows.
[[nodiscard]] std::string pattern(std::uint64_t offset, std::size_t size);
[[nodiscard]] bool matches_pattern(std::string_view bytes, std::uint64_t offset);

/// What a blocking client receives, which must be `size` bytes.
[[nodiscard]] std::string receive_text(BlockingClient& client, std::size_t size);

struct ConnectError {
    std::error_code error;
    unsigned attempt = 0;
    bool will_retry = false;
};

/// A handshake that came to nothing, as a server is told of it.
struct HandshakeError {
    CloseReason reason = CloseReason::none;
    std::error_code error;
};

/// What the connections of one server or client went through, shared by the reactors' threads and the test.
class Recorder {
public:
    struct Seen {
        std::size_t opens = 0;  ///< `on_open` calls that have returned.
        std::size_t ends = 0;
        std::size_t drains = 0;
        std::size_t closes = 0;
        std::size_t marks = 0;     ///< For the test's own use.
        std::size_t handlers = 0;  ///< Alive now.
        std::string received;
        std::vector<ConnectionId> ids;  ///< In the order of `on_open`.
        std::vector<CloseReason> reasons;
        std::vector<std::error_code> errors;
        std::vector<ConnectError> connect_errors;
        std::vector<HandshakeError> handshake_errors;
        std::vector<std::string> violations;  ///< Broken promises about order, nesting and threads.
    };

    /// Changes the record and wakes whoever waits.
    template <class Change>
    void change(Change&& change) {
        // Told while it is locked: whoever waits may destroy the record at once.
        std::lock_guard lock{mutex_};
        change(seen_);
        changed_.notify_all();
    }

    void mark() {
        change([](Seen& seen) { ++seen.marks; });
    }

    /// Waits until `predicate(seen)`; false if that never comes.
    template <class Predicate>
    [[nodiscard]] bool wait_until(Predicate&& predicate, std::chrono::milliseconds limit = patience) {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, limit, [&] { return predicate(std::as_const(seen_)); });
    }

    [[nodiscard]] bool wait_for_opens(std::size_t count);
    [[nodiscard]] bool wait_for_closes(std::size_t count);
    [[nodiscard]] bool wait_for_bytes(std::size_t count);
    [[nodiscard]] bool wait_for_marks(std::size_t count);
    [[nodiscard]] bool wait_for_connect_errors(std::size_t count);
    [[nodiscard]] bool wait_for_handshake_errors(std::size_t count);

    [[nodiscard]] Seen seen();
    [[nodiscard]] ConnectionId id(std::size_t index = 0);
    [[nodiscard]] CloseReason reason(std::size_t index = 0);

    /// Fails the test if a promise was broken, a handler is left, or an `on_open` has no `on_close`.
    void expect_in_order(const char* whose);

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    Seen seen_;
};

/// What a test wants done in a callback, after it was recorded. Without `on_end` a half-close closes.
struct Hooks {
    std::function<void(Connection&)> on_open{};
    std::function<void(Connection&, Bytes)> on_data{};
    std::function<void(Connection&)> on_end{};
    std::function<void(Connection&)> on_drain{};
    std::function<void(Connection&)> on_timer{};  ///< A millisecond after `on_open`.
    std::function<void(Connection&, CloseReason, std::error_code)> on_close{};
    std::function<void(std::error_code, unsigned, bool)> on_connect_error{};
    std::function<void(Connection&, CloseReason, std::error_code)> on_handshake_error{};
};

/// Records everything, and that callbacks keep their promises: `on_open` first, `on_close` once and last, never nested,
/// always on the connection's own thread.
class Recording : public ConnectionHandler {
public:
    explicit Recording(Recorder& recorder, Hooks hooks = {});
    ~Recording() override;

    void on_open(Connection& connection) override;
    void on_data(Connection& connection, Bytes data) override;
    void on_end(Connection& connection) override;
    void on_drain(Connection& connection) override;
    void on_close(Connection& connection, CloseReason reason, std::error_code error) override;
    void on_connect_error(std::error_code error, unsigned attempt, bool will_retry) override;
    void on_handshake_error(Connection& connection, CloseReason reason, std::error_code error) override;

private:
    class Entered;

    Recorder& recorder_;
    Hooks hooks_;
    std::optional<Timer> timer_;
    bool inside_ = false;
    bool open_ = false;
};

/// Sends back what came; every byte must be accepted while the connection lasts.
void echo(Connection& connection, Bytes data);

/// Sends `chunk`s until one is refused, and returns how many bytes were accepted.
std::size_t send_until_refused(Connection& connection, std::string_view chunk);

/// Which end of a connection is Pollux's.
enum class Side : std::uint8_t { server, client };

/// One Pollux connection, of a server or of a client, against a raw peer.
struct Pair {
    Pair(Engine& engine, Transport transport, Side side, Recorder& recorder, Hooks hooks,
         ConnectionOptions options = {}, int peer_receive_buffer_bytes = 0);

    std::unique_ptr<Server<Recording>> server{};
    std::unique_ptr<RawListener> listener{};
    std::unique_ptr<Client<Recording>> client{};
    RawSocket peer{};
};

/// A transport and a number of reactors: what almost every test is run over.
struct Setting {
    Transport transport = Transport::tcp;
    std::size_t reactors = 1;
};

void PrintTo(const Setting& setting, std::ostream* out);
[[nodiscard]] std::string setting_name(const testing::TestParamInfo<Setting>& info);

inline const auto everywhere = testing::Values(Setting{Transport::tcp, 1}, Setting{Transport::tcp, 2},
                                               Setting{Transport::unix_domain, 1}, Setting{Transport::unix_domain, 2});

/// Both transports once, for what no number of reactors changes.
inline const auto each_transport = testing::Values(Setting{Transport::tcp, 1}, Setting{Transport::unix_domain, 2});

/// An engine that runs, and a record of the server's connections that is checked at the end.
class EngineTest : public testing::Test {
protected:
    explicit EngineTest(std::size_t reactors = 1, Transport over = Transport::tcp)
        : engine(EngineOptions{.reactors = reactors}), over_(over) {}

    void SetUp() override {
        if (over_ == Transport::unix_domain && !has_unix_sockets()) GTEST_SKIP() << no_unix_sockets;
        const Status status = engine.start();
        ASSERT_TRUE(status) << status;
    }

    void TearDown() override {
        engine.stop();
        engine.wait();
        seen.expect_in_order("server");
        client_seen.expect_in_order("client");
    }

    Recorder seen;
    Recorder client_seen;
    Engine engine;

private:
    Transport over_;
};

/// The same over both transports, with one reactor and with two.
class NetTest : public EngineTest, public testing::WithParamInterface<Setting> {
protected:
    NetTest() : EngineTest(GetParam().reactors, GetParam().transport) {}

    [[nodiscard]] static Transport transport() { return GetParam().transport; }
    [[nodiscard]] static bool tcp() { return transport() == Transport::tcp; }
    [[nodiscard]] static std::string endpoint() { return fresh_endpoint(transport()); }

    /// A server that is listening, whose handlers record and then do as `hooks` say.
    [[nodiscard]] std::unique_ptr<Server<Recording>> serve(Hooks hooks, ServerOptions options = {}) {
        if (options.endpoint.empty()) options.endpoint = endpoint();
        auto server = std::make_unique<Server<Recording>>(engine, std::move(options), std::ref(seen), std::move(hooks));
        const Status status = server->start();
        EXPECT_TRUE(status) << status;
        return server;
    }
};

}  // namespace pollux::test
