// Engines without servers, and mistakes at the start.
#include <filesystem>

#include "support.h"

namespace pollux::test {
namespace {

TEST(EngineStartTest, starts_once_and_stops_once) {
    Engine engine{{.reactors = 2}};
    EXPECT_FALSE(engine.running());
    EXPECT_EQ(engine.reactors(), 2u);
    EXPECT_EQ(engine.reactor(1).index(), 1u);
    EXPECT_EQ(&engine.reactor(1).engine(), &engine);
    ASSERT_TRUE(engine.start());
    EXPECT_TRUE(engine.running());
    EXPECT_EQ(engine.start().error(), Errc::already_started);
    engine.stop();
    engine.wait();
    EXPECT_FALSE(engine.running());
    EXPECT_FALSE(engine.start()) << "an engine starts once";
    engine.wait();  // at once
}

TEST(EngineStartTest, as_many_reactors_as_cores) {
    const Engine engine{{.reactors = 0}};
    EXPECT_GE(engine.reactors(), 1u);
}

TEST(EngineStartTest, runs_pinned_and_spinning) {
    Engine engine{{.reactors = 1, .pin = true, .spin = 50us}};
    const Status status = engine.start();
    ASSERT_TRUE(status) << status;
    Server server{engine, {.endpoint = "tcp://127.0.0.1:0"}, Callbacks{.on_data = echo}};
    ASSERT_TRUE(server.start());
    const RawSocket peer = RawSocket::connect(server.address());
    for (int round = 0; round < 100; ++round) {
        ASSERT_TRUE(peer.send("ping"));
        ASSERT_EQ(peer.receive(4), "ping");
    }
}

TEST(EngineStartTest, destroyed_without_start) {
    if (!has_unix_sockets()) GTEST_SKIP() << no_unix_sockets;
    const std::string path = fresh_path();
    Recorder record;
    {
        Engine engine{{.reactors = 2}};
        Server<Recording> started{engine, {.endpoint = "unix://" + path}, std::ref(record)};
        Server<Recording> idle{engine, {.endpoint = "tcp://127.0.0.1:0"}, std::ref(record)};
        Client<Recording> client{engine, {.endpoint = "unix://" + path}, std::ref(record)};
        const Client<Recording> idle_client{engine, {.endpoint = "unix://" + path}, std::ref(record)};
        ASSERT_TRUE(started.start());
        ASSERT_TRUE(client.start());
        EXPECT_TRUE(std::filesystem::exists(path));
        EXPECT_FALSE(client.connected());
    }
    EXPECT_FALSE(std::filesystem::exists(path));
    record.expect_in_order("all");
}

TEST(EngineStartTest, tasks_posted_before_the_start_run_after_it) {
    Engine engine;
    Gate ran;
    ASSERT_EQ(engine.post(0, [&] { ran.open(); }), Result::ok);
    ASSERT_TRUE(engine.start());
    EXPECT_TRUE(ran.wait());
}

TEST(EngineStartTest, names_the_option_that_makes_no_sense) {
    const auto expect_invalid = [](EngineOptions options, const char* name) {
        Engine engine{std::move(options)};
        const Status status = engine.start();
        EXPECT_EQ(status.error(), Errc::invalid_option) << status;
        EXPECT_NE(status.message().find(name), std::string::npos) << status;
        EXPECT_FALSE(engine.running());
    };
    expect_invalid({.reactors = 1025}, "reactors");
    expect_invalid({.spin = -1us}, "spin");
    expect_invalid({.receive_buffer_bytes = 0}, "receive_buffer_bytes");
    expect_invalid({.mailbox_bytes = 0}, "mailbox_bytes");
    expect_invalid({.stop_timeout = -1ms}, "stop_timeout");
}

TEST(ServerStartTest, names_the_option_that_makes_no_sense) {
    Engine engine;
    ASSERT_TRUE(engine.start());
    const auto expect_invalid = [&](const std::function<void(ServerOptions&)>& spoil, const char* name) {
        ServerOptions options{.endpoint = "tcp://127.0.0.1:0"};
        spoil(options);
        Server server{engine, options, Callbacks{.on_data = echo}};
        const Status status = server.start();
        EXPECT_EQ(status.error(), Errc::invalid_option) << name << ": " << status;
        EXPECT_NE(status.message().find(name), std::string::npos) << status;
        EXPECT_FALSE(server.running());
    };
    expect_invalid([](auto& options) { options.connection.low_watermark_bytes = 2 << 20; }, "low_watermark_bytes");
    expect_invalid([](auto& options) { options.connection.max_pending_bytes = 1000; }, "watermark");
    expect_invalid([](auto& options) { options.connection.close_timeout = 0ms; }, "close_timeout");
    expect_invalid([](auto& options) { options.connection.idle_timeout = -1ms; }, "idle_timeout");
    expect_invalid([](auto& options) { options.backlog = -1; }, "backlog");
}

TEST(ServerStartTest, names_the_endpoint_that_cannot_be_parsed) {
    Engine engine;
    for (const char* endpoint : {"", "nonsense", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:port", "unix://",
                                 "tcp://127.0.0.1:65536", "udp://127.0.0.1:1", "tcp://[::1:1", "tcp://127.0.0.1:-1"}) {
        Server server{engine, {.endpoint = endpoint}, Callbacks{.on_data = echo}};
        const Status status = server.start();
        EXPECT_EQ(status.error(), Errc::invalid_endpoint) << '"' << endpoint << "\": " << status;
        EXPECT_NE(status.message().find(endpoint), std::string::npos) << status;
    }
}

TEST(ServerStartTest, names_the_address_in_use) {
    for (const std::size_t reactors : {1u, 2u}) {
        Engine engine{{.reactors = reactors}};
        Engine other{{.reactors = reactors}};
        Server first{engine, {.endpoint = "tcp://127.0.0.1:0"}, Callbacks{.on_data = echo}};
        ASSERT_TRUE(first.start());
        const std::string taken = endpoint_of(first.address());
        for (Engine* each : {&engine, &other}) {
            Server second{*each, {.endpoint = taken}, Callbacks{.on_data = echo}};
            const Status status = second.start();
            EXPECT_EQ(status.error(), std::errc::address_in_use) << status;
            EXPECT_NE(status.message().find(taken), std::string::npos) << status;
            EXPECT_FALSE(second.running());
        }
        const RawListener raw{Transport::tcp};
        Server third{engine, {.endpoint = raw.endpoint()}, Callbacks{.on_data = echo}};
        EXPECT_EQ(third.start().error(), std::errc::address_in_use);
        first.stop();
        Server fourth{other, {.endpoint = taken}, Callbacks{.on_data = echo}};
        const Status status = fourth.start();
        EXPECT_TRUE(status) << status;
    }
}

TEST(ServerStartTest, two_servers_share_a_port_if_both_want_to) {
    Engine engine;
    Server first{engine, {.endpoint = "tcp://127.0.0.1:0", .reuse_port = true}, Callbacks{.on_data = echo}};
    const Status alone = first.start();
    if (alone.error() == std::errc::operation_not_supported) GTEST_SKIP() << "the system shares no ports";
    ASSERT_TRUE(alone) << alone;
    Server second{engine, {.endpoint = endpoint_of(first.address()), .reuse_port = true}, Callbacks{.on_data = echo}};
    const Status status = second.start();
    EXPECT_TRUE(status) << status;
}

TEST(ServerStartTest, names_the_address_that_is_not_ours) {
    Engine engine;
    Server server{engine, {.endpoint = "tcp://192.0.2.1:0"}, Callbacks{.on_data = echo}};  // a documentation address
    const Status status = server.start();
    EXPECT_EQ(status.error(), std::errc::address_not_available) << status;
    EXPECT_NE(status.message().find("192.0.2.1"), std::string::npos) << status;
}

TEST(ServerStartTest, a_name_without_an_address) {
    Engine engine;
    Server server{engine, {.endpoint = "tcp://does-not-exist.invalid:1"}, Callbacks{.on_data = echo}};
    const Status status = server.start();
    EXPECT_EQ(status.error(), Errc::name_not_resolved) << status;
    EXPECT_NE(status.message().find("does-not-exist.invalid"), std::string::npos) << status;
}

TEST(ServerStartTest, not_after_the_engine_has_stopped) {
    Engine engine;
    ASSERT_TRUE(engine.start());
    Server server{engine, {.endpoint = "tcp://127.0.0.1:0"}, Callbacks{.on_data = echo}};
    engine.stop();
    engine.wait();
    const Status status = server.start();
    EXPECT_EQ(status.error(), Errc::stopped) << status;
    EXPECT_FALSE(server.running());
}

TEST(EngineRunTest, reports_the_server_that_cannot_start) {
    const RawListener taken{Transport::tcp};
    Engine engine;
    Server good{engine, {.endpoint = "tcp://127.0.0.1:0"}, Callbacks{.on_data = echo}};
    Server bad{engine, {.endpoint = taken.endpoint()}, Callbacks{.on_data = echo}};
    const Status status = engine.run();
    EXPECT_EQ(status.error(), std::errc::address_in_use) << status;
    EXPECT_NE(status.message().find(taken.endpoint()), std::string::npos) << status;
    EXPECT_FALSE(engine.running());
    EXPECT_FALSE(good.running()) << "if a server cannot start, nothing runs";
}

TEST(EngineRunTest, starts_the_servers_and_returns_after_stop) {
    if (!has_unix_sockets()) GTEST_SKIP() << no_unix_sockets;
    Engine engine{{.reactors = 2}};
    Server tcp{engine, {.endpoint = "tcp://127.0.0.1:0"}, Callbacks{.on_data = echo}};
    Server local{engine, {.endpoint = fresh_endpoint(Transport::unix_domain)}, Callbacks{.on_data = echo}};
    std::thread runner{[&] {
        const Status status = engine.run();
        EXPECT_TRUE(status) << status;
    }};
    EXPECT_TRUE(eventually([&] { return engine.running() && tcp.running() && local.running(); }));
    for (const ServerBase* server : {static_cast<ServerBase*>(&tcp), static_cast<ServerBase*>(&local)}) {
        const RawSocket peer = RawSocket::connect(server->address());
        EXPECT_TRUE(peer.send("ping"));
        EXPECT_EQ(peer.receive(4), "ping");
    }
    engine.stop();
    runner.join();
    EXPECT_FALSE(tcp.running());
}

}  // namespace
}  // namespace pollux::test
