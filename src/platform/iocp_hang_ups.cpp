// Connections that break while something is left to receive.
#include "platform/iocp_hang_ups.h"

#include <utility>

#include "platform/sockets_windows.h"

namespace pollux::platform {

namespace {

void CALLBACK post_packet(void* port, BOOLEAN /*timed_out*/) {
    ::PostQueuedCompletionStatus(port, 0, IocpHangUps::key, nullptr);
}

}  // namespace

void IocpHangUps::stop() noexcept {
    // Waits for a call of the pool's that is under way.
    if (wait_ != nullptr) ::UnregisterWaitEx(std::exchange(wait_, nullptr), INVALID_HANDLE_VALUE);
    if (event_ != nullptr) ::CloseHandle(std::exchange(event_, nullptr));
}

bool IocpHangUps::open(HANDLE port) noexcept {
    if (event_ == nullptr) event_ = ::CreateEventW(nullptr, FALSE, FALSE, nullptr);
    if (event_ == nullptr) return false;
    return ::RegisterWaitForSingleObject(&wait_, event_, post_packet, port, INFINITE, WT_EXECUTEDEFAULT) != 0;
}

bool IocpHangUps::add(SOCKET socket, HANDLE port) noexcept {
    if (wait_ == nullptr && !open(port)) return false;
    return ::WSAEventSelect(socket, event_, FD_CLOSE) == 0;
}

int IocpHangUps::error_of(SOCKET socket) noexcept {
    WSANETWORKEVENTS events{};
    if (::WSAEnumNetworkEvents(socket, nullptr, &events) != 0 || (events.lNetworkEvents & FD_CLOSE) == 0) return 0;
    if (const int error = events.iErrorCode[FD_CLOSE_BIT]; error != 0) return error;
    return was_reset(socket) ? WSAECONNRESET : 0;
}

}  // namespace pollux::platform
