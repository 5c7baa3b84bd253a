// Plain sockets of the operating system, for peers that the library has no part in. The calls are the system's own;
// what they fail with is in `errno`, on every system.
#pragma once

#include <pollux/address.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pollux::test {

/// A socket; -1 is none.
using SocketHandle = std::intptr_t;
inline constexpr SocketHandle no_socket = -1;

enum class SocketKind : std::uint8_t { stream, datagram };

/// Children do not inherit it.
[[nodiscard]] SocketHandle open_socket(SocketAddress::Family family, SocketKind kind);
void close_socket(SocketHandle handle);

void set_blocking(SocketHandle handle, bool blocking);

/// How long a blocking call waits, EAGAIN being its error then.
void set_patience(SocketHandle handle, std::chrono::seconds limit);

bool bind_socket(SocketHandle handle, const SocketAddress& address);
bool listen_with(SocketHandle handle, int backlog);
bool connect_socket(SocketHandle handle, const SocketAddress& address);

/// Waits no longer than `limit`.
[[nodiscard]] SocketHandle accept_socket(SocketHandle handle, std::chrono::seconds limit);

/// An address of port 0 if there is none.
[[nodiscard]] SocketAddress name_of(SocketHandle handle);
[[nodiscard]] SocketAddress peer_of(SocketHandle handle);

/// How many bytes were sent or received; -1 on an error.
[[nodiscard]] std::ptrdiff_t send_bytes(SocketHandle handle, std::string_view bytes);
[[nodiscard]] std::ptrdiff_t send_at_once(SocketHandle handle, std::string_view bytes);
[[nodiscard]] std::ptrdiff_t receive_bytes(SocketHandle handle, std::span<char> buffer);
[[nodiscard]] std::ptrdiff_t send_datagram(SocketHandle handle, const SocketAddress& to, std::string_view bytes);
[[nodiscard]] std::ptrdiff_t receive_datagram(SocketHandle handle, SocketAddress& from, std::span<char> buffer);

/// True if something can be received or accepted within `limit`.
[[nodiscard]] bool wait_readable(SocketHandle handle, std::chrono::milliseconds limit);

void finish_sending(SocketHandle handle);

/// The next close resets the connection.
void reset_on_close(SocketHandle handle);

/// What the tests set, or look at.
enum class SocketOption : std::uint8_t {
    receive_buffer,
    send_buffer,
    reuse_address,
    no_delay,
    keep_alive,
    keep_alive_idle,
    keep_alive_interval,
    keep_alive_count,
    hops,
    multicast_hops,
    multicast_loop,
    multicast_interface_v6,
};

bool set_option(SocketHandle handle, SocketOption option, int value);

/// None if it cannot be told.
[[nodiscard]] std::optional<int> option_of(SocketHandle handle, SocketOption option);

/// True if children inherit it.
[[nodiscard]] bool is_inherited(SocketHandle handle);

/// The network interface of this machine's own addresses: its number, and its name or, if it has none, the number
/// again.
[[nodiscard]] unsigned loopback_interface();
[[nodiscard]] std::string loopback_name();

/// Sends multicast by an interface with this IPv4 address.
bool set_multicast_interface(SocketHandle handle, const InetAddress& address);

/// Calls `visit` with everything in this process that may be a socket.
void for_each_socket(const std::function<void(SocketHandle)>& visit);

/// True if the machine has IPv6 on its loopback.
[[nodiscard]] bool has_ipv6();

/// True if the system has sockets of the Unix family, and why tests skip where it has not. Windows has, Wine has not.
[[nodiscard]] bool has_unix_sockets();
inline constexpr const char* no_unix_sockets = "the system has no Unix sockets";

/// True if it has names for them that are no files.
[[nodiscard]] bool has_abstract_names();
inline constexpr const char* no_abstract_names = "the system has no abstract names";

}  // namespace pollux::test
