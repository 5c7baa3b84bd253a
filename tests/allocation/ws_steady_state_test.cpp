// In the steady state WebSockets make no call to the allocator for a message, on either side.
#include <pollux/ws/client.h>
#include <pollux/ws/server.h>

#include <array>
#include <atomic>
#include <memory>
#include <span>
#include <string>

#include "net/tls_support.h"
#include "steady_state.h"

namespace pollux::test {
namespace {

/// How messages are sent on and by what.
struct WsSteadyState {
    const char* name;
    bool secure = false;
    ws::Deflate deflate{};
};

const std::array<WsSteadyState, 4> steady_states{{
    {.name = "plain"},
    {.name = "tls", .secure = true},
    {.name = "deflate_shared", .deflate = {.enabled = true, .min_bytes = 16}},
    {.name = "deflate_per_connection",
     .deflate = {.enabled = true, .memory = ws::DeflateMemory::per_connection, .min_bytes = 16}},
}};

/// How much is still to be received; whoever takes the last one is done.
struct Progress {
    /// True if there is more to be sent than what is on its way.
    bool take_one() { return left.fetch_sub(1) > in_flight; }

    std::atomic<std::size_t> opened{0};
    std::atomic<std::size_t> left{0};
    std::size_t in_flight = 0;  // set while nothing is on its way
};

/// Sends back what comes: a text in two fragments.
class Echo final : public ws::Handler {
public:
    void on_message(ws::WebSocket& socket, ws::MessageType type, Bytes data) override {
        if (type == ws::MessageType::text) {
            const std::size_t half = data.size() / 2;
            static_cast<void>(socket.send_fragment(type, data.first(half), false));
            static_cast<void>(socket.send_fragment(type, data.subspan(half), true));
        } else {
            static_cast<void>(socket.send(type, data));
        }
    }
};

/// Sends what comes back again, until all have come.
class Repeater final : public ws::Handler {
public:
    explicit Repeater(Progress& progress) : progress_(progress) {}

    void on_open(ws::WebSocket& /*socket*/) override { ++progress_.opened; }
    void on_message(ws::WebSocket& socket, ws::MessageType type, Bytes data) override {
        if (progress_.take_one()) static_cast<void>(socket.send(type, data));
    }
    void on_pong(ws::WebSocket& socket, Bytes payload) override {
        if (progress_.take_one()) static_cast<void>(socket.ping(payload));
    }

private:
    Progress& progress_;
};

class WsSteadyStateTest : public testing::TestWithParam<WsSteadyState>, protected SteadyState {
protected:
    static constexpr std::size_t clients = 4;

    void SetUp() override {
        if (POLLUX_COUNTS_ALLOCATIONS == 0) GTEST_SKIP() << "the allocator cannot be replaced in this build";
        ASSERT_TRUE(openssl_is_counted_apart);
        ASSERT_TRUE(server_.start());
        ASSERT_TRUE(engine_.start());
        for (auto& client : clients_) {
            client = std::make_unique<ws::Client<Repeater>>(engine_, client_settings(), std::ref(progress_));
            ASSERT_TRUE(client->start());
        }
        ASSERT_TRUE(eventually([&] { return progress_.opened == clients; }));
    }

    /// Each client has `in_flight` of these messages on their way, until `total` have come back.
    void expect_no_allocation_of_echoes(std::size_t size, std::size_t in_flight, std::size_t total) {
        expect_no_allocation_of_echoes(ws::MessageType::binary, pattern(0, size), in_flight, total);
    }

    void expect_no_allocation_of_echoes(ws::MessageType type, const std::string& message, std::size_t in_flight,
                                        std::size_t total, std::size_t senders = clients) {
        expect_no_allocation([&] {
            expect_arrivals(total, senders * in_flight);
            for (const auto& client : std::span{clients_}.first(senders)) {
                for (std::size_t i = 0; i < in_flight; ++i) {
                    insist([&] { return client->send(type, as_bytes(message)); });
                }
            }
            wait_for_arrivals();
        });
    }

    void expect_arrivals(std::size_t total, std::size_t in_flight) {
        progress_.in_flight = in_flight;
        progress_.left = total;
    }

    void wait_for_arrivals() {
        check(eventually([&] { return progress_.left == 0; }));
    }

    Progress progress_;
    Engine engine_;
    ws::Server<Echo> server_{engine_, server_settings(), {.socket = {.deflate = GetParam().deflate}}};
    std::array<std::unique_ptr<ws::Client<Repeater>>, clients> clients_{};

private:
    [[nodiscard]] static ServerOptions server_settings() {
        ServerOptions options{.endpoint = fresh_endpoint(Transport::tcp)};
        if (GetParam().secure) options.tls = server_context();
        return options;
    }

    [[nodiscard]] ws::ClientOptions client_settings() const {
        ws::ClientOptions options{.socket = {.deflate = GetParam().deflate}};
        options.url = (GetParam().secure ? "wss://localhost/" : "ws://localhost/");
        options.endpoint = endpoint_of(server_.address());
        if (GetParam().secure) options.tls = client_context();
        return options;
    }
};

INSTANTIATE_TEST_SUITE_P(Net, WsSteadyStateTest, testing::ValuesIn(steady_states),
                         [](const auto& setting) { return std::string{setting.param.name}; });

TEST_P(WsSteadyStateTest, echo_of_small_messages) {
    expect_no_allocation_of_echoes(32, 1, 4000);
}

TEST_P(WsSteadyStateTest, echo_of_many_small_messages_in_flight) {
    expect_no_allocation_of_echoes(32, 100, 20'000);
}

TEST_P(WsSteadyStateTest, echo_of_16_kib) {
    // Of one client: how many are collected at once from several depends on how they arrive.
    expect_no_allocation_of_echoes(ws::MessageType::binary, pattern(0, 16 * 1024), 8, 500, 1);
}

TEST_P(WsSteadyStateTest, echo_of_messages_larger_than_a_step_of_the_mask) {
    expect_no_allocation_of_echoes(ws::MessageType::binary, pattern(0, 100'000), 1, 100, 1);
}

TEST_P(WsSteadyStateTest, pings_and_pongs) {
    expect_no_allocation([&] {
        expect_arrivals(2000, clients);
        for (const auto& client : clients_) insist([&] { return client->ping(as_bytes("are you there")); });
        wait_for_arrivals();
    });
}

TEST_P(WsSteadyStateTest, a_prepared_message_for_all) {
    const ws::PreparedMessage message{std::string(200, 'x')};
    expect_no_allocation([&] {
        expect_arrivals(500 * clients, 500 * clients);  // nothing is sent back
        for (int round = 0; round < 500; ++round) insist([&] { return server_.broadcast(message); });
        wait_for_arrivals();
    });
}

TEST_P(WsSteadyStateTest, messages_in_fragments) {
    expect_no_allocation_of_echoes(ws::MessageType::text, std::string(2000, 'x'), 1, 2000);
}

}  // namespace
}  // namespace pollux::test
