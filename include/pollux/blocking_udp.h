// A UDP socket for threads that may block: scripts, tests, tools. A thin layer above the sockets of a reactor.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include <pollux/udp.h>

namespace pollux {

/// One UDP socket, bound or connected, used by one application thread. What arrives between calls waits, up to a limit;
/// what comes beyond it is dropped and counted in `dropped`. Not on a reactor's thread: there every call that would
/// wait fails with `Errc::wrong_thread`.
class BlockingUdp {
public:
    /// The engine must run and outlive it.
    explicit BlockingUdp(Engine& engine);

    /// Closes the socket.
    ~BlockingUdp();

    BlockingUdp(const BlockingUdp&) = delete;
    BlockingUdp& operator=(const BlockingUdp&) = delete;

    /// Makes the socket. `max_waiting_bytes` bounds what waits to be received; each datagram counts its bytes and 40
    /// more. A socket that is open is closed before.
    [[nodiscard]] Status open(UdpOptions options, std::size_t max_waiting_bytes = 4 * 1024 * 1024);

    /// Sends a datagram to the peer that the socket is connected to, waiting while too much is pending.
    /// `Errc::timed_out`: there was no room in time. `Errc::too_large`: more than `max_datagram_bytes`. An error that
    /// the network told of a datagram sent before (connection_refused) is told by the next call that receives.
    [[nodiscard]] Status send(Bytes bytes, std::chrono::milliseconds timeout);
    [[nodiscard]] Status send(std::string_view text, std::chrono::milliseconds timeout) {
        return send(as_bytes(text), timeout);
    }

    /// Sends a datagram to an address, likewise.
    [[nodiscard]] Status send_to(const InetAddress& to, Bytes bytes, std::chrono::milliseconds timeout);
    [[nodiscard]] Status send_to(const InetAddress& to, std::string_view text, std::chrono::milliseconds timeout) {
        return send_to(to, as_bytes(text), timeout);
    }

    /// Waits for the next datagram, writes it to `buffer` and its size to `received`; `from` tells who sent it.
    /// `Errc::timed_out`: none came in time. `Errc::too_large`: it does not fit into `buffer`, which holds its
    /// beginning, or it was cut when it arrived; the rest of it is lost. An error of an earlier send is told once, in
    /// its turn.
    [[nodiscard]] Status receive(MutableBytes buffer, std::size_t& received, InetAddress& from,
                                 std::chrono::milliseconds timeout);
    [[nodiscard]] Status receive(MutableBytes buffer, std::size_t& received, std::chrono::milliseconds timeout);

    /// Closes the socket once what was sent is taken by the system; at most `UdpOptions::close_timeout`.
    void close();

    /// The address it is bound to; none while closed.
    [[nodiscard]] InetAddress address() const;

    /// Datagrams that came while too many were waiting.
    [[nodiscard]] std::size_t dropped() const;

private:
    struct Session;

    Engine* engine_;
    std::unique_ptr<Session> session_;
};

}  // namespace pollux
