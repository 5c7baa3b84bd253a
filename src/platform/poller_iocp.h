// The back end of I/O completion ports: readiness made of operations that move no bytes.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "platform/iocp_functions.h"
#include "platform/iocp_hang_ups.h"
#include "platform/iocp_operation.h"
#include "platform/platform.h"
#include "platform/told_again.h"

namespace pollux::platform {

/// Every socket is associated with the port for good. A receive with an empty buffer is under way whenever nothing is
/// known to be there, armed or not: it completes when something comes, or tells that the connection broke. What an
/// armed socket then has is fetched by a call that does not block. A socket that is known to hold more is put on a list
/// that the next `wait` reports again; while nobody wants it, IocpHangUps tells if the connection breaks. A listener
/// has one AcceptEx under way, which tells that connections come; those behind it are fetched by plain calls.
///
/// What a send left over goes out as an operation, a copied piece of it: then the engine's memory is not the system's
/// for an uncertain time, and a socket is released by `close` at once. The record of a socket, with the memory of its
/// operations, stays until the last of them is back. See platform.h for what each function promises.
class IocpPoller {
public:
    struct Socket {
        SocketRecord* system_side = nullptr;
        std::uint8_t tag = 0;

        [[nodiscard]] bool is_open() const noexcept { return system_side != nullptr; }
    };

    IocpPoller() = default;
    ~IocpPoller();
    IocpPoller(const IocpPoller&) = delete;
    IocpPoller& operator=(const IocpPoller&) = delete;

    [[nodiscard]] std::error_code open();
    std::size_t wait(Time deadline);
    [[nodiscard]] Event<Socket> event(std::size_t index) noexcept;
    void wake() noexcept;
    [[nodiscard]] static Time now() noexcept { return std::chrono::steady_clock::now(); }

    [[nodiscard]] std::error_code attach(Socket& socket, NativeHandle handle);
    void arm_receive(Socket& socket) noexcept;
    void disarm_receive(Socket& socket) noexcept;
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
    [[nodiscard]] static NativeHandle handle_of(const Socket& socket) noexcept {
        return socket.is_open() ? static_cast<NativeHandle>(socket.system_side->handle) : invalid_handle;
    }
    [[nodiscard]] SocketAddress local_address(const Socket& socket) const;
    [[nodiscard]] SocketAddress peer_address(const Socket& socket) const;

    [[nodiscard]] static UdpBatching batching(UdpBatching /*wanted*/) noexcept { return UdpBatching::none; }
    [[nodiscard]] static DatagramErrors datagram_errors() noexcept { return DatagramErrors::none; }
    [[nodiscard]] static bool spreads_listeners(Transport /*transport*/) noexcept { return false; }
    [[nodiscard]] static bool spreads_datagrams() noexcept { return false; }

private:
    static constexpr std::size_t max_events = 512;

    /// An operation that is back and not told yet.
    struct Completion {
        Operation* operation;
        std::size_t bytes;
        int error;
    };

    // Records and operations: poller_iocp.cpp.
    [[nodiscard]] std::error_code add(Socket& socket, SOCKET handle, SocketRecord::Role role);
    void discard(SocketRecord& record) noexcept;
    void discard_closed() noexcept;
    void take(const OVERLAPPED_ENTRY& entry) noexcept;
    [[nodiscard]] Event<Socket> tell(const Completion& completion) noexcept;
    [[nodiscard]] Event<Socket> tell_again(std::size_t index) noexcept;
    static void begin(Operation& operation, Operation::Kind kind) noexcept;
    static bool begun(Operation& operation, bool accepted_by_system) noexcept;
    void fail(SocketRecord& record, int error) noexcept;
    void watch_receive(SocketRecord& record) noexcept;
    void watch_hang_up(SocketRecord& record) noexcept;
    void find_hang_ups() noexcept;

    // Streams: poller_iocp_streams.cpp.
    void start_accept(SocketRecord& listener) noexcept;
    [[nodiscard]] bool take_accepted(SocketRecord& listener, Accepted& out) noexcept;
    [[nodiscard]] IoResult connect_unix(SocketRecord& record, const sockaddr_storage& address, int length) noexcept;
    [[nodiscard]] IoResult send_buffers(SocketRecord& record, std::span<WSABUF> buffers) noexcept;

    // Datagrams: poller_iocp_datagrams.cpp.
    [[nodiscard]] bool send_later(SocketRecord& record, const InetAddress& to, Bytes datagram) noexcept;

    HANDLE port_ = nullptr;
    IocpHangUps hang_ups_;
    std::atomic<bool> woken_{false};  // a packet that wakes is under way: one is enough
    IocpFunctions functions_;
    SocketRecord* first_record_ = nullptr;
    std::vector<SocketRecord*> closed_;  // in this turn, with nothing in flight: events of theirs may be left in it
    ToldAgain<SocketRecord> again_;
    std::size_t fresh_ = 0;  // completions to be told in this turn; those of `again_` follow
    std::array<Completion, max_events> completions_;
    std::array<OVERLAPPED_ENTRY, max_events> entries_;
    std::unique_ptr<std::byte[]>
        peeked_;  // what receives of datagrams that are only looked at write to; nobody reads it
};

static_assert(PollerContract<IocpPoller>);

}  // namespace pollux::platform
