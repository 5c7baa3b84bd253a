// Raw sockets over IPv4, IPv6 and Unix, and where to put them.
#include "common/raw_socket.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <system_error>

#include "common/process.h"

namespace pollux::test {
namespace {

/// The directory of the socket files, removed at exit.
class ScratchDirectory {
public:
    ScratchDirectory() {
        path_ = std::filesystem::temp_directory_path() / ("pollux-net-" + std::to_string(std::random_device{}()));
        if (!std::filesystem::create_directory(path_)) std::abort();
    }
    ~ScratchDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;

    [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

int next_number() {
    static std::atomic<int> next{0};
    return ++next;
}

}  // namespace

std::string fresh_path() {
    static const ScratchDirectory directory;
    return directory.file(std::to_string(next_number()) + ".sock");
}

std::string fresh_abstract_name() {
    return "@pollux-net-" + std::to_string(process_number()) + "-" + std::to_string(next_number());
}

std::string fresh_endpoint(Transport transport) {
    return transport == Transport::tcp ? "tcp://127.0.0.1:0" : "unix://" + fresh_path();
}

std::string endpoint_of(const SocketAddress& address) {
    const bool local = address.family == SocketAddress::Family::unix_domain;
    return (local ? "unix://" : "tcp://") + address.to_string();
}

RawSocket::RawSocket(SocketHandle handle) : handle_(handle) {
    if (!valid()) return;
    // Connect answers to this too, so no raw call hangs.
    set_patience(handle_, patience);
    set_option(handle_, SocketOption::no_delay, 1);  // fails on Unix sockets, where it is moot
}

RawSocket& RawSocket::operator=(RawSocket&& other) noexcept {
    if (this != &other) {
        close();
        handle_ = std::exchange(other.handle_, no_socket);
    }
    return *this;
}

RawSocket RawSocket::connect(const SocketAddress& to, int receive_buffer_bytes) {
    RawSocket socket{open_socket(to.family, SocketKind::stream)};
    if (!socket.valid()) return socket;
    if (receive_buffer_bytes != 0) set_option(socket.handle_, SocketOption::receive_buffer, receive_buffer_bytes);
    if (!connect_socket(socket.handle_, to)) socket.close();
    return socket;
}

RawSocket RawSocket::unconnected(const SocketAddress& to) {
    RawSocket socket{open_socket(to.family, SocketKind::stream)};
    set_blocking(socket.handle_, false);
    return socket;
}

RawSocket RawSocket::connect_without_waiting(const SocketAddress& to) {
    RawSocket socket = unconnected(to);
    socket.begin_connect(to);
    return socket;
}

void RawSocket::begin_connect(const SocketAddress& to) const {
    (void)connect_socket(handle_, to);
}

SocketAddress RawSocket::local_address() const {
    return name_of(handle_);
}

bool RawSocket::send(std::string_view bytes) const {
    while (!bytes.empty()) {
        const std::ptrdiff_t sent = send_bytes(handle_, bytes);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::size_t RawSocket::send_some(std::string_view bytes) const {
    const std::ptrdiff_t sent = send_at_once(handle_, bytes);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

std::string RawSocket::receive(std::size_t size) const {
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const std::ptrdiff_t count = receive_bytes(handle_, std::span{bytes}.subspan(done));
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    bytes.resize(done);
    return bytes;
}

std::string RawSocket::receive_some(std::size_t size) const {
    std::string bytes(size, '\0');
    const std::ptrdiff_t count = receive_bytes(handle_, bytes);
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
}

RawSocket::Rest RawSocket::receive_rest() const {
    Rest rest;
    std::string buffer(std::size_t{256} * 1024, '\0');
    for (;;) {
        const std::ptrdiff_t count = receive_bytes(handle_, buffer);
        if (count < 0) rest.error = errno;
        if (count <= 0) return rest;
        rest.bytes.append(buffer, 0, static_cast<std::size_t>(count));
    }
}

void RawSocket::finish_sending() const {
    test::finish_sending(handle_);
}

void RawSocket::close() {
    close_socket(std::exchange(handle_, no_socket));
}

void RawSocket::reset() {
    reset_on_close(handle_);
    close();
}

RawListener::RawListener(Transport transport, int backlog) {
    if (transport == Transport::tcp) {
        address_.family = SocketAddress::Family::ipv4;
        address_.ip[0] = 127;
        address_.ip[3] = 1;
    } else if (!has_unix_sockets()) {
        return;  // a member of a fixture whose tests are skipped
    } else {
        address_.family = SocketAddress::Family::unix_domain;
        address_.path = fresh_path();
    }
    socket_ = RawSocket{open_socket(address_.family, SocketKind::stream)};
    if (!bind_socket(socket_.handle(), address_) || !listen_with(socket_.handle(), backlog)) {
        std::perror("RawListener");
        std::abort();
    }
    address_ = socket_.local_address();
}

RawListener::~RawListener() {
    std::error_code ignored;
    if (!address_.path.empty()) std::filesystem::remove(address_.path, ignored);
}

RawSocket RawListener::accept() const {
    return RawSocket{accept_socket(socket_.handle(), patience)};
}

}  // namespace pollux::test
