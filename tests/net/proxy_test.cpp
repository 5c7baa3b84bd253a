// A proxy: handlers of a server that open, feed, hold back and destroy clients of their own.
#include "support.h"

namespace pollux::test {
namespace {

using ProxyTest = NetTest;
INSTANTIATE_TEST_SUITE_P(Net, ProxyTest, everywhere, setting_name);

/// The two connections of a proxied one; both live on one reactor, so they may use each other directly.
struct Link {
    Connection* downstream = nullptr;  ///< To the proxy's client.
    Connection* upstream = nullptr;    ///< To the server behind the proxy.

    static void pass(Connection& from, Connection* to, Bytes data) {
        if (to == nullptr) return;
        EXPECT_NE(to->send(data), Result::would_block) << "passed on more than the watermark allows";
        if (to->bytes_pending() >= ConnectionOptions{}.high_watermark_bytes) from.pause_receiving();
    }
};

class Upstream final : public ConnectionHandler {
public:
    explicit Upstream(std::shared_ptr<Link> link) : link_(std::move(link)) {}

    void on_open(Connection& connection) override {
        link_->upstream = &connection;
        link_->downstream->resume_receiving();
    }
    void on_data(Connection& connection, Bytes data) override { Link::pass(connection, link_->downstream, data); }
    void on_drain(Connection&) override {
        if (link_->downstream != nullptr) link_->downstream->resume_receiving();
    }
    void on_close(Connection&, CloseReason, std::error_code) override {
        link_->upstream = nullptr;
        if (link_->downstream != nullptr) link_->downstream->close();
    }
    void on_connect_error(std::error_code, unsigned, bool) override {
        if (link_->downstream != nullptr) link_->downstream->abort();
    }

private:
    std::shared_ptr<Link> link_;
};

class Downstream final : public ConnectionHandler {
public:
    explicit Downstream(std::string target) : target_(std::move(target)) {}

    void on_open(Connection& connection) override {
        link_->downstream = &connection;
        connection.pause_receiving();  // until there is somebody to pass it to
        client_ = std::make_unique<Client<Upstream>>(
            connection.reactor().engine(), ClientOptions{.endpoint = target_, .reactor = connection.reactor().index()},
            link_);
        EXPECT_TRUE(client_->start());
    }
    void on_data(Connection& connection, Bytes data) override { Link::pass(connection, link_->upstream, data); }
    void on_end(Connection&) override {
        if (link_->upstream != nullptr) link_->upstream->close_send();
    }
    void on_drain(Connection&) override {
        if (link_->upstream != nullptr) link_->upstream->resume_receiving();
    }
    void on_close(Connection&, CloseReason, std::error_code) override {
        link_->downstream = nullptr;
        client_.reset();  // its connection ends later in the loop, and finds nobody here
    }

private:
    std::string target_;
    std::shared_ptr<Link> link_ = std::make_shared<Link>();
    std::unique_ptr<Client<Upstream>> client_;
};

TEST_P(ProxyTest, passes_everything_both_ways) {
    auto behind = serve({.on_data = echo});
    Server<Downstream> proxy{engine, {.endpoint = endpoint()}, endpoint_of(behind->address())};
    ASSERT_TRUE(proxy.start());
    const std::size_t size = scaled(std::size_t{6} << 20);
    std::vector<std::thread> peers;
    for (std::size_t index = 0; index < 4; ++index) {
        peers.emplace_back([&, index] {
            const RawSocket peer = RawSocket::connect(proxy.address());
            std::thread writer{[&] {
                EXPECT_TRUE(peer.send(pattern(index, size)));
                peer.finish_sending();
            }};
            const RawSocket::Rest rest = peer.receive_rest();
            writer.join();
            EXPECT_EQ(rest.error, 0);
            EXPECT_EQ(rest.bytes.size(), size);
            EXPECT_TRUE(matches_pattern(rest.bytes, index));
        });
    }
    for (std::thread& peer : peers) peer.join();
    EXPECT_TRUE(seen.wait_for_closes(4)) << "the end must be passed on too";
}

TEST_P(ProxyTest, survives_peers_and_servers_that_leave_in_the_middle) {
    auto behind = serve({.on_data = echo});
    Server<Downstream> proxy{engine, {.endpoint = endpoint()}, endpoint_of(behind->address())};
    ASSERT_TRUE(proxy.start());
    for (std::size_t round = 0; round < scaled(100); ++round) {
        RawSocket peer = RawSocket::connect(proxy.address());
        (void)peer.send(pattern(0, 100'000));
        const std::string first = peer.receive(round % 4 == 0 ? 0 : 1000);
        EXPECT_TRUE(matches_pattern(first, 0));
        if (round % 4 == 1) peer.reset();
        if (round % 4 == 2) behind->abort_all();
        if (round % 4 == 3) {
            peer.finish_sending();
            EXPECT_EQ(peer.receive_rest().error, 0);
        }
    }
    EXPECT_TRUE(eventually([&] { return proxy.connections() == 0 && behind->connections() == 0; }));
}

TEST_P(ProxyTest, tells_when_nobody_is_behind_it) {
    std::string deserted;
    {
        const RawListener listener{transport()};
        deserted = listener.endpoint();
    }
    Server<Downstream> proxy{engine, {.endpoint = endpoint()}, deserted};
    ASSERT_TRUE(proxy.start());
    for (int round = 0; round < 10; ++round) {
        const RawSocket peer = RawSocket::connect(proxy.address());
        EXPECT_EQ(peer.receive_rest().bytes, "");
    }
}

}  // namespace
}  // namespace pollux::test
