// That options reach the kernel, and that handlers may be of any size and alignment.
#include <cstring>

#include "support.h"

namespace pollux::test {
namespace {

using OptionsTest = NetTest;
INSTANTIATE_TEST_SUITE_P(Net, OptionsTest, everywhere, setting_name);

/// The socket of this process that is connected to the IPv4 port `peer_port`: Pollux's end of a raw connection.
SocketHandle socket_connected_to(std::uint16_t peer_port) {
    SocketHandle found = no_socket;
    for_each_socket([&](SocketHandle handle) {
        const SocketAddress peer = peer_of(handle);
        if (peer.family == SocketAddress::Family::ipv4 && peer.port == peer_port) found = handle;
    });
    return found;
}

/// Linux doubles it for its bookkeeping.
void expect_buffer(SocketHandle handle, SocketOption option, int bytes) {
    const std::optional<int> told = option_of(handle, option);
    EXPECT_TRUE(told == bytes || told == 2 * bytes) << told.value_or(-1);
}

/// Wine takes these options and cannot tell them.
void expect_keep_alive(SocketHandle handle, SocketOption option, int value) {
    EXPECT_EQ(option_of(handle, option).value_or(value), value);
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
    const SocketHandle socket = socket_connected_to(peer.local_address().port);
    ASSERT_NE(socket, no_socket);
    EXPECT_NE(option_of(socket, SocketOption::no_delay).value_or(0), 0);
    EXPECT_NE(option_of(socket, SocketOption::keep_alive).value_or(0), 0);
    expect_keep_alive(socket, SocketOption::keep_alive_idle, 42);
    expect_keep_alive(socket, SocketOption::keep_alive_interval, 7);
    expect_keep_alive(socket, SocketOption::keep_alive_count, 3);
    expect_buffer(socket, SocketOption::receive_buffer, 64 * 1024);
    expect_buffer(socket, SocketOption::send_buffer, 48 * 1024);
    EXPECT_FALSE(is_inherited(socket));
}

TEST_P(OptionsTest, may_leave_everything_to_the_kernel) {
    if (!tcp()) GTEST_SKIP() << "TCP options";
    ConnectionOptions options;
    options.no_delay = false;
    auto server = serve({}, {.connection = options});
    const RawSocket peer = RawSocket::connect(server->address());
    ASSERT_TRUE(seen.wait_for_opens(1));
    const SocketHandle socket = socket_connected_to(peer.local_address().port);
    ASSERT_NE(socket, no_socket);
    EXPECT_EQ(option_of(socket, SocketOption::no_delay), 0);
    EXPECT_EQ(option_of(socket, SocketOption::keep_alive), 0);
}

TEST_P(OptionsTest, reach_the_client_socket) {
    if (!tcp()) GTEST_SKIP() << "TCP options";
    ConnectionOptions options;
    options.keep_alive = {.enabled = true, .idle = 42s, .interval = 7s, .count = 3};
    options.kernel_send_buffer_bytes = 48 * 1024;
    const Pair pair{engine, transport(), Side::client, client_seen, {}, options};
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    const SocketHandle socket = socket_connected_to(pair.listener->address().port);
    ASSERT_NE(socket, no_socket);
    EXPECT_NE(option_of(socket, SocketOption::no_delay).value_or(0), 0);
    EXPECT_NE(option_of(socket, SocketOption::keep_alive).value_or(0), 0);
    expect_keep_alive(socket, SocketOption::keep_alive_idle, 42);
    expect_buffer(socket, SocketOption::send_buffer, 48 * 1024);
    EXPECT_FALSE(is_inherited(socket));
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
