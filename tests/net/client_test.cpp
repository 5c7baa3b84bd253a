// Clients that find nobody, find somebody late, lose somebody, and are stopped at awkward moments.
#include <array>
#include <filesystem>
#include <fstream>

#include "support.h"

namespace pollux::test {
namespace {

using ClientTest = NetTest;
INSTANTIATE_TEST_SUITE_P(Net, ClientTest, everywhere, setting_name);

/// An endpoint where nobody listens, though somebody did.
std::string deserted(Transport transport) {
    const RawListener listener{transport};
    return listener.endpoint();
}

/// A listening socket whose backlog is full: connecting to it takes until somebody accepts.
class BlackHole {
public:
    explicit BlackHole(Transport transport) : listener_(transport, 0) {
        for (int index = 0; index < 8; ++index) {
            waiting_.push_back(RawSocket::connect_without_waiting(listener_.address()));
        }
    }

    [[nodiscard]] std::string endpoint() const { return listener_.endpoint(); }
    void open() {
        for (std::size_t index = 0; index < 2; ++index) accepted_.push_back(listener_.accept());
        waiting_.clear();
    }
    [[nodiscard]] RawSocket accept() const { return listener_.accept(); }

private:
    RawListener listener_;
    std::vector<RawSocket> waiting_;
    std::vector<RawSocket> accepted_;
};

std::unique_ptr<Client<Recording>> make_client(Engine& engine, ClientOptions options, Recorder& recorder,
                                               Hooks hooks = {}) {
    auto client = std::make_unique<Client<Recording>>(engine, std::move(options), std::ref(recorder), std::move(hooks));
    const Status status = client->start();
    EXPECT_TRUE(status) << status;
    return client;
}

bool wait_for_connect_errors(Recorder& recorder, std::size_t count) {
    return recorder.wait_until([=](const auto& now) { return now.connect_errors.size() >= count; });
}

TEST_P(ClientTest, nobody_there) {
    const auto client = make_client(engine, {.endpoint = deserted(transport())}, client_seen);
    ASSERT_TRUE(wait_for_connect_errors(client_seen, 1));
    const ConnectError failure = client_seen.seen().connect_errors[0];
    if (tcp()) {
        EXPECT_EQ(failure.error, std::errc::connection_refused) << failure.error.message();
    } else {
        // The listener removed its file.
        EXPECT_EQ(failure.error, std::errc::no_such_file_or_directory) << failure.error.message();
    }
    EXPECT_EQ(failure.attempt, 1u);
    EXPECT_FALSE(failure.will_retry);
    EXPECT_FALSE(client->connected());
    EXPECT_EQ(client->connection_id(), ConnectionId{});
    EXPECT_EQ(client->send("x"), Result::closed);
    turn_all(engine);
    EXPECT_EQ(client_seen.seen().opens, 0u);
    EXPECT_EQ(client_seen.seen().connect_errors.size(), 1u);
}

TEST_P(ClientTest, a_unix_path_that_never_existed_or_is_no_socket) {
    if (tcp()) GTEST_SKIP() << "Unix sockets only";
    const std::string path = fresh_path();
    std::ofstream{path} << "a regular file";
    const auto client = make_client(engine, {.endpoint = "unix://" + path}, client_seen);
    ASSERT_TRUE(wait_for_connect_errors(client_seen, 1));
    EXPECT_EQ(client_seen.seen().connect_errors[0].error, std::errc::connection_refused);
    const auto other = make_client(engine, {.endpoint = "unix://" + fresh_path()}, client_seen);
    ASSERT_TRUE(wait_for_connect_errors(client_seen, 2));
    EXPECT_EQ(client_seen.seen().connect_errors[1].error, std::errc::no_such_file_or_directory);
    std::filesystem::remove(path);
}

TEST_P(ClientTest, a_black_hole_runs_into_the_connect_timeout) {
    if (!tcp()) GTEST_SKIP() << "a Unix connect is never in between";
    BlackHole hole{Transport::tcp};
    const Clock::time_point start = Clock::now();
    const auto client = make_client(engine, {.endpoint = hole.endpoint(), .connect_timeout = 100ms}, client_seen);
    ASSERT_TRUE(wait_for_connect_errors(client_seen, 1));
    EXPECT_GE(Clock::now() - start, 100ms);
    const std::error_code error = client_seen.seen().connect_errors[0].error;
    EXPECT_TRUE(error == Errc::timed_out || error == std::errc::timed_out) << error.message();
    EXPECT_EQ(client_seen.seen().opens, 0u);
}

TEST_P(ClientTest, a_full_backlog_is_tried_again) {
    BlackHole hole{transport()};
    const auto client =
        make_client(engine, {.endpoint = hole.endpoint(), .connect_timeout = 150ms, .reconnect = quickly}, client_seen);
    ASSERT_TRUE(wait_for_connect_errors(client_seen, 1));
    EXPECT_TRUE(client_seen.seen().connect_errors[0].will_retry);
    hole.open();
    EXPECT_TRUE(client_seen.wait_for_opens(1));
}

TEST_P(ClientTest, mistakes_in_the_options_are_told_by_start) {
    const auto expect = [&](ClientOptions options, Errc error, const char* name) {
        Client<Recording> client{engine, std::move(options), std::ref(client_seen)};
        const Status status = client.start();
        EXPECT_EQ(status.error(), error) << status;
        EXPECT_NE(status.message().find(name), std::string::npos) << status;
    };
    expect({.endpoint = "gopher://x:1"}, Errc::invalid_endpoint, "gopher://x:1");
    expect({.endpoint = ""}, Errc::invalid_endpoint, "");
    const std::string good = deserted(transport());
    expect({.endpoint = good, .connect_timeout = 0ms}, Errc::invalid_option, "connect_timeout");
    expect({.endpoint = good, .reconnect = {.jitter = 1.5}}, Errc::invalid_option, "jitter");
    expect({.endpoint = good, .reconnect = {.growth = 0.5}}, Errc::invalid_option, "growth");
    expect({.endpoint = good, .reconnect = {.delay = std::chrono::milliseconds{-1}}}, Errc::invalid_option, "delay");
    expect({.endpoint = good, .reactor = 7}, Errc::invalid_option, "reactor");
}

TEST_P(ClientTest, start_twice_is_told) {
    auto server = serve({});
    const auto client = make_client(engine, {.endpoint = endpoint_of(server->address())}, client_seen);
    EXPECT_EQ(client->start().error(), Errc::already_started);
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    EXPECT_EQ(client->start().error(), Errc::already_started);
}

TEST_P(ClientTest, lives_on_the_reactor_it_was_given) {
    auto server = serve({});
    for (std::size_t index = 0; index < engine.reactors(); ++index) {
        Recorder record;
        const auto client = make_client(
            engine, {.endpoint = endpoint_of(server->address()), .reactor = index}, record,
            {.on_open = [&, index](Connection& connection) { EXPECT_EQ(connection.reactor().index(), index); }});
        ASSERT_TRUE(record.wait_for_opens(1));
        EXPECT_EQ(client->connection_id(), record.id());
        client->stop();
    }
}

TEST_P(ClientTest, started_before_the_engine) {
    auto server = serve({});
    Engine late{{.reactors = GetParam().reactors}};
    const auto client = make_client(late, {.endpoint = endpoint_of(server->address())}, client_seen);
    EXPECT_FALSE(client->connected());
    ASSERT_TRUE(late.start());
    EXPECT_TRUE(client_seen.wait_for_opens(1));
    EXPECT_TRUE(eventually([&] { return client->connected(); }));
}

TEST_P(ClientTest, other_threads_send) {
    auto server = serve({.on_data = echo});
    const auto client = make_client(engine, {.endpoint = endpoint_of(server->address())}, client_seen);
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    const std::size_t messages = scaled(5000);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] {
            for (std::size_t number = 0; number < messages; ++number) {
                ASSERT_TRUE(eventually([&] { return client->send("0123456789") == Result::ok; }));
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(client_seen.wait_for_bytes(4 * messages * 10));
    EXPECT_EQ(client_seen.seen().received.size(), 4 * messages * 10);
}

TEST_P(ClientTest, comes_back_to_a_server_that_restarts) {
    auto server = serve({.on_data = echo});
    const auto client =
        make_client(engine, {.endpoint = endpoint_of(server->address()), .reconnect = quickly}, client_seen,
                    {.on_open = [](Connection& connection) { EXPECT_EQ(connection.send("hello"), Result::ok); }});
    ASSERT_TRUE(client_seen.wait_for_bytes(5));
    for (std::size_t round = 1; round <= 5; ++round) {
        const Status status = server->restart();
        ASSERT_TRUE(status) << status;
        ASSERT_TRUE(client_seen.wait_for_bytes(5 * (round + 1)));
        // More than one if it came back through a listening socket that was about to close as well.
        EXPECT_GE(client_seen.seen().closes, round);
        EXPECT_EQ(client_seen.seen().handlers, 1u) << "one handler over all reconnects";
        EXPECT_NE(client_seen.id(round), client_seen.id(round - 1));
        EXPECT_FALSE(engine.is_alive(client_seen.id(round - 1)));
    }
    client->stop();
    EXPECT_EQ(client_seen.seen().closes, client_seen.seen().opens);
    EXPECT_EQ(client_seen.seen().handlers, 0u) << "stop waits until the handler is destroyed";
}

TEST_P(ClientTest, comes_back_when_asked_to) {
    auto server = serve({});
    const auto client =
        make_client(engine, {.endpoint = endpoint_of(server->address()), .reconnect = quickly}, client_seen);
    for (std::size_t round = 1; round <= 3; ++round) {
        ASSERT_TRUE(client_seen.wait_for_opens(round));
        ASSERT_TRUE(eventually([&] { return client->connected(); }));
        client->reconnect();
    }
    EXPECT_TRUE(client_seen.wait_for_opens(4));
    EXPECT_TRUE(client_seen.wait_for_closes(3));
    for (std::size_t round = 0; round < 3; ++round) EXPECT_EQ(client_seen.reason(round), CloseReason::local_close);
}

TEST_P(ClientTest, waits_longer_each_time_and_gives_up) {
    std::vector<Clock::time_point> times;
    const auto client = make_client(
        engine,
        {.endpoint = deserted(transport()),
         .reconnect =
             {.enabled = true, .delay = 10ms, .growth = 2.0, .max_delay = 30ms, .jitter = 0, .max_attempts = 5}},
        client_seen, {.on_connect_error = [&](std::error_code, unsigned, bool) { times.push_back(Clock::now()); }});
    ASSERT_TRUE(wait_for_connect_errors(client_seen, 5));
    turn_all(engine);
    const std::vector<ConnectError> errors = client_seen.seen().connect_errors;
    ASSERT_EQ(errors.size(), 5u);
    for (unsigned index = 0; index < 5; ++index) {
        EXPECT_EQ(errors[index].attempt, index + 1);
        EXPECT_EQ(errors[index].will_retry, index != 4);
    }
    const std::array<std::chrono::milliseconds, 4> least{10ms, 20ms, 30ms, 30ms};
    for (std::size_t index = 0; index < 4; ++index) EXPECT_GE(times[index + 1] - times[index], least[index]);
    // It may begin again after stop.
    client->stop();
    const Status status = client->start();
    ASSERT_TRUE(status) << status;
    EXPECT_TRUE(wait_for_connect_errors(client_seen, 6));
    EXPECT_EQ(client_seen.seen().connect_errors[5].attempt, 1u);
}

TEST_P(ClientTest, jitter_stays_within_its_bounds) {
    std::vector<Clock::time_point> times;
    const auto client = make_client(
        engine,
        {.endpoint = deserted(transport()),
         .reconnect = {.enabled = true, .delay = 10ms, .growth = 1.0, .jitter = 0.5, .max_attempts = 12}},
        client_seen, {.on_connect_error = [&](std::error_code, unsigned, bool) { times.push_back(Clock::now()); }});
    ASSERT_TRUE(wait_for_connect_errors(client_seen, 12));
    for (std::size_t index = 1; index < times.size(); ++index) {
        EXPECT_GE(times[index] - times[index - 1], 5ms - 100us);
    }
}

TEST_P(ClientTest, finds_a_server_that_comes_late) {
    const std::string target = deserted(transport());
    const auto client = make_client(engine, {.endpoint = target, .reconnect = quickly}, client_seen);
    ASSERT_TRUE(wait_for_connect_errors(client_seen, 3));
    auto server = serve({}, {.endpoint = target});
    EXPECT_TRUE(client_seen.wait_for_opens(1));
}

TEST_P(ClientTest, attempts_count_from_the_last_connection) {
    auto server = serve({});
    const SocketAddress address = server->address();
    const auto client = make_client(engine, {.endpoint = endpoint_of(address), .reconnect = quickly}, client_seen);
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    server->stop();
    ASSERT_TRUE(wait_for_connect_errors(client_seen, 2));
    const std::vector<ConnectError> errors = client_seen.seen().connect_errors;
    EXPECT_EQ(errors[0].attempt, 1u);
    EXPECT_EQ(errors[1].attempt, 2u);
}

TEST_P(ClientTest, stopped_while_connecting_or_waiting) {
    for (const bool connecting : {true, false}) {
        BlackHole hole{Transport::tcp};
        Recorder record;
        const auto client = make_client(engine,
                                        {.endpoint = connecting ? hole.endpoint() : deserted(transport()),
                                         .connect_timeout = 1h,
                                         .reconnect = {.enabled = true, .delay = 1h, .max_delay = 1h}},
                                        record);
        if (!connecting) {
            ASSERT_TRUE(wait_for_connect_errors(record, 1));
        } else {
            turn_all(engine);
        }
        client->stop();
        EXPECT_EQ(record.seen().opens, 0u);
        EXPECT_EQ(record.seen().handlers, 0u);
        EXPECT_FALSE(client->connected());
        client->stop();
    }
}

TEST_P(ClientTest, stopped_and_started_again_many_times) {
    auto server = serve({.on_data = echo});
    Client<Recording> client{engine, {.endpoint = endpoint_of(server->address())}, std::ref(client_seen)};
    for (std::size_t round = 0; round < scaled(200); ++round) {
        ASSERT_TRUE(client.start());
        if (round % 3 == 0) {
            ASSERT_TRUE(eventually([&] { return client.connected(); }));
        }
        client.stop();
        EXPECT_FALSE(client.connected());
        const Recorder::Seen now = client_seen.seen();
        ASSERT_EQ(now.opens, now.closes);
        ASSERT_EQ(now.handlers, 0u);
    }
}

TEST_P(ClientTest, stop_drains_what_is_pending) {
    constexpr std::size_t size = std::size_t{6} << 20;
    const RawListener listener{transport()};
    const auto client = make_client(
        engine, {.endpoint = listener.endpoint()}, client_seen,
        {.on_open = [](Connection& connection) { EXPECT_EQ(connection.send(pattern(0, size)), Result::ok); }});
    const RawSocket peer = listener.accept();
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    std::thread stopper{[&] { client->stop(); }};
    const RawSocket::Rest rest = peer.receive_rest();
    peer.finish_sending();
    stopper.join();
    EXPECT_EQ(rest.error, 0);
    EXPECT_EQ(rest.bytes.size(), size);
    EXPECT_TRUE(matches_pattern(rest.bytes, 0));
    const CloseReason reason = client_seen.reason();
    EXPECT_TRUE(reason == CloseReason::local_close || reason == CloseReason::shutdown) << to_string(reason);
}

TEST_P(ClientTest, engine_stop_ends_clients_in_every_state) {
    auto server = serve({});
    BlackHole hole{Transport::tcp};
    Engine stopping{{.reactors = GetParam().reactors}};
    ASSERT_TRUE(stopping.start());
    const auto connected =
        make_client(stopping, {.endpoint = endpoint_of(server->address()), .reconnect = quickly}, client_seen);
    const auto connecting = make_client(stopping, {.endpoint = hole.endpoint(), .reconnect = quickly}, client_seen);
    const auto waiting = make_client(
        stopping, {.endpoint = deserted(transport()), .reconnect = {.enabled = true, .delay = 1h, .max_delay = 1h}},
        client_seen);
    const auto resolving = make_client(stopping, {.endpoint = "tcp://localhost:1", .reconnect = quickly}, client_seen);
    ASSERT_TRUE(client_seen.wait_for_opens(1));
    stopping.stop();
    stopping.wait();
    EXPECT_EQ(client_seen.seen().closes, 1u);
    EXPECT_EQ(client_seen.reason(), CloseReason::shutdown);
    EXPECT_FALSE(connected->connected());
    EXPECT_EQ(connected->send("x"), Result::closed);
}

}  // namespace
}  // namespace pollux::test
