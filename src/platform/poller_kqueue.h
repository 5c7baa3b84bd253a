// The kqueue back end: EVFILT_READ registered once with EV_CLEAR, EVFILT_WRITE when there is something to wait for,
// EVFILT_USER to wake.
#pragma once

#include <sys/event.h>
#include <sys/time.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "platform/platform.h"
#include "platform/told_again.h"

namespace pollux::platform {

/// A socket is registered for reading once, when it is attached, and tells of each arrival once (EV_CLEAR): arming and
/// disarming are bits in `Socket` and cost no system call. A socket that is known to hold more is told again, see
/// told_again.h.
///
/// Room to send is asked for when a send was refused, for one event (EV_ONESHOT), and the request goes with the next
/// `wait`, in the same call. Registered for good it would be an event for each acknowledgement of the peer's that
/// leaves room, which is each: these systems wake who waits for room without looking whether anybody was refused.
///
/// Errors and the peer's end come with the reading side, armed or not. A hang-up without an error is not told apart
/// from a half-close: the next send tells. Datagrams pass one by one; the only errors of theirs are those of connected
/// sockets, which the system keeps in the socket and tells to whatever call comes next. See platform.h for what each
/// function promises.
class KqueuePoller {
public:
    struct Socket {
        int descriptor = -1;
        std::uint8_t tag = 0;
        std::uint8_t wanted = 0;               // of receivable | sendable
        bool drained : 1 = true;               // nothing to receive until the next edge
        bool peer_finished : 1 = false;        // the edge of the peer's FIN has come: a short receive is not the last
        bool listed : 1 = false;               // of `again_`
        bool ipv6 : 1 = false;                 // of a UDP socket
        bool connected_datagrams : 1 = false;  // a UDP socket that hears one peer alone
        std::int32_t datagram_fault = 0;       // an error of such a socket that a call has met

        [[nodiscard]] bool is_open() const noexcept { return descriptor >= 0; }
    };

    KqueuePoller() = default;
    ~KqueuePoller();
    KqueuePoller(const KqueuePoller&) = delete;
    KqueuePoller& operator=(const KqueuePoller&) = delete;

    [[nodiscard]] std::error_code open();
    std::size_t wait(Time deadline);
    [[nodiscard]] Event<Socket> event(std::size_t index) noexcept;
    void wake() noexcept;
    [[nodiscard]] static Time now() noexcept { return std::chrono::steady_clock::now(); }

    [[nodiscard]] std::error_code attach(Socket& socket, NativeHandle handle);

    void arm_receive(Socket& socket) noexcept {
        socket.wanted |= receivable;
        if (!socket.drained) again_.add(socket);
    }
    void disarm_receive(Socket& socket) noexcept { socket.wanted &= static_cast<std::uint8_t>(~receivable); }
    void arm_send(Socket& socket, Bytes pending) noexcept;

    [[nodiscard]] IoResult accept(Socket& listener, Accepted& out) noexcept;
    [[nodiscard]] IoResult connect(Socket& socket, const SocketAddress& address, const ConnectionOptions& options);
    [[nodiscard]] std::error_code finish_connect(Socket& socket) noexcept;
    [[nodiscard]] IoResult receive(Socket& socket, MutableBytes buffer) noexcept;
    [[nodiscard]] IoResult send(Socket& socket, Bytes bytes) noexcept;
    [[nodiscard]] IoResult send(Socket& socket, std::span<const Bytes> parts) noexcept;
    [[nodiscard]] IoResult send_file(Socket& socket, NativeHandle file, std::uint64_t offset,
                                     std::size_t count) noexcept;
    [[nodiscard]] std::error_code attach_datagrams(Socket& socket, NativeHandle handle, UdpBatching batching);
    [[nodiscard]] IoResult receive_datagrams(Socket& socket, DatagramIntake& intake) noexcept;
    [[nodiscard]] IoResult send_datagrams(Socket& socket, std::span<const OutgoingRun> runs) noexcept;
    [[nodiscard]] bool take_datagram_error(Socket& socket, DatagramFault& out) noexcept;
    [[nodiscard]] int take_error(Socket& socket) noexcept;
    void shutdown_send(Socket& socket) noexcept;
    void reset_on_close(Socket& socket) noexcept;
    [[nodiscard]] bool close(Socket& socket) noexcept;
    [[nodiscard]] static NativeHandle handle_of(const Socket& socket) noexcept { return socket.descriptor; }
    [[nodiscard]] SocketAddress local_address(const Socket& socket) const;
    [[nodiscard]] SocketAddress peer_address(const Socket& socket) const;

    [[nodiscard]] static UdpBatching batching(UdpBatching /*wanted*/) noexcept { return UdpBatching::none; }
    [[nodiscard]] static DatagramErrors datagram_errors() noexcept { return DatagramErrors::of_connected; }

    /// SO_REUSEPORT lets sockets share a port here, and gives what comes to one of them.
    [[nodiscard]] static bool spreads_listeners(Transport /*transport*/) noexcept { return false; }
    [[nodiscard]] static bool spreads_datagrams() noexcept { return false; }

private:
    static constexpr std::size_t max_events = 512;

    [[nodiscard]] std::error_code change(const struct kevent& change) const noexcept;
    [[nodiscard]] int wait_kqueue(Time deadline);
    [[nodiscard]] Event<Socket> event_again(Socket* socket) noexcept;
    [[nodiscard]] Event<Socket> receive_event(Socket& socket, const struct kevent& raw) noexcept;
    [[nodiscard]] Event<Socket> send_event(Socket& socket) noexcept;
    void keep_fault(Socket& socket, int error) noexcept;

    int queue_ = -1;
    std::size_t fresh_ = 0;  // events of kqueue in this turn; those of `again_` follow
    ToldAgain<Socket> again_;
    std::vector<struct kevent> changes_;  // requests for room, which the next `wait` hands over
    std::array<struct kevent, max_events> events_;
};

static_assert(PollerContract<KqueuePoller>);

}  // namespace pollux::platform
