// Options of sockets, which all systems have.
#include "platform/socket_options.h"

#include <algorithm>
#include <limits>

namespace pollux::platform {

namespace {

void apply_buffer_size(SocketHandle socket, int name, std::size_t bytes) noexcept {
    constexpr std::size_t largest = std::numeric_limits<int>::max();
    if (bytes != 0) set_option(socket, SOL_SOCKET, name, static_cast<int>(std::min(bytes, largest)));
}

void apply_keep_alive(SocketHandle socket, const KeepAlive& keep_alive) noexcept {
    if (!keep_alive.enabled) return;
    set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    const auto seconds = [](std::chrono::seconds value) { return static_cast<int>(value.count()); };
    set_option(socket, IPPROTO_TCP, keep_alive_idle_option, seconds(keep_alive.idle));
    set_option(socket, IPPROTO_TCP, keep_alive_interval_option, seconds(keep_alive.interval));
    set_option(socket, IPPROTO_TCP, keep_alive_count_option, static_cast<int>(keep_alive.count));
}

}  // namespace

bool set_option(SocketHandle socket, int level, int name, int value) noexcept {
    // POSIX takes a pointer to anything, Windows one to char.
    return ::setsockopt(socket, level, name, reinterpret_cast<const char*>(&value), sizeof value) == 0;
}

void apply_buffer_sizes(SocketHandle socket, std::size_t receive_bytes, std::size_t send_bytes) noexcept {
    apply_buffer_size(socket, SO_RCVBUF, receive_bytes);
    apply_buffer_size(socket, SO_SNDBUF, send_bytes);
}

void apply_stream_options(SocketHandle socket, bool is_tcp, const ConnectionOptions& options) noexcept {
    apply_buffer_sizes(socket, options.kernel_receive_buffer_bytes, options.kernel_send_buffer_bytes);
    if (!is_tcp) return;
    if (options.no_delay) set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    apply_keep_alive(socket, options.keep_alive);
}

}  // namespace pollux::platform
