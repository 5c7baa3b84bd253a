// UDP: sockets on one address, one for each reactor that serves it, or connected to one peer.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <pollux/detail/handler_factory.h>
#include <pollux/engine.h>
#include <pollux/udp_socket.h>

namespace pollux {

/// How datagrams pass between the library and the system.
enum class UdpBatching : std::uint8_t {
    automatic,  ///< As few calls as the system allows: on Linux `recvmmsg` and `sendmmsg`, and with UDP_GRO and
                ///< UDP_SEGMENT runs of equal size in one piece. What the kernel does not offer is not used.
    calls,      ///< Many datagrams a call, but each for itself.
    none,       ///< One call for each datagram.
};

/// What holds for multicast.
struct MulticastOptions {
    /// Joined at the start; a group that cannot be joined is a mistake of the start. With sockets on several reactors,
    /// those of the first reactor's: each member socket would get every datagram.
    std::vector<MulticastGroup> groups{};

    unsigned hops = 1;  ///< How far what is sent to a group goes: 0 stays on this machine, 1 on the link; at most 255.
    bool loopback = true;  ///< Members on this machine get what is sent from here.

    /// The interface that datagrams to groups leave by: name or number. Empty: as the system routes the group.
    std::string interface_name{};
};

/// What a `Udp` is bound and connected to, and how it treats its datagrams. Checked by `UdpBase::start`.
struct UdpOptions {
    /// Where datagrams are received: "udp://*:3333" or the like, see `Endpoint`. May be empty if `connect` is given.
    std::string bind{};

    /// The one peer to talk with: others are not heard. A name is looked up by `start`, on the calling thread. Empty:
    /// anybody's datagrams are received, and `send_to` says where.
    std::string connect{};

    /// Where the socket lives. Unset: a connected socket on each reactor in turn; a bound address on every reactor,
    /// with a socket on each (SO_REUSEPORT), among which the system spreads the peers; where a system does not (macOS,
    /// FreeBSD, Windows), there is one socket, on each reactor in turn.
    std::optional<std::size_t> reactor{};

    bool reuse_address = false;  ///< SO_REUSEADDR: several programs may be bound to a multicast port.
    bool reuse_port = false;  ///< SO_REUSEPORT towards other processes. Among the engine's reactors it is used anyway.
    bool ipv6_only = false;   ///< For an IPv6 address: no dual stack.
    bool broadcast = false;   ///< Allows sending to broadcast addresses.
    std::optional<unsigned> hops{};  ///< TTL or hop limit of what is not multicast, 1 to 255. Unset: the system's.
    MulticastOptions multicast{};

    /// SO_RCVBUF. Unlike TCP's it does not grow by itself, and what does not fit is lost, so by default it is asked to
    /// be large; the system bounds it (Linux: net.core.rmem_max).
    std::size_t kernel_receive_buffer_bytes = 8 * 1024 * 1024;
    std::size_t kernel_send_buffer_bytes = 0;  ///< SO_SNDBUF; 0 leaves it to the system.

    /// Larger datagrams are cut: `on_truncated`. 1 to 65'535; by default nothing is.
    std::size_t max_datagram_bytes = 65'535;

    std::size_t high_watermark_bytes = 1024 * 1024;  ///< `send` refuses while this much is pending.
    std::size_t low_watermark_bytes = 256 * 1024;    ///< `on_drain` is called when pending bytes are down to this.

    /// Never more than this is pending. Datagrams from other threads were taken by a mailbox, so they may pass the high
    /// watermark; at this limit they are refused: `on_error` with std::errc::no_buffer_space.
    std::size_t max_pending_bytes = 16 * 1024 * 1024;

    UdpBatching batching = UdpBatching::automatic;

    /// Bound on a close while datagrams are pending; must be positive.
    std::chrono::milliseconds close_timeout{std::chrono::seconds{5}};
};

/// Everything of a `Udp` that does not depend on its handler. Unless said otherwise, any thread may call its functions.
class UdpBase {
public:
    UdpBase(const UdpBase&) = delete;
    UdpBase& operator=(const UdpBase&) = delete;

    /// Makes, binds and connects the sockets. Works before the engine is started (datagrams wait in the system's
    /// buffers) and while it runs; `Engine::run` does it for those that are not started. Called on an application
    /// thread while the engine runs, it returns when every `on_open` was called.
    [[nodiscard]] Status start();

    /// Closes every socket: `UdpSocket::close`, with `CloseReason::shutdown`. On an application thread it waits until
    /// every `on_close` was called; on a reactor's thread it returns at once and the rest happens in the loop.
    void stop();

    /// `stop`, then `start` on the same address, also if the system chose the port. Application thread only.
    [[nodiscard]] Status restart();

    /// True from a successful `start` until `stop`, or until every socket was closed by itself.
    [[nodiscard]] bool running() const noexcept;

    /// The address it is bound to, with the port the system chose. None while stopped.
    [[nodiscard]] InetAddress address() const;

    /// The port it is bound to; 0 while stopped.
    [[nodiscard]] std::uint16_t port() const { return address().port; }

    /// Sends a datagram to the peer it is connected to: `UdpSocket::send` on a reactor that has one of its sockets,
    /// else through the calling thread's mailbox as `Engine::send(id, …)`. `closed` also while the engine does not run.
    Result send(Bytes bytes);
    Result send(std::string_view text) { return send(as_bytes(text)); }

    /// Sends a datagram to an address, likewise.
    Result send_to(const InetAddress& to, Bytes bytes);
    Result send_to(const InetAddress& to, std::string_view text) { return send_to(to, as_bytes(text)); }

    /// The socket on a reactor, by the reactor's index; no id if there is none open.
    [[nodiscard]] UdpSocketId socket_id(std::size_t reactor = 0) const noexcept;

    /// Over all its sockets, past ones included. Each figure is exact, together they may be a moment apart.
    [[nodiscard]] UdpCounters counters() const noexcept;

    [[nodiscard]] Engine& engine() const noexcept;

    /// Internal: the library's own side.
    class Core;

protected:
    UdpBase(Engine& engine, UdpOptions options, detail::HandlerFactory<DatagramHandler> factory);

    /// Aborts the sockets. On an application thread it waits until every `on_close` was called.
    ~UdpBase();

private:
    std::shared_ptr<Core> core_;
};

/// UDP sockets handled by `H`, a `DatagramHandler` made from copies of `arguments` for each socket. Server and client
/// in one: `bind` receives from anybody, `connect` talks with one peer.
template <class H>
class Udp final : public UdpBase {
public:
    template <class... Arguments>
    Udp(Engine& engine, UdpOptions options, Arguments&&... arguments) requires detail::MadeFrom<H, Arguments...>
        : UdpBase(engine, std::move(options),
                  detail::HandlerFactory<DatagramHandler>::of<H>(std::forward<Arguments>(arguments)...)) {}

    /// With callbacks: `Udp udp{engine, {.bind = …}, DatagramCallbacks{.on_datagram = …}}`.
    Udp(Engine& engine, UdpOptions options,
        DatagramCallbacks callbacks) requires std::is_same_v<H, DatagramCallbackHandler>
        : UdpBase(engine, std::move(options),
                  detail::HandlerFactory<DatagramHandler>::of<H>(
                      std::make_shared<const DatagramCallbacks>(std::move(callbacks)))) {}
};

Udp(Engine&, UdpOptions, DatagramCallbacks)->Udp<DatagramCallbackHandler>;

}  // namespace pollux
