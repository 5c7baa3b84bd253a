// UDP echo with a call for each datagram received and one for each sent. It blocks in the receive: with one socket,
// epoll would be a third call.
#include <vector>

#include "udp.h"

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_options(argc, argv, {.port = 3333});
    perf_floor::pin_to(options.core);
    const int fd = perf_floor::bind_udp(options);

    std::vector<char> buffer(64 * 1024);
    for (;;) {
        sockaddr_in from{};
        socklen_t from_bytes = sizeof from;
        const ssize_t received =
            recvfrom(fd, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &from_bytes);
        if (received < 0) continue;
        sendto(fd, buffer.data(), static_cast<std::size_t>(received), 0, reinterpret_cast<const sockaddr*>(&from),
               from_bytes);
    }
}
