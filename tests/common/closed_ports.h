// Whether the system tells of closed ports at all.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace pollux::test {

/// It may not: it limits how often it tells, and a machine may be so set up. With plain calls, so that what is tested
/// does not answer for itself. Port 1 is nobody's.
[[nodiscard]] inline bool tells_of_closed_ports() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(1);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int descriptor = ::socket(AF_INET, SOCK_DGRAM, 0);
    bool told = false;
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        for (int i = 0; i < 20 && !told; ++i) {
            told = ::send(descriptor, "?", 1, 0) < 0 && errno == ECONNREFUSED;
            if (!told) std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
    }
    ::close(descriptor);
    return told;
}

}  // namespace pollux::test
