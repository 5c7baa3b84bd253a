// What the sockets of POSIX systems are told by.
#include "common/socket_calls.h"

#include <algorithm>

#include "native_sockets.h"

namespace pollux::test {

bool is_inherited(SocketHandle handle) {
    return (::fcntl(static_cast<int>(handle), F_GETFD) & FD_CLOEXEC) == 0;
}

unsigned loopback_interface() {
    const unsigned linux_name = ::if_nametoindex("lo");
    return linux_name != 0 ? linux_name : ::if_nametoindex("lo0");
}

void for_each_socket(const std::function<void(SocketHandle)>& visit) {
    const auto end = std::min(::sysconf(_SC_OPEN_MAX), 65'536L);
    for (SocketHandle handle = 0; handle < end; ++handle) visit(handle);
}

}  // namespace pollux::test
