// Options of UDP: every mistake is named with its value before a socket is made, and servers and clients of connections
// refuse UDP.
#include <functional>

#include <pollux/pollux.h>

#include "unit/support.h"

namespace pollux::test {
namespace {

using namespace std::chrono_literals;

struct Deaf final : DatagramHandler {
    void on_datagram(UdpSocket& /*socket*/, const InetAddress& /*from*/, Bytes /*bytes*/) override {}
};

struct Echo final : ConnectionHandler {
    void on_data(Connection& connection, Bytes data) override { connection.send(data); }
};

/// What `start` says, and that it leaves nothing running.
Status start_with(UdpOptions options) {
    Engine engine{{.reactors = 2}};
    Udp<Deaf> udp{engine, std::move(options)};
    Status status = udp.start();
    EXPECT_EQ(udp.running(), status.ok());
    if (!status) {
        EXPECT_FALSE(udp.address());
        EXPECT_EQ(udp.port(), 0);
        EXPECT_FALSE(udp.socket_id());
        EXPECT_EQ(udp.send_to({SocketAddress::Family::ipv4, 9, 0, {127, 0, 0, 1}}, "x"), Result::closed);
    }
    return status;
}

struct UdpMistake {
    std::string message;
    std::function<void(UdpOptions&)> make;
};

void expect_told(const std::vector<UdpMistake>& mistakes, Errc error = Errc::invalid_option) {
    for (const UdpMistake& mistake : mistakes) {
        UdpOptions options{.bind = "udp://127.0.0.1:0", .connect = "udp://127.0.0.1:9"};
        mistake.make(options);
        const Status status = start_with(std::move(options));
        EXPECT_EQ(status.error(), error) << status;
        EXPECT_EQ(status.message(), mistake.message + ": " + make_error_code(error).message());
    }
}

TEST(UdpOptionsTest, mistakes_of_numbers_are_named_with_their_values) {
    expect_told({
        {"UdpOptions::reactor is 2 of 2", [](UdpOptions& options) { options.reactor = 2; }},
        {"UdpOptions::reactor is 1000 of 2", [](UdpOptions& options) { options.reactor = 1000; }},
        {"UdpOptions::hops is 0, not 1 to 255", [](UdpOptions& options) { options.hops = 0; }},
        {"UdpOptions::hops is 256, not 1 to 255", [](UdpOptions& options) { options.hops = 256; }},
        {"MulticastOptions::hops is 256, not 0 to 255", [](UdpOptions& options) { options.multicast.hops = 256; }},
        {"UdpOptions::max_datagram_bytes is 0, not 1 to 65535",
         [](UdpOptions& options) { options.max_datagram_bytes = 0; }},
        {"UdpOptions::max_datagram_bytes is 65536, not 1 to 65535",
         [](UdpOptions& options) { options.max_datagram_bytes = 65'536; }},
        {"UdpOptions::close_timeout is 0 ms, not positive", [](UdpOptions& options) { options.close_timeout = 0ms; }},
        {"UdpOptions::close_timeout is -1 ms, not positive", [](UdpOptions& options) { options.close_timeout = -1ms; }},
        {"UdpOptions::high_watermark_bytes is 0",
         [](UdpOptions& options) { options.high_watermark_bytes = options.low_watermark_bytes = 0; }},
        {"UdpOptions::low_watermark_bytes is 10, not below high_watermark_bytes, 10",
         [](UdpOptions& options) { options.high_watermark_bytes = options.low_watermark_bytes = 10; }},
        {"UdpOptions::max_pending_bytes is 9, below high_watermark_bytes, 10",
         [](UdpOptions& options) {
             options.low_watermark_bytes = 1;
             options.high_watermark_bytes = 10;
             options.max_pending_bytes = 9;
         }},
    });
}

TEST(UdpOptionsTest, mistakes_of_endpoints_are_named_with_their_values) {
    expect_told({
        {"UdpOptions::bind and UdpOptions::connect are empty",
         [](UdpOptions& options) { options.bind = options.connect = ""; }},
        {"UdpOptions::connect is udp://*:80: a peer has an address and a port",
         [](UdpOptions& options) { options.connect = "udp://*:80"; }},
        {"UdpOptions::connect is udp://127.0.0.1:0: a peer has an address and a port",
         [](UdpOptions& options) { options.connect = "udp://127.0.0.1:0"; }},
        {"MulticastOptions::interface_name is \"no-such-one\", which this machine does not have",
         [](UdpOptions& options) { options.multicast.interface_name = "no-such-one"; }},
        {"MulticastGroup::group is \"127.0.0.1\", not the address of a multicast group",
         [](UdpOptions& options) {
             options.multicast.groups = {{.group = "239.255.0.1"}, {.group = "127.0.0.1"}};
         }},
    });
}

TEST(UdpOptionsTest, endpoints_of_connections_are_refused) {
    expect_told({{"UdpOptions::bind is tcp://127.0.0.1:80, not udp://…",
                  [](UdpOptions& options) { options.bind = "tcp://127.0.0.1:80"; }},
                 {"UdpOptions::bind is unix:///run/app.sock, not udp://…",
                  [](UdpOptions& options) { options.bind = "unix:///run/app.sock"; }},
                 {"UdpOptions::connect is tcp://127.0.0.1:80, not udp://…",
                  [](UdpOptions& options) { options.connect = "tcp://127.0.0.1:80"; }}},
                Errc::invalid_endpoint);
}

TEST(UdpOptionsTest, what_is_no_endpoint_is_told_with_its_text) {
    for (UdpOptions options :
         {UdpOptions{.bind = "127.0.0.1:80"}, UdpOptions{.bind = "udp://127.0.0.1:0", .connect = "127.0.0.1:80"}}) {
        const Status status = start_with(std::move(options));
        EXPECT_EQ(status.error(), Errc::invalid_endpoint);
        EXPECT_EQ(status.message(),
                  "\"127.0.0.1:80\": an endpoint begins with tcp://, udp:// or unix://: invalid endpoint");
    }
}

TEST(UdpOptionsTest, a_mistake_is_told_again_and_again) {
    Engine engine;
    Udp<Deaf> udp{engine, {.bind = "udp://127.0.0.1:0", .hops = 0}};
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(udp.start().error(), Errc::invalid_option) << "not already_started";
        EXPECT_EQ(udp.restart().error(), Errc::invalid_option);
        udp.stop();
    }
    EXPECT_EQ(engine.run().error(), Errc::invalid_option) << "the engine starts what is not started";
}

TEST(UdpOptionsTest, a_server_of_connections_has_none_over_udp) {
    Engine engine;
    Server<Echo> server{engine, {.endpoint = "udp://127.0.0.1:0"}};
    const Status status = server.start();
    EXPECT_EQ(status.error(), Errc::invalid_endpoint);
    EXPECT_EQ(status.message(),
              "ServerOptions::endpoint is udp://127.0.0.1:0: UDP has no connections, see Udp: invalid endpoint");
    EXPECT_FALSE(server.running());
}

TEST(UdpOptionsTest, a_client_of_connections_has_none_over_udp) {
    Engine engine;
    Client<Echo> client{engine, {.endpoint = "udp://127.0.0.1:9"}};
    const Status status = client.start();
    EXPECT_EQ(status.error(), Errc::invalid_endpoint);
    EXPECT_EQ(status.message(),
              "ClientOptions::endpoint is udp://127.0.0.1:9: UDP has no connections, see Udp: invalid endpoint");
}

TEST(UdpOptionsTest, a_blocking_client_has_none_over_udp) {
    BlockingClient client;
    const Status status = client.connect("udp://127.0.0.1:9");
    EXPECT_EQ(status.error(), Errc::invalid_endpoint);
    EXPECT_NE(status.message().find("udp://127.0.0.1:9"), std::string::npos) << status;
    EXPECT_NE(status.message().find("UDP has no connections"), std::string::npos) << status;
}

}  // namespace
}  // namespace pollux::test
