// Datagrams on Windows.
#include "platform/datagrams_windows.h"

#include <algorithm>

#include "platform/socket_address.h"
#include "platform/socket_calls.h"

namespace pollux::platform {

namespace {

/// SIO_UDP_NETRESET, which not every header names.
constexpr DWORD tell_of_resets = _WSAIOW(IOC_VENDOR, 15);

}  // namespace

void tune_datagram_socket(SocketHandle socket, SocketAddress::Family /*family*/) noexcept {
    // Otherwise one datagram that nobody wanted makes a later receive fail, which does not tell whose it was.
    for (const DWORD request : {DWORD{SIO_UDP_CONNRESET}, tell_of_resets}) {
        BOOL tell = FALSE;
        DWORD returned = 0;
        ::WSAIoctl(socket, request, &tell, sizeof tell, nullptr, 0, &returned, nullptr, nullptr);
    }
}

int receive_datagram(SOCKET socket, DatagramArrival& arrival) noexcept {
    InetSockaddr from;
    int length = sizeof from;
    const int count =
        ::recvfrom(socket, reinterpret_cast<char*>(arrival.slot), datagram_slot_bytes, 0, &from.any, &length);
    const int error = count < 0 ? ::WSAGetLastError() : 0;
    if (error != 0 && error != WSAEMSGSIZE) return error;
    arrival.bytes = error == 0 ? static_cast<std::uint32_t>(count) : datagram_slot_bytes;
    arrival.segment_bytes = 0;
    arrival.truncated = error == WSAEMSGSIZE;
    arrival.from = from_inet_sockaddr(from, length);
    return 0;
}

bool is_datagram_fault(int error) noexcept {
    return error == WSAECONNRESET || error == WSAENETRESET || error == WSAECONNREFUSED || error == WSAEHOSTUNREACH ||
           error == WSAENETUNREACH;
}

Bytes datagram_at(const OutgoingRun& run, std::size_t offset) noexcept {
    return {run.data + offset, std::min<std::size_t>(run.segment_bytes, run.bytes - offset)};
}

int send_datagram(SOCKET socket, bool ipv6_socket, const InetAddress& to, Bytes datagram,
                  OVERLAPPED* operation) noexcept {
    InetSockaddr address;
    socklen_t length = 0;
    if (to) {
        length = to_inet_sockaddr(to, ipv6_socket, address);
        if (length == 0) return WSAEAFNOSUPPORT;
    }
    WSABUF buffer{static_cast<ULONG>(datagram.size()),
                  const_cast<char*>(reinterpret_cast<const char*>(datagram.data()))};
    DWORD sent = 0;
    const int result =
        ::WSASendTo(socket, &buffer, 1, &sent, 0, length != 0 ? &address.any : nullptr, length, operation, nullptr);
    if (result == 0) return 0;
    const int error = ::WSAGetLastError();
    return error == WSA_IO_PENDING ? 0 : error;
}

}  // namespace pollux::platform
