// A UDP socket that nobody has attached.
#pragma once

#include "platform/datagram_support.h"
#include "system_sockets.h"

namespace pollux::platform::test {

class DatagramHandle {
public:
    explicit DatagramHandle(const UdpOptions& options = {}, SocketAddress::Family family = SocketAddress::Family::ipv4,
                            unsigned interface_index = 0, bool share_port = false) {
        error_ = open_datagram_socket(family, options, interface_index, share_port, value_);
    }
    ~DatagramHandle() { close_handle(value_); }
    DatagramHandle(const DatagramHandle&) = delete;
    DatagramHandle& operator=(const DatagramHandle&) = delete;

    [[nodiscard]] NativeHandle get() const { return value_; }
    [[nodiscard]] std::error_code error() const { return error_; }

    [[nodiscard]] InetAddress address() const {
        const SocketAddress address = local_address(value_);
        return {address.family, address.port, address.scope, address.ip};
    }

    [[nodiscard]] int option(int level, int name) const {
        int value = 0;  // of which some systems fill in a byte
        socklen_t size = sizeof value;
        EXPECT_EQ(::getsockopt(static_cast<SocketHandle>(value_), level, name, reinterpret_cast<char*>(&value), &size),
                  0);
        return value;
    }

private:
    NativeHandle value_ = invalid_handle;
    std::error_code error_;
};

}  // namespace pollux::platform::test
