// Socket files: stale ones are replaced, live and foreign ones are left alone, and our own is removed.
#include <filesystem>
#include <fstream>

#include "support.h"

namespace pollux::test {
namespace {

class UnixPathTest : public EngineTest {
protected:
    UnixPathTest() : EngineTest(2, Transport::unix_domain) {}
    ~UnixPathTest() override {
        std::error_code ignored;
        std::filesystem::remove(path, ignored);
    }

    [[nodiscard]] bool exists() const { return std::filesystem::exists(std::filesystem::symlink_status(path)); }

    void expect_served(const ServerBase& subject) const {
        const RawSocket peer = RawSocket::connect(subject.address());
        EXPECT_TRUE(peer.send("ping"));
        EXPECT_EQ(peer.receive(4), "ping");
    }

    /// Leaves a socket file at `path` that nobody listens on, as a crash does.
    void leave_stale_file() const {
        const RawListener listener{Transport::unix_domain};
        std::filesystem::rename(listener.address().path, path);  // out of reach of the listener, which would remove it
    }

    const std::string path = fresh_path();
    Server<Recording> server{engine, {.endpoint = "unix://" + path}, std::ref(seen), Hooks{.on_data = echo}};
};

TEST_F(UnixPathTest, the_file_comes_with_start_and_goes_with_stop) {
    EXPECT_FALSE(exists());
    for (int round = 0; round < 3; ++round) {
        ASSERT_TRUE(server.start());
        EXPECT_TRUE(exists());
        expect_served(server);
        server.stop();
        EXPECT_FALSE(exists());
    }
    ASSERT_TRUE(server.start());
    const Status status = server.restart();
    ASSERT_TRUE(status) << status;
    EXPECT_TRUE(exists());
    expect_served(server);
}

TEST_F(UnixPathTest, the_file_goes_with_the_engine_and_with_the_server) {
    ASSERT_TRUE(server.start());
    engine.stop();
    engine.wait();
    EXPECT_FALSE(exists());
    const std::string other = fresh_path();
    Engine another;
    ASSERT_TRUE(another.start());
    {
        Server destroyed{another, {.endpoint = "unix://" + other}, Callbacks{.on_data = echo}};
        ASSERT_TRUE(destroyed.start());
        EXPECT_TRUE(std::filesystem::exists(other));
    }
    EXPECT_FALSE(std::filesystem::exists(other));
}

TEST_F(UnixPathTest, a_stale_file_is_replaced) {
    leave_stale_file();
    ASSERT_TRUE(exists());
    const Status status = server.start();
    ASSERT_TRUE(status) << status;
    expect_served(server);
}

TEST_F(UnixPathTest, a_live_one_is_not) {
    ASSERT_TRUE(server.start());
    Server second{engine, {.endpoint = "unix://" + path}, Callbacks{.on_data = echo}};
    const Status status = second.start();
    EXPECT_EQ(status.error(), std::errc::address_in_use) << status;
    EXPECT_NE(status.message().find(path), std::string::npos) << status;
    EXPECT_TRUE(exists());
    expect_served(server);
}

TEST_F(UnixPathTest, a_live_one_whose_backlog_is_full_is_not) {
    const RawListener listener{Transport::unix_domain, 0};
    std::vector<RawSocket> waiting;
    for (int index = 0; index < 8; ++index) waiting.push_back(RawSocket::connect_without_waiting(listener.address()));
    Server second{engine, {.endpoint = listener.endpoint()}, Callbacks{.on_data = echo}};
    EXPECT_EQ(second.start().error(), std::errc::address_in_use);
    EXPECT_TRUE(std::filesystem::exists(listener.address().path));
}

TEST_F(UnixPathTest, a_regular_file_is_not_deleted) {
    std::ofstream{path} << "precious";
    const Status status = server.start();
    EXPECT_FALSE(status);
    EXPECT_NE(status.message().find(path), std::string::npos) << status;
    std::string text;
    std::ifstream{path} >> text;
    EXPECT_EQ(text, "precious");
}

TEST_F(UnixPathTest, a_directory_and_a_dangling_link_are_not_deleted) {
    std::filesystem::create_directory(path);
    EXPECT_FALSE(server.start());
    EXPECT_TRUE(std::filesystem::is_directory(path));
    std::filesystem::remove(path);
    std::filesystem::create_symlink("/nonexistent/target", path);
    EXPECT_FALSE(server.start());
    EXPECT_TRUE(std::filesystem::is_symlink(path));
}

TEST_F(UnixPathTest, a_file_that_took_its_place_is_not_deleted_at_stop) {
    ASSERT_TRUE(server.start());
    ASSERT_TRUE(std::filesystem::remove(path));
    std::ofstream{path} << "somebody else's";
    server.stop();
    EXPECT_TRUE(exists());
}

TEST_F(UnixPathTest, a_file_that_vanished_does_not_disturb_stop) {
    ASSERT_TRUE(server.start());
    ASSERT_TRUE(std::filesystem::remove(path));
    server.stop();
    const Status status = server.start();
    ASSERT_TRUE(status) << status;
    expect_served(server);
}

TEST_F(UnixPathTest, a_path_that_is_too_long_is_named) {
    const std::string name(200, 'y');
    for (const std::string& endpoint : {"unix:///tmp/" + name, "unix://@" + name}) {
        Server server_with_long_path{engine, {.endpoint = endpoint}, Callbacks{.on_data = echo}};
        const Status status = server_with_long_path.start();
        EXPECT_FALSE(status);
        EXPECT_NE(status.message().find(name), std::string::npos) << status;
        Recorder failed;
        Client client{engine,
                      {.endpoint = endpoint},
                      Callbacks{.on_connect_error = [&](std::error_code, unsigned, bool) { failed.mark(); }}};
        EXPECT_TRUE(!client.start() || failed.wait_for_marks(1)) << "a client must hear of it one way or the other";
    }
}

TEST_F(UnixPathTest, a_directory_that_does_not_exist_is_named) {
    Server nowhere{engine, {.endpoint = "unix:///nonexistent-directory/s"}, Callbacks{.on_data = echo}};
    const Status status = nowhere.start();
    EXPECT_EQ(status.error(), std::errc::no_such_file_or_directory) << status;
    EXPECT_NE(status.message().find("/nonexistent-directory/s"), std::string::npos) << status;
}

TEST_F(UnixPathTest, abstract_names_leave_no_file_and_do_not_clash_when_gone) {
    if (!has_abstract_names()) GTEST_SKIP() << no_abstract_names;
    const std::string name = fresh_abstract_name();
    for (int round = 0; round < 3; ++round) {
        Server abstract{engine, {.endpoint = "unix://" + name}, Callbacks{.on_data = echo}};
        ASSERT_TRUE(abstract.start());
        Server second{engine, {.endpoint = "unix://" + name}, Callbacks{.on_data = echo}};
        const Status status = second.start();
        EXPECT_EQ(status.error(), std::errc::address_in_use) << status;
        EXPECT_NE(status.message().find(name), std::string::npos) << status;
        expect_served(abstract);
    }
}

}  // namespace
}  // namespace pollux::test
