// The functions of Winsock's extensions.
#include "platform/iocp_functions.h"

#include "platform/sockets_windows.h"

namespace pollux::platform {

namespace {

template <class Function>
bool find(SOCKET socket, GUID name, Function& out) noexcept {
    DWORD returned = 0;
    return ::WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &name, sizeof name, &out, sizeof out, &returned,
                      nullptr, nullptr) == 0;
}

}  // namespace

std::error_code IocpFunctions::load() noexcept {
    const OwnedSocket socket = open_socket(AF_INET, SOCK_STREAM);
    const bool found = socket && find(socket.get(), WSAID_ACCEPTEX, accept_ex) &&
                       find(socket.get(), WSAID_CONNECTEX, connect_ex) &&
                       find(socket.get(), WSAID_GETACCEPTEXSOCKADDRS, get_accept_ex_sockaddrs);
    return found ? std::error_code{} : last_socket_error();
}

}  // namespace pollux::platform
