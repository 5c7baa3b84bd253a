// Helpers of the conformance suite: a loop around the poller, ends of connections, and pairs made of nothing but the
// contract.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "backend.h"
#include "common/sanitized.h"
#include "common/socket_calls.h"
#include "platform/platform.h"
#include "platform/sockets.h"

namespace pollux::platform::test {

using namespace std::chrono_literals;

/// A bound on waiting only catches hangs.
inline constexpr auto patience = 20s;

using pollux::test::sanitized;

/// `size` bytes of an endless known sequence, from `offset` on, so that a lost, doubled or swapped byte shows.
[[nodiscard]] std::string pattern(std::uint64_t offset, std::size_t size);

/// A socket together with what the events told of it.
struct End : Socket {
    std::uint32_t seen = 0;   // flags since they were last looked at
    std::size_t sent = 0;     // bytes that the back end sent by itself
    std::size_t events = 0;   // events with any flag
    bool is_released = true;  // false between a `close` that was not complete and its `released` event

    /// The flags since the last call.
    std::uint32_t take_seen() { return std::exchange(seen, 0U); }
};

/// A poller and its turns. Every End must outlive the turn that it was closed in.
class Loop {
public:
    Loop();

    Poller poller;

    /// One `wait`; every event is noted in its End, and `on_event` is called with it.
    std::size_t turn(Time deadline);

    /// Turns until `done()`. False if that takes too long.
    [[nodiscard]] bool run_until(const std::function<bool()>& done);

    /// Turns until the End has seen one of the flags, and takes what it saw; 0 if that takes too long.
    std::uint32_t wait_for(End& end, std::uint32_t flags);

    /// So many turns that whatever was ready has been told: the operating system is asked again and again, and what
    /// it tells on loopback it tells at once.
    void settle();

    /// Closes, and waits until the memory of the End is free.
    void close(End& end);

    std::function<void(End&, const Event<Socket>&)> on_event;
};

/// Takes an unused address of a kind.
[[nodiscard]] SocketAddress loopback(SocketAddress::Family family = SocketAddress::Family::ipv4,
                                     std::uint16_t port = 0);
[[nodiscard]] SocketAddress unix_address(const std::string& path);

/// A path in the file system that nobody uses; what is there in the end is removed.
class TemporaryPath {
public:
    TemporaryPath();
    ~TemporaryPath();
    TemporaryPath(const TemporaryPath&) = delete;
    TemporaryPath& operator=(const TemporaryPath&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] SocketAddress address() const { return unix_address(path_); }

private:
    std::string path_;
};

/// Listens, in a poller or outside of one.
[[nodiscard]] ListenOptions listen_options(int backlog = 128);

/// Waits for an event wherever one is needed; every failure is the test's.
class Listener : public End {
public:
    Listener(Loop& loop, const SocketAddress& address, const ListenOptions& options = listen_options());
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    [[nodiscard]] const SocketAddress& address() const { return address_; }

    /// Waits for a connection and attaches it.
    InetAddress accept(End& end);

private:
    Loop& loop_;
    SocketAddress address_;
    bool armed_ = false;
};

/// Starts to connect and waits for the outcome.
[[nodiscard]] std::error_code connect(Loop& loop, End& end, const SocketAddress& address,
                                      const ConnectionOptions& options = {});

/// Receives until there is nothing more, and appends it. The status of the last call: would_block, end or failed.
IoResult receive_all(Poller& poller, End& end, std::string& out, std::size_t buffer_bytes = 64 * 1024);

/// Waits until `size` bytes have come, arming as the contract says, and returns what has come.
std::string receive_exactly(Loop& loop, End& end, std::size_t size, std::size_t buffer_bytes = 64 * 1024);

/// Waits for the peer's half-close and returns what came before it.
std::string receive_to_end(Loop& loop, End& end);

/// Sends all, waiting where it must.
void send_all(Loop& loop, End& end, std::string_view text);

/// Sends the pattern from `offset` on until the peer's and the own buffers are full. Returns the bytes taken.
std::size_t fill(Loop& loop, End& end, std::size_t offset = 0);

/// A connection over each transport: `client` is the connecting, `server` the accepted end, on one loop.
class PairTest : public testing::TestWithParam<Transport> {
protected:
    PairTest() = default;
    ~PairTest() override;

    void SetUp() override {
        if (!tcp() && !pollux::test::has_unix_sockets()) GTEST_SKIP() << pollux::test::no_unix_sockets;
        make_ends();
    }

    /// Before each test: a connection.
    virtual void make_ends() { connect_pair(client, server); }

    /// `options` are those of both ends.
    void connect_pair(End& connecting, End& accepted, const ConnectionOptions& options = {});

    [[nodiscard]] static bool tcp() { return GetParam() == Transport::tcp; }

    /// An address to listen at that nobody else uses.
    [[nodiscard]] SocketAddress fresh_address() const { return tcp() ? loopback() : path.address(); }

    TemporaryPath path;
    Loop loop;
    End client;
    End server;
};

/// Tests of what Unix sockets alone have.
class UnixTest : public testing::Test {
protected:
    void SetUp() override {
        if (!pollux::test::has_unix_sockets()) GTEST_SKIP() << pollux::test::no_unix_sockets;
    }

    TemporaryPath path;
};

std::string transport_name(const testing::TestParamInfo<Transport>& transport);

}  // namespace pollux::platform::test

// One line in each file with tests of pairs.
#define POLLUX_ON_EACH_TRANSPORT(suite) \
    INSTANTIATE_TEST_SUITE_P(Transports, suite, testing::Values(Transport::tcp, Transport::unix_domain), transport_name)
