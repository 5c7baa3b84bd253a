// UDP sockets that share a port.
#include "platform/datagram_handle.h"

namespace pollux::platform::test {
namespace {

TEST(DatagramPortTest, is_shared_with_who_asks_for_it) {
    EXPECT_NE((DatagramHandle{{}, SocketAddress::Family::ipv4, 0, true}.option(SOL_SOCKET, SO_REUSEPORT)), 0);
    EXPECT_EQ(DatagramHandle{}.option(SOL_SOCKET, SO_REUSEPORT), 0);
}

TEST(DatagramPortTest, may_be_bound_twice) {
    const DatagramHandle first{{}, SocketAddress::Family::ipv4, 0, true};
    ASSERT_FALSE(bind_datagram_socket(first.get(), at("127.0.0.1:0")));
    const DatagramHandle second{{}, SocketAddress::Family::ipv4, 0, true};
    EXPECT_FALSE(bind_datagram_socket(second.get(), first.address()));
}

}  // namespace
}  // namespace pollux::platform::test
