// The contract of a platform: everything the engine asks of an operating system, written once.
//
// A back end is a class `Poller` with a nested `Socket`. CMake puts one directory on the include path whose `backend.h`
// names the chosen class, so the engine is compiled against it directly: no virtual call and no #ifdef. The simulated
// network of the tests is one more back end.
//
// It is a readiness contract. The engine arms a socket, waits, and on an event performs non-blocking operations itself:
//
//   wait(deadline)
//       Blocks until there are events, or until the deadline (Time::max(): without bound; one that has passed: not at
//       all), and returns how many events `event(i)` can tell. May return early or empty.
//   wake()
//       Makes the current or the next `wait` return. Any thread, and from a signal handler. The only function that is
//       not for the reactor's thread alone.
//   attach(socket, handle)
//       Takes over a native handle of a listening or connected socket. Nothing is armed yet. On failure the handle
//       stays the caller's. The socket object must not move until it is released; the engine keeps its memory until
//       the turn ends.
//   arm_receive(socket)
//       A `receivable` event is wanted (for a listener: a connection to accept). The engine arms again after each such
//       event when it wants another; what was there and not taken counts, so a `receive` that filled the buffer and an
//       `accept` that was not the last lead to another event.
//   disarm_receive(socket)
//       No `receivable` event is wanted. One that is under way may still come and must be expected.
//   arm_send(socket, pending)
//       A `sendable` event is wanted; only after a `send` that took less than it was given. `pending` is the front of
//       what waits to be sent; these bytes stay where they are, unchanged, until the event or the release. A back end
//       of completions may send them itself and tell how many in `Event::sent`; one of readiness ignores them and
//       tells 0.
//   receive, send
//       Non-blocking. `send` takes one span or gathers up to `max_send_parts`. A `receive` shorter than the buffer
//       means that nothing more was there; `end` is the peer's orderly half-close.
//   send_file(socket, file, offset, count)
//       Non-blocking where the socket is concerned; it may wait for the disk. Sends bytes of a regular file, `count` at
//       most, without moving any position in it. Fewer bytes than that say nothing: only `would_block` is followed by
//       `arm_send`, with no pending bytes. `end`: nothing is behind `offset`, the file is shorter than was thought.
//       Where a file system cannot do it, it fails, and the file is to be read and sent.
//   connect(socket, address, options), finish_connect(socket)
//       Makes a socket, if it has none, and starts to connect. `done`: under way, and a `sendable` event follows, on
//       which `finish_connect` tells the outcome. `would_block`: try again later (a full Unix backlog).
//   handle_of(socket)
//       For calls that are not of the poller: multicast groups.
//   close(socket)
//       Gives the handle back. True: the socket object may be reused at the end of this turn. False: operations are in
//       flight, and a `released` event comes when the last one is back.
//   attach_datagrams(socket, handle, batching)
//       `attach` for a UDP socket: with as few calls for many datagrams as the system and `batching` allow.
//   receive_datagrams(socket, intake)
//       Non-blocking. `done`: `intake.count` messages are there; less than all slots means that nothing more was.
//   send_datagrams(socket, runs)
//       Non-blocking. `IoResult::bytes` is how many datagrams, counted over the runs, the system took, whatever the
//       status tells of the next: `would_block`: a `sendable` event follows once `arm_send` asks for it; `failed`: it
//       was refused for itself, and what comes behind it may be tried without it.
//   take_datagram_error(socket, fault)
//       What the network told of datagrams sent before, one at a time; after an event with `failed`.
//   reset_on_close(socket)
//       The next `close` discards what the kernel holds and resets the connection, where that exists.
//
// An event with `failed` tells an error or a hang-up in both directions: it is reported whether armed or not, and
// `take_error` tells the error, 0 for a plain hang-up (what the peer sent before it can still be received).
// No function here throws. SIGPIPE is never raised. Interrupted calls are repeated.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

#include <pollux/address.h>
#include <pollux/bytes.h>
#include <pollux/options.h>

#include "platform/datagrams.h"
#include "platform/errors.h"

namespace pollux::platform {

using Time = std::chrono::steady_clock::time_point;

/// A socket or a file of the operating system; -1 is none.
using NativeHandle = std::intptr_t;
inline constexpr NativeHandle invalid_handle = -1;

enum class IoStatus : std::uint8_t {
    done,
    would_block,
    end,             ///< receive: the peer has finished sending.
    no_descriptors,  ///< accept: the process or the system has no descriptor left.
    failed,          ///< `error` tells why.
};

struct IoResult {
    IoStatus status = IoStatus::done;
    int error = 0;  ///< The system's error number, with `failed`.
    std::size_t bytes = 0;
};

/// The most parts that one gathering `send` may be given.
inline constexpr std::size_t max_send_parts = 64;

/// Bits of `Event::flags`.
inline constexpr std::uint32_t receivable = 1;
inline constexpr std::uint32_t sendable = 2;
inline constexpr std::uint32_t failed = 4;
inline constexpr std::uint32_t released = 8;

template <class Socket>
struct Event {
    Socket* socket = nullptr;  ///< Null for an event that concerns the poller alone.
    std::uint32_t flags = 0;
    std::size_t sent = 0;
};

struct Accepted {
    NativeHandle handle = invalid_handle;
    InetAddress peer;
};

/// What a listening socket is made with. The connection options hold for the sockets accepted from it.
struct ListenOptions {
    int backlog = 0;
    bool reuse_address = false;
    bool reuse_port = false;
    bool ipv6_only = false;
    ConnectionOptions connection;
};

template <class P>
concept PollerContract = requires(P poller, typename P::Socket& socket, NativeHandle handle, Accepted& accepted,
                                  MutableBytes buffer, Bytes bytes, std::span<const Bytes> many, Time deadline,
                                  const SocketAddress& address, const ConnectionOptions& options, UdpBatching batching,
                                  DatagramIntake& intake, std::span<const OutgoingRun> runs, DatagramFault& fault) {
    requires std::default_initializable<typename P::Socket>;
    { socket.is_open() }
    noexcept->std::same_as<bool>;
    { socket.tag } -> std::same_as<std::uint8_t&>;  // the engine's own mark of what embeds the socket

    { poller.open() } -> std::same_as<std::error_code>;
    { poller.wait(deadline) } -> std::same_as<std::size_t>;
    { poller.event(std::size_t{}) } -> std::same_as<Event<typename P::Socket>>;
    { poller.wake() }
    noexcept;
    { P::now() }
    noexcept->std::same_as<Time>;

    { poller.attach(socket, handle) } -> std::same_as<std::error_code>;
    { poller.arm_receive(socket) }
    noexcept;
    { poller.disarm_receive(socket) }
    noexcept;
    { poller.arm_send(socket, bytes) }
    noexcept;

    { poller.accept(socket, accepted) }
    noexcept->std::same_as<IoResult>;
    { poller.connect(socket, address, options) } -> std::same_as<IoResult>;
    { poller.finish_connect(socket) }
    noexcept->std::same_as<std::error_code>;
    { poller.receive(socket, buffer) }
    noexcept->std::same_as<IoResult>;
    { poller.send(socket, bytes) }
    noexcept->std::same_as<IoResult>;
    { poller.send(socket, many) }
    noexcept->std::same_as<IoResult>;
    { poller.send_file(socket, handle, std::uint64_t{}, std::size_t{}) }
    noexcept->std::same_as<IoResult>;
    { poller.attach_datagrams(socket, handle, batching) } -> std::same_as<std::error_code>;
    { poller.receive_datagrams(socket, intake) }
    noexcept->std::same_as<IoResult>;
    { poller.send_datagrams(socket, runs) }
    noexcept->std::same_as<IoResult>;
    { poller.take_datagram_error(socket, fault) }
    noexcept->std::same_as<bool>;
    { poller.take_error(socket) }
    noexcept->std::same_as<int>;
    { poller.shutdown_send(socket) }
    noexcept;
    { poller.reset_on_close(socket) }
    noexcept;
    { poller.close(socket) }
    noexcept->std::same_as<bool>;
    { poller.handle_of(socket) }
    noexcept->std::same_as<NativeHandle>;
    { poller.local_address(socket) } -> std::same_as<SocketAddress>;
    { poller.peer_address(socket) } -> std::same_as<SocketAddress>;

    // What the system has for datagrams, of what is wanted.
    { P::batching(batching) }
    noexcept->std::same_as<UdpBatching>;
    { P::datagram_errors() }
    noexcept->std::same_as<DatagramErrors>;

    // Whether several listening sockets on one address share the incoming connections.
    { P::spreads_listeners(Transport{}) }
    noexcept->std::same_as<bool>;

    // Whether several UDP sockets on one address share the datagrams that come in.
    { P::spreads_datagrams() }
    noexcept->std::same_as<bool>;
};

}  // namespace pollux::platform
