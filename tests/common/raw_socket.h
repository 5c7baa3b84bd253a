// Raw sockets as hostile peers, addresses nobody else uses, and the bound on every wait.
#pragma once

#include <pollux/address.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "common/sanitized.h"
#include "common/socket_calls.h"

namespace pollux::test {

/// The bound on every wait. It only catches hangs, so it is generous; no test depends on its value.
inline constexpr std::chrono::seconds patience{sanitized ? 40 : 15};

/// A file system path or abstract name that nobody else uses.
[[nodiscard]] std::string fresh_path();
[[nodiscard]] std::string fresh_abstract_name();

/// An endpoint to listen on: port 0 of IPv4 loopback or a fresh path.
[[nodiscard]] std::string fresh_endpoint(Transport transport);

/// An address as an endpoint to connect to.
[[nodiscard]] std::string endpoint_of(const SocketAddress& address);

/// A plain blocking socket, as a peer that may behave as badly as it likes.
class RawSocket {
public:
    RawSocket() = default;
    explicit RawSocket(SocketHandle handle);
    RawSocket(RawSocket&& other) noexcept : handle_(std::exchange(other.handle_, no_socket)) {}
    RawSocket& operator=(RawSocket&& other) noexcept;
    ~RawSocket() { close(); }

    /// Connects, with a bound on the kernel's receive buffer if that is not 0. Invalid if it failed.
    static RawSocket connect(const SocketAddress& to, int receive_buffer_bytes = 0);

    /// A socket that can connect to such an address, but has not begun to.
    static RawSocket unconnected(const SocketAddress& to);

    /// A socket whose connect was begun and may never be finished.
    static RawSocket connect_without_waiting(const SocketAddress& to);

    /// Begins to connect an unconnected socket, without waiting.
    void begin_connect(const SocketAddress& to) const;

    [[nodiscard]] bool valid() const { return handle_ != no_socket; }
    [[nodiscard]] SocketHandle handle() const { return handle_; }
    [[nodiscard]] SocketAddress local_address() const;

    /// Sends everything; false on an error or when the peer holds us back for too long.
    bool send(std::string_view bytes) const;

    /// Sends what the kernel takes at once, and tells how much that was.
    [[nodiscard]] std::size_t send_some(std::string_view bytes) const;

    /// Exactly `size` bytes, fewer only at the end of the stream or on an error.
    [[nodiscard]] std::string receive(std::size_t size) const;

    /// At most `size` bytes as they come; empty at the end or on an error.
    [[nodiscard]] std::string receive_some(std::size_t size) const;

    struct Rest {
        std::string bytes;
        int error = 0;  ///< 0 for an orderly end, EAGAIN if no end came.
    };
    /// Everything until the end of the stream.
    [[nodiscard]] Rest receive_rest() const;

    void finish_sending() const;
    void close();
    void reset();  ///< TCP: the peer sees ECONNRESET.

private:
    SocketHandle handle_ = no_socket;
};

/// A plain listening socket.
class RawListener {
public:
    explicit RawListener(Transport transport, int backlog = 128);
    ~RawListener();

    [[nodiscard]] SocketAddress address() const { return address_; }
    [[nodiscard]] std::string endpoint() const { return endpoint_of(address_); }
    [[nodiscard]] RawSocket accept() const;
    void close() { socket_.close(); }

private:
    RawSocket socket_;
    SocketAddress address_;
};

}  // namespace pollux::test
