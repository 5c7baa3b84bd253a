// What the bare loops share: their options and their sockets. Linux system calls, nothing of the library.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace perf_floor {

struct Options {
    std::string address = "127.0.0.1";
    std::string path{};  // a Unix socket, if not empty
    unsigned short port = 1111;
    std::size_t size = 32;
    int core = -1;
    std::string certificate{};  // TLS: PEM files
    std::string key{};
};

[[noreturn]] inline void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

/// What is in `options` already are the defaults.
inline Options parse_options(int argc, char** argv, Options options = {}) {
    static const option known[] = {{"address", required_argument, nullptr, 'a'},
                                   {"port", required_argument, nullptr, 'p'},
                                   {"path", required_argument, nullptr, 'u'},
                                   {"size", required_argument, nullptr, 's'},
                                   {"cores", required_argument, nullptr, 'C'},
                                   {"certificate", required_argument, nullptr, 'E'},
                                   {"key", required_argument, nullptr, 'K'},
                                   {"help", no_argument, nullptr, 'h'},
                                   {nullptr, 0, nullptr, 0}};
    for (int c; (c = getopt_long(argc, argv, "a:p:u:s:h", known, nullptr)) != -1;) {
        switch (c) {
            case 'a':
                options.address = optarg;
                break;
            case 'p':
                options.port = static_cast<unsigned short>(std::strtoul(optarg, nullptr, 10));
                break;
            case 'u':
                options.path = optarg;
                break;
            case 's':
                options.size = std::strtoul(optarg, nullptr, 10);
                break;
            case 'C':
                options.core = std::atoi(optarg);
                break;
            case 'E':
                options.certificate = optarg;
                break;
            case 'K':
                options.key = optarg;
                break;
            default:
                std::printf("usage: %s [-a ADDRESS] [-p PORT] [-u PATH] [-s MESSAGE_SIZE] [--cores CORE]%s\n", argv[0],
                            options.key.empty() ? "" : " [--certificate FILE --key FILE]");
                std::exit(c == 'h' ? 0 : 2);
        }
    }
    if (options.size == 0 || options.size > 65536) {
        std::fprintf(stderr, "-s: the message size must be 1 to 65536\n");
        std::exit(2);
    }
    return options;
}

inline void pin_to(int core) {
    if (core < 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(core), &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) die("sched_setaffinity");
}

inline int bind_tcp(const Options& options) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options.port);
    if (inet_pton(AF_INET, options.address.c_str(), &address.sin_addr) != 1) die(options.address.c_str());
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("bind");
    return fd;
}

inline int bind_unix(const Options& options) {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    options.path.copy(address.sun_path, sizeof address.sun_path - 1);
    unlink(address.sun_path);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("bind");
    return fd;
}

/// Listens and says so.
inline int listen_on(const Options& options) {
    const int fd = options.path.empty() ? bind_tcp(options) : bind_unix(options);
    if (listen(fd, 4096) != 0) die("listen");
    if (options.path.empty()) {
        std::printf("listening on tcp://%s:%u\n", options.address.c_str(), options.port);
    } else {
        std::printf("listening on unix://%s\n", options.path.c_str());
    }
    std::fflush(stdout);
    return fd;
}

/// The next connection, non-blocking and without Nagle's wait, or -1.
inline int accept_on(int listener) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    const int on = 1;
    if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

inline void watch(int poller, int fd, std::uint32_t events, void* owner) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = owner;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

/// Every event as an edge, registered once: never a call to change the interest, and the best of the ways measured.
inline constexpr std::uint32_t every_edge = EPOLLIN | EPOLLOUT | EPOLLRDHUP | static_cast<std::uint32_t>(EPOLLET);

}  // namespace perf_floor
