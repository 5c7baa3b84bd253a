// Listening sockets: addresses that are taken, files of Unix sockets, and what is left behind.
#include <filesystem>
#include <fstream>

#include "platform/listening_handle.h"
#include "platform/support.h"

namespace pollux::platform::test {
namespace {

namespace files = std::filesystem;

[[nodiscard]] bool ipv6_here() {
    ListeningHandle probe;
    return !probe.listen(loopback(SocketAddress::Family::ipv6));
}

[[nodiscard]] SocketAddress numeric(const std::string& host, std::uint16_t port) {
    SocketAddress address;
    EXPECT_TRUE(parse_numeric(host, port, address)) << host;
    return address;
}

class TcpListenTest : public testing::Test {};

TEST_F(TcpListenTest, port_0_is_a_choice_of_the_systems) {
    ListeningHandle first;
    ListeningHandle second;
    ASSERT_FALSE(first.listen(loopback()));
    ASSERT_FALSE(second.listen(loopback()));
    EXPECT_NE(first.address().port, 0);
    EXPECT_NE(first.address().port, second.address().port);
    EXPECT_EQ(first.address(), loopback(SocketAddress::Family::ipv4, first.address().port));
}

TEST_F(TcpListenTest, an_address_in_use_is_said_to_be) {
    ListeningHandle first;
    ASSERT_FALSE(first.listen(loopback()));
    for (const bool reuse : {false, true}) {
        ListenOptions options = listen_options();
        options.reuse_address = reuse;
        ListeningHandle second;
        EXPECT_EQ(second.listen(first.address(), options), std::errc::address_in_use);
        EXPECT_EQ(second.value, invalid_handle) << "untouched on failure";
    }
    const SocketAddress address = first.address();
    first.close();
    EXPECT_FALSE(first.listen(address)) << "free again";
}

TEST_F(TcpListenTest, an_address_that_is_not_of_this_machine_is_refused) {
    ListeningHandle handle;
    EXPECT_EQ(handle.listen(numeric("192.0.2.1", 0)), std::errc::address_not_available);
}

TEST_F(TcpListenTest, shares_a_port_only_with_those_that_share) {
    if (!Poller::spreads_listeners(Transport::tcp)) GTEST_SKIP() << "ports are not shared on this platform";
    ListenOptions sharing = listen_options();
    sharing.reuse_port = true;
    ListeningHandle first;
    ListeningHandle second;
    ListeningHandle third;
    ASSERT_FALSE(first.listen(loopback(), sharing));
    EXPECT_FALSE(second.listen(first.address(), sharing));
    EXPECT_EQ(third.listen(first.address()), std::errc::address_in_use);
}

TEST_F(TcpListenTest, a_check_tells_whether_an_address_is_free) {
    ListeningHandle handle;
    ASSERT_FALSE(handle.listen(loopback()));
    const SocketAddress address = handle.address();
    EXPECT_EQ(check_address_free(address, listen_options()), std::errc::address_in_use);
    SocketAddress any = numeric("0.0.0.0", address.port);
    EXPECT_EQ(check_address_free(any, listen_options()), std::errc::address_in_use) << "it is part of every address";
    handle.close();
    EXPECT_FALSE(check_address_free(address, listen_options()));
    EXPECT_FALSE(check_address_free(any, listen_options()));
    EXPECT_FALSE(handle.listen(address)) << "the check holds on to nothing";
    EXPECT_FALSE(check_address_free(loopback(), listen_options())) << "port 0 is always free";
}

TEST_F(TcpListenTest, a_check_sees_those_that_share) {
    if (!Poller::spreads_listeners(Transport::tcp)) GTEST_SKIP() << "ports are not shared on this platform";
    ListenOptions sharing = listen_options();
    sharing.reuse_port = true;
    ListeningHandle handle;
    ASSERT_FALSE(handle.listen(loopback(), sharing));
    EXPECT_EQ(check_address_free(handle.address(), sharing), std::errc::address_in_use);
}

TEST_F(TcpListenTest, dual_stack_takes_the_port_of_both) {
    if (!ipv6_here()) GTEST_SKIP() << "no IPv6 here";
    ListeningHandle both;
    ASSERT_FALSE(both.listen(numeric("::", 0)));
    const std::uint16_t port = both.address().port;
    EXPECT_EQ(both.address(), numeric("::", port));
    ListeningHandle ipv4;
    EXPECT_EQ(ipv4.listen(numeric("0.0.0.0", port)), std::errc::address_in_use);
}

TEST_F(TcpListenTest, ipv6_only_leaves_ipv4_to_others) {
    if (!ipv6_here()) GTEST_SKIP() << "no IPv6 here";
    ListenOptions options = listen_options();
    options.ipv6_only = true;
    ListeningHandle ipv6;
    ASSERT_FALSE(ipv6.listen(numeric("::", 0), options));
    ListeningHandle ipv4;
    EXPECT_FALSE(ipv4.listen(numeric("0.0.0.0", ipv6.address().port)));
}

TEST_F(TcpListenTest, a_port_can_be_bound_again_at_once) {
    // The side that closes first keeps the address in TIME_WAIT.
    Loop loop;
    End client;
    End server;
    SocketAddress address = loopback();
    for (int round = 0; round < 3; ++round) {
        Listener listener{loop, address};
        address = listener.address();
        ASSERT_FALSE(connect(loop, client, address));
        listener.accept(server);
        loop.close(server);
        EXPECT_EQ(receive_to_end(loop, client), "");
        loop.close(client);
    }
}

class UnixListenTest : public UnixTest {};

TEST_F(UnixListenTest, makes_a_file) {
    ListeningHandle handle;
    ASSERT_FALSE(handle.listen(path.address()));
    EXPECT_TRUE(files::is_socket(path.path()));
    EXPECT_EQ(handle.address(), path.address());
}

TEST_F(UnixListenTest, a_live_socket_is_not_replaced) {
    ListeningHandle first;
    ASSERT_FALSE(first.listen(path.address()));
    ListeningHandle second;
    EXPECT_EQ(second.listen(path.address()), std::errc::address_in_use);
    EXPECT_EQ(second.value, invalid_handle);
    EXPECT_TRUE(files::is_socket(path.path()));
}

TEST_F(UnixListenTest, a_live_socket_with_a_full_backlog_is_not_replaced) {
    Loop loop;
    Listener listener{loop, path.address(), listen_options(1)};
    std::vector<std::unique_ptr<End>> clients;
    do {
        clients.push_back(std::make_unique<End>());
    } while (loop.poller.connect(*clients.back(), path.address(), {}).status == IoStatus::done && clients.size() < 50);
    ListeningHandle second;
    EXPECT_EQ(second.listen(path.address()), std::errc::address_in_use);
    for (auto& end : clients) loop.close(*end);
}

TEST_F(UnixListenTest, a_file_that_nobody_answers_at_is_replaced) {
    ListeningHandle handle;
    ASSERT_FALSE(handle.listen(path.address()));
    handle.close();  // as a process that dies does
    ASSERT_TRUE(files::is_socket(path.path()));
    ASSERT_FALSE(handle.listen(path.address()));
    Loop loop;
    End client;
    EXPECT_FALSE(connect(loop, client, path.address()));
    loop.close(client);
}

TEST_F(UnixListenTest, a_file_of_another_kind_is_left_alone) {
    std::ofstream{path.path()} << "precious";
    ListeningHandle handle;
    EXPECT_EQ(handle.listen(path.address()), std::errc::address_in_use);
    std::string text;
    std::ifstream{path.path()} >> text;
    EXPECT_EQ(text, "precious");
}

TEST_F(UnixListenTest, a_link_is_left_alone) {
    TemporaryPath target;
    ListeningHandle handle;
    ASSERT_FALSE(handle.listen(target.address()));
    handle.close();
    files::create_symlink(target.path(), path.path());
    EXPECT_TRUE(handle.listen(path.address()));
    EXPECT_TRUE(files::is_symlink(path.path()));
    EXPECT_TRUE(files::is_socket(target.path()));
}

TEST_F(UnixListenTest, a_folder_that_is_missing_is_said_to_be) {
    ListeningHandle handle;
    EXPECT_EQ(handle.listen(unix_address(path.path() + "/missing/app.sock")), std::errc::no_such_file_or_directory);
}

TEST_F(UnixListenTest, a_path_that_is_too_long_is_said_to_be) {
    ListeningHandle handle;
    EXPECT_EQ(handle.listen(unix_address("/tmp/" + std::string(300, 'x'))), std::errc::filename_too_long);
    EXPECT_EQ(handle.listen(unix_address("@" + std::string(300, 'x'))), std::errc::filename_too_long);
}

TEST_F(UnixListenTest, the_longest_path_that_fits_is_whole) {
    // However long the system lets it be: what is bound is what was asked for.
    std::size_t longest = 0;
    for (std::size_t length = path.path().size(); length < 300; ++length) {
        const std::string padded = path.path() + std::string(length - path.path().size(), 'x');
        ListeningHandle handle;
        if (handle.listen(unix_address(padded))) break;
        EXPECT_EQ(handle.address().path, padded);
        EXPECT_TRUE(files::is_socket(padded));
        SocketFile{handle.address()}.remove();
        longest = length;
    }
    EXPECT_GE(longest, 90U);
}

TEST_F(UnixListenTest, the_file_is_removed_in_the_end) {
    ListeningHandle handle;
    ASSERT_FALSE(handle.listen(path.address()));
    SocketFile file{path.address()};
    handle.close();
    file.remove();
    EXPECT_FALSE(files::exists(path.path()));
    file.remove();  // once more does no harm
    SocketFile none;
    none.remove();
}

TEST_F(UnixListenTest, what_took_the_files_place_is_not_removed) {
    ListeningHandle first;
    ASSERT_FALSE(first.listen(path.address()));
    SocketFile file{path.address()};
    // The name goes elsewhere first, so that its number is not used again.
    TemporaryPath aside;
    files::rename(path.path(), aside.path());
    ListeningHandle second;
    ASSERT_FALSE(second.listen(path.address()));
    file.remove();
    EXPECT_TRUE(files::is_socket(path.path()));
}

TEST_F(UnixListenTest, other_addresses_have_no_file) {
    std::ofstream{path.path()} << "not a socket's";
    SocketAddress tcp = loopback();
    tcp.path = path.path();
    SocketFile{tcp}.remove();
    SocketFile{unix_address("@" + path.path())}.remove();
    SocketFile{unix_address("")}.remove();
    EXPECT_TRUE(files::exists(path.path()));
}

}  // namespace
}  // namespace pollux::platform::test
