// That options reach the kernel, and that handlers may be of any size and alignment.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "support.h"

namespace pollux::test {
namespace {

using OptionsTest = NetTest;
INSTANTIATE_TEST_SUITE_P(Net, OptionsTest, everywhere, setting_name);

/// The descriptor of this process that is connected to the IPv4 port `peer_port`: Pollux's end of a raw connection.
int descriptor_connected_to(std::uint16_t peer_port) {
    int found = -1;
    for (int descriptor = 0; descriptor < 4096; ++descriptor) {
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
        if (peer.sin_family == AF_INET && ntohs(peer.sin_port) == peer_port) found = descriptor;
    }
    return found;
}

int option_of(int descriptor, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(descriptor, level, name, &value, &size), 0) << std::strerror(errno);
    return value;
}

TEST_P(OptionsTest, reach_the_accepted_socket) {
    if (!tcp()) GTEST_SKIP() << "TCP options";
    ConnectionOptions options;
    options.keep_alive = {.enabled = true, .idle = 42s, .interval = 7s, .count = 3};
    options.kernel_receive_buffer_bytes = 64 * 1024;
    options.kernel_send_buffer_bytes = 48 * 1024;
    auto server = serve({}, {.connection = options});
    const RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    const int descriptor = descriptor_connected_to(peer.local_address().port);
    ASSERT_GE(descriptor, 0);
    EXPECT_NE(option_of(descriptor, IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_NE(option_of(descriptor, SOL_SOCKET, SO_KEEPALIVE), 0);
    EXPECT_EQ(option_of(descriptor, IPPROTO_TCP, TCP_KEEPIDLE), 42);
    EXPECT_EQ(option_of(descriptor, IPPROTO_TCP, TCP_KEEPINTVL), 7);
    EXPECT_EQ(option_of(descriptor, IPPROTO_TCP, TCP_KEEPCNT), 3);
    EXPECT_EQ(option_of(descriptor, SOL_SOCKET, SO_RCVBUF), 2 * 64 * 1024) << "Linux doubles it for its bookkeeping";
    EXPECT_EQ(option_of(descriptor, SOL_SOCKET, SO_SNDBUF), 2 * 48 * 1024);
    EXPECT_NE(::fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(::fcntl(descriptor, F_GETFL) & O_NONBLOCK, 0);
}

TEST_P(OptionsTest, may_leave_everything_to_the_kernel) {
    if (!tcp()) GTEST_SKIP() << "TCP options";
    ConnectionOptions options;
    options.no_delay = false;
    auto server = serve({}, {.connection = options});
    const RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    const int descriptor = descriptor_connected_to(peer.local_address().port);
    ASSERT_GE(descriptor, 0);
    EXPECT_EQ(option_of(descriptor, IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_EQ(option_of(descriptor, SOL_SOCKET, SO_KEEPALIVE), 0);
}

TEST_P(OptionsTest, reach_the_client_socket) {
    if (!tcp()) GTEST_SKIP() << "TCP options";
    ConnectionOptions options;
    options.keep_alive = {.enabled = true, .idle = 42s, .interval = 7s, .count = 3};
    options.kernel_send_buffer_bytes = 48 * 1024;
    const Pair pair{engine, transport(), Side::client, client_seen, {}, options};
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    const int descriptor = descriptor_connected_to(pair.listener->address().port);
    ASSERT_GE(descriptor, 0);
    EXPECT_NE(option_of(descriptor, IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_NE(option_of(descriptor, SOL_SOCKET, SO_KEEPALIVE), 0);
    EXPECT_EQ(option_of(descriptor, IPPROTO_TCP, TCP_KEEPIDLE), 42);
    EXPECT_EQ(option_of(descriptor, SOL_SOCKET, SO_SNDBUF), 2 * 48 * 1024);
    EXPECT_NE(::fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
}

TEST_P(OptionsTest, unix_sockets_ignore_what_is_for_tcp) {
    ConnectionOptions options;
    options.keep_alive = {.enabled = true};
    auto server = serve({.on_data = echo}, {.connection = options});
    const RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(peer.send("fine"));
    EXPECT_EQ(peer.receive(4), "fine");
}

/// A handler that checks where it was put, and that nobody writes over it.
template <std::size_t size, std::size_t alignment>
class alignas(alignment) Placed final : public ConnectionHandler {
public:
    explicit Placed(std::string greeting) : greeting_(std::move(greeting)) { std::memset(filling_, 0x5a, size); }
    ~Placed() override { EXPECT_TRUE(intact()); }

    void on_open(Connection& connection) override {
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(this) % alignment, 0u);
        connection.send(greeting_);
    }
    void on_data(Connection& connection, Bytes data) override {
        EXPECT_TRUE(intact());
        connection.send(data);
    }

private:
    [[nodiscard]] bool intact() const {
        for (const unsigned char byte : filling_) {
            if (byte != 0x5a) return false;
        }
        return true;
    }

    std::string greeting_;
    unsigned char filling_[size];
};

template <std::size_t size, std::size_t alignment>
void expect_placed(Engine& engine, const std::string& endpoint) {
    SCOPED_TRACE(testing::Message() << size << " bytes aligned to " << alignment);
    Server<Placed<size, alignment>> server{engine, {.endpoint = endpoint}, std::string{"welcome"}};
    ASSERT_TRUE(server.start());
    for (int round = 0; round < 2; ++round) {  // the second time in memory that was used before
        std::vector<RawSocket> peers;
        for (int index = 0; index < 10; ++index) peers.push_back(RawSocket::connect(server.address()));
        for (const RawSocket& peer : peers) ASSERT_EQ(peer.receive(7), "welcome");
        for (const RawSocket& peer : peers) {
            ASSERT_TRUE(peer.send("hi"));
            ASSERT_EQ(peer.receive(2), "hi");
        }
    }
}

TEST_P(OptionsTest, handlers_of_every_size_and_alignment) {
    expect_placed<1, 8>(engine, endpoint());
    expect_placed<100, 16>(engine, endpoint());
    expect_placed<1000, 16>(engine, endpoint());
    expect_placed<5000, 8>(engine, endpoint());
    expect_placed<100'000, 16>(engine, endpoint());
    expect_placed<1'000'000, 8>(engine, endpoint());
}

}  // namespace
}  // namespace pollux::test
