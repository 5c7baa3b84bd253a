// Sockets outside a reactor: listening sockets, which are made where the user starts a server, and name lookup.
#pragma once

#include <string>
#include <vector>

#include "platform/platform.h"

namespace pollux::platform {

/// Makes a listening socket. `address` is the one to bind; a Unix path whose socket nobody answers is replaced.
/// On failure `out` is untouched.
[[nodiscard]] std::error_code listen(const SocketAddress& address, const ListenOptions& options, NativeHandle& out);

/// Fails if somebody listens on or owns the TCP address without sharing it: sockets that share a port among themselves
/// would not notice.
[[nodiscard]] std::error_code check_address_free(const SocketAddress& address, const ListenOptions& options);

/// The address a socket is bound to.
[[nodiscard]] SocketAddress local_address(NativeHandle handle);

/// Closes a socket that no poller has.
void close_handle(NativeHandle handle) noexcept;

/// The file of a Unix socket that listens, so that it is removed at the end and nothing else that took its place is.
/// Nothing for abstract names and other families.
class SocketFile {
public:
    SocketFile() = default;

    /// The file at the address now, just after `listen` made it.
    explicit SocketFile(const SocketAddress& address);

    /// Removes it if it is still that file.
    void remove() noexcept;

private:
    std::string path_;
    std::uint64_t device_ = 0;
    std::uint64_t file_ = 0;
};

/// All addresses of a host, in the system's order of preference. Blocks.
[[nodiscard]] std::error_code resolve(const std::string& host, std::uint16_t port, std::vector<SocketAddress>& out);

/// The address of a host given as digits, without asking anybody; false if it is a name.
[[nodiscard]] bool parse_numeric(const std::string& host, std::uint16_t port, SocketAddress& out);

/// A descriptor held back so that one is left when all others are used up.
class ReserveDescriptor {
public:
    ReserveDescriptor() noexcept { restore(); }
    ~ReserveDescriptor() { release(); }
    ReserveDescriptor(const ReserveDescriptor&) = delete;
    ReserveDescriptor& operator=(const ReserveDescriptor&) = delete;

    /// Gives the descriptor up. True if there was one.
    bool release() noexcept;

    /// Takes one again if none is held. True if one is held now.
    bool restore() noexcept;

private:
    NativeHandle handle_ = invalid_handle;
};

}  // namespace pollux::platform
