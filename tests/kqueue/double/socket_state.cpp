// What Linux knows of a socket, in the words of kqueue's filters.
#include "socket_state.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace pollux::kqueue_double {

namespace {

int option(int descriptor, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : 0;
}

short poll_now(int descriptor, short events) {
    pollfd entry{descriptor, events, 0};
    return ::poll(&entry, 1, 0) == 1 ? entry.revents : short{0};
}

/// Linux forgets an error that it is asked for, and there is no other way to learn which it is. So any is told as this.
std::uint32_t pending_error(short ready) {
    return (ready & POLLERR) != 0 ? ECONNRESET : 0;
}

std::intptr_t bytes_to_read(int descriptor) {
    int bytes = 0;
    return ::ioctl(descriptor, FIONREAD, &bytes) == 0 ? bytes : 0;
}

/// Connections to accept. Of Unix sockets Linux tells only whether there are any.
std::intptr_t backlog(int descriptor) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) return info.tcpi_unacked;
    return 1;
}

std::intptr_t room_to_write(int descriptor) {
    int pending = 0;
    if (::ioctl(descriptor, SIOCOUTQ, &pending) != 0) pending = 0;
    return std::max(option(descriptor, SO_SNDBUF) - pending, 0);
}

}  // namespace

FilterResult run_read_filter(int descriptor) {
    const short ready = poll_now(descriptor, POLLIN | POLLRDHUP);
    FilterResult result;
    result.ready = ready != 0;
    if (option(descriptor, SO_ACCEPTCONN) != 0) {
        result.data = result.ready ? backlog(descriptor) : 0;
        return result;
    }
    result.data = bytes_to_read(descriptor);
    // A datagram socket has no end: an error of its wakes who reads, and tells no more.
    if (option(descriptor, SO_TYPE) != SOCK_STREAM) return result;
    result.eof = (ready & (POLLRDHUP | POLLHUP)) != 0;
    if (result.eof) result.error = pending_error(ready);
    return result;
}

FilterResult run_write_filter(int descriptor) {
    const short ready = poll_now(descriptor, POLLOUT);
    FilterResult result;
    result.ready = ready != 0 && option(descriptor, SO_ACCEPTCONN) == 0;
    result.data = room_to_write(descriptor);
    result.eof = option(descriptor, SO_TYPE) == SOCK_STREAM && (ready & POLLHUP) != 0;
    if (result.eof) result.error = pending_error(ready);
    return result;
}

ino_t file_number(int descriptor) {
    struct stat info {};
    return ::fstat(descriptor, &info) == 0 && S_ISSOCK(info.st_mode) ? info.st_ino : 0;
}

}  // namespace pollux::kqueue_double
