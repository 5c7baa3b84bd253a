// The epoll back end: edge-triggered registrations made once, eventfd to wake, timerfd for deadlines.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "platform/datagrams_linux.h"
#include "platform/platform.h"
#include "platform/told_again.h"

namespace pollux::platform {

/// Every socket is registered once, edge-triggered, for everything; arming and disarming then are bits in `Socket` and
/// cost no system call, also where a reader is held back or a send is blocked. Measured against level-triggered
/// registrations changed on demand, this is never behind, and 1.2 times as fast for one busy Unix client: the kernel
/// tells the server that the peer reads, just before it answers. Only a UDP socket is registered for writability when
/// it waits for it: it hardly ever does, and each datagram that its peer takes would be an edge.
///
/// A deadline goes to a timerfd that is set again only when an earlier one is wanted or it has fired: a timeout
/// argument would cost the kernel a timer for every sleep, 4 to 10 % of a small message. See platform.h for what each
/// function promises.
class EpollPoller {
public:
    struct Socket {
        int descriptor = -1;
        std::uint8_t tag = 0;
        std::uint8_t wanted = 0;         // of receivable | sendable
        bool drained : 1 = true;         // nothing to receive until the next edge
        bool peer_finished : 1 = false;  // the edge of the peer's FIN has come: a short receive is not the last
        bool listed : 1 = false;         // of `again_`
        bool watches_send : 1 = false;   // registered for writability
        DatagramMode datagrams;          // of a UDP socket

        [[nodiscard]] bool is_open() const noexcept { return descriptor >= 0; }
    };

    EpollPoller() = default;
    ~EpollPoller();
    EpollPoller(const EpollPoller&) = delete;
    EpollPoller& operator=(const EpollPoller&) = delete;

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
    void arm_send(Socket& socket, Bytes /*pending*/) noexcept {
        socket.wanted |= sendable;
        if (!socket.watches_send) watch_send(socket, true);
    }

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

    [[nodiscard]] static UdpBatching batching(UdpBatching wanted) noexcept { return wanted; }
    [[nodiscard]] static DatagramErrors datagram_errors() noexcept { return DatagramErrors::of_all; }

    /// SO_REUSEPORT spreads TCP connections by a hash; Unix sockets have nothing like it.
    [[nodiscard]] static bool spreads_listeners(Transport transport) noexcept { return transport == Transport::tcp; }
    [[nodiscard]] static bool spreads_datagrams() noexcept { return true; }

private:
    static constexpr std::size_t max_events = 512;

    int wait_epoll(Time deadline);
    [[nodiscard]] std::error_code watch(int descriptor, void* mark);
    [[nodiscard]] std::error_code add(Socket& socket, NativeHandle handle, std::uint32_t events);
    void watch_send(Socket& socket, bool wanted) noexcept;

    int epoll_ = -1;
    int wake_ = -1;
    int alarm_ = -1;
    Time alarm_time_ = Time::max();  // when the alarm goes off; max: it is not set
    std::size_t fresh_ = 0;          // events of epoll in this turn; those of `again_` follow
    ToldAgain<Socket> again_;
    std::unique_ptr<LinuxDatagrams> datagrams_;  // made for the first UDP socket
    std::array<epoll_event, max_events> events_;
};

static_assert(PollerContract<EpollPoller>);

}  // namespace pollux::platform
