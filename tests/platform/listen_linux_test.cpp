// Listening sockets of the Unix family whose names are no paths.
#include <filesystem>

#include "platform/listening_handle.h"
#include "platform/support.h"

namespace pollux::platform::test {
namespace {

class AbstractListenTest : public UnixTest {
protected:
    [[nodiscard]] SocketAddress abstract_address() const {
        return unix_address("@" + std::filesystem::path(path.path()).filename().string());
    }
};

TEST_F(AbstractListenTest, a_name_that_is_no_file) {
    Loop loop;
    Listener listener{loop, abstract_address()};
    EXPECT_EQ(listener.address(), abstract_address());
    EXPECT_FALSE(std::filesystem::exists(path.path()));
    End client;
    End server;
    ASSERT_FALSE(connect(loop, client, abstract_address()));
    listener.accept(server);
    EXPECT_EQ(loop.poller.peer_address(client), abstract_address());
    send_all(loop, client, "hello");
    EXPECT_EQ(receive_exactly(loop, server, 5), "hello");
    loop.close(client);
    loop.close(server);
}

TEST_F(AbstractListenTest, is_in_use_while_it_is_and_free_after) {
    ListeningHandle first;
    ASSERT_FALSE(first.listen(abstract_address()));
    ListeningHandle second;
    EXPECT_EQ(second.listen(abstract_address()), std::errc::address_in_use);
    first.close();
    EXPECT_FALSE(second.listen(abstract_address()));
}

TEST_F(AbstractListenTest, nobody_there_is_refused) {
    Loop loop;
    End client;
    EXPECT_EQ(connect(loop, client, abstract_address()), std::errc::connection_refused);
    if (client.is_open()) loop.close(client);
}

}  // namespace
}  // namespace pollux::platform::test
