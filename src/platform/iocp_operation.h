// What the completion port's operations need as long as they are under way, which may be longer than their socket.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "platform/platform.h"
#include "platform/sockets_windows.h"

namespace pollux::platform {

struct SocketRecord;

/// One operation of a socket, at most once under way. The system knows it by its OVERLAPPED.
struct Operation : OVERLAPPED {
    enum class Kind : std::uint8_t { receive, accept, connect, send };

    explicit Operation(SocketRecord& of) noexcept : OVERLAPPED{}, record(&of) {}

    SocketRecord* record;
    Kind kind{};
    bool under_way = false;  // from its start until the event is told
};

/// What a listening socket accepts into.
struct AcceptSlot {
    /// The options that accepted sockets get: which of them they inherit is nowhere said.
    struct Options {
        int no_delay = 0;
        int keep_alive = 0;
        int keep_alive_idle = 0;
        int keep_alive_interval = 0;
        int keep_alive_count = 0;
        int receive_buffer = 0;  // 0: the system's choice
        int send_buffer = 0;
    };

    OwnedSocket socket;       // for the operation under way, or the connection that it brought
    bool is_waiting = false;  // `socket` is a connection, not taken yet
    int error = 0;            // no socket could be made: to be told by the next `accept`
    Options options;

    /// Both addresses as AcceptEx writes them, which wants 16 bytes more for each.
    static constexpr DWORD address_bytes = sizeof(sockaddr_storage) + 16;
    alignas(sockaddr_storage) std::array<std::byte, 2 * address_bytes> addresses;
};

/// A socket's other half: what must stay until the last completion is back. It belongs to the poller; the engine's
/// Socket may go at once.
struct SocketRecord {
    enum class Role : std::uint8_t { stream, listener, datagrams };

    SocketRecord() noexcept : receiving(*this), sending(*this) {}
    SocketRecord(const SocketRecord&) = delete;
    SocketRecord& operator=(const SocketRecord&) = delete;

    void* socket = nullptr;  // the engine's; null once it is closed
    SOCKET handle = INVALID_SOCKET;
    SocketRecord* next = nullptr;  // of the poller's list
    SocketRecord* previous = nullptr;

    Operation receiving;  // a receive without a buffer, or an accept
    Operation sending;    // the send of what waits, or a connect
    int in_flight = 0;    // completions that are still to come
    int error = 0;        // what broke the connection

    Role role = Role::stream;
    std::uint8_t wanted = 0;       // of receivable | sendable
    bool ready : 1 = false;        // something may be there to receive
    bool room : 1 = false;         // sending may go on, without an operation that would tell
    bool tells_error : 1 = false;  // an operation could not be started
    bool listed : 1 = false;       // in the poller's list of what is told again
    bool finished : 1 = false;     // the peer's end was received
    bool held : 1 = false;         // its hang-up is watched for, since something is there that nobody wants yet
    bool is_unix : 1 = false;
    bool is_ipv6 : 1 = false;

    std::unique_ptr<std::byte[]> outgoing;  // what `sending` sends
    std::unique_ptr<AcceptSlot> accepting;  // of a listener
};

}  // namespace pollux::platform
