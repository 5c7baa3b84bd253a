// What Winsock is started, told of and understood by.
#include "common/socket_calls.h"

#include <cstddef>
#include <vector>

#include "native_sockets.h"

namespace pollux::test {
namespace {

/// The numbers of `errno` for those of Winsock that tests look at.
int to_errno(int error) {
    switch (error) {
        case WSAEWOULDBLOCK:
        case WSAETIMEDOUT:  // SO_RCVTIMEO's
            return EAGAIN;
        case WSAEINTR:
            return EINTR;
        case WSAECONNRESET:
        case WSAENETRESET:
            return ECONNRESET;
        case WSAECONNABORTED:
            return ECONNABORTED;
        case WSAECONNREFUSED:
            return ECONNREFUSED;
        case WSAESHUTDOWN:
            return EPIPE;
        case WSAEADDRINUSE:
            return EADDRINUSE;
        case WSAEMFILE:
            return EMFILE;
        default:
            return EIO;
    }
}

}  // namespace

void native::start_up() {
    static const int outcome = [] {
        WSADATA ignored{};
        return ::WSAStartup(MAKEWORD(2, 2), &ignored);
    }();
    (void)outcome;
}

bool native::note_error() {
    errno = to_errno(::WSAGetLastError());
    return false;
}

bool is_inherited(SocketHandle handle) {
    DWORD flags = 0;
    return ::GetHandleInformation(reinterpret_cast<HANDLE>(handle), &flags) == 0 || (flags & HANDLE_FLAG_INHERIT) != 0;
}

unsigned loopback_interface() {
    // It is asked what kinds there are: by which one to reach 127.0.0.1 is not told the same everywhere.
    std::vector<std::byte> memory(64 * 1024);
    auto* list = reinterpret_cast<IP_ADAPTER_ADDRESSES*>(memory.data());
    auto size = static_cast<ULONG>(memory.size());
    if (::GetAdaptersAddresses(AF_INET, 0, nullptr, list, &size) != NO_ERROR) return 0;
    for (const IP_ADAPTER_ADDRESSES* each = list; each != nullptr; each = each->Next) {
        if (each->IfType == IF_TYPE_SOFTWARE_LOOPBACK) return each->IfIndex;
    }
    return 0;
}

void for_each_socket(const std::function<void(SocketHandle)>& visit) {
    // Handles are multiples of four, given out from below.
    for (SocketHandle handle = 4; handle < 65'536; handle += 4) visit(handle);
}

}  // namespace pollux::test
