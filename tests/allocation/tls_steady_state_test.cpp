// In the steady state TLS makes no call to the allocator either. OpenSSL does: 3.0 takes some bytes to keep the books
// of each record that it writes, and gives them back at once. That is all that it may do while one connection talks.
// Where several do, the buffers of a session go back and the next one takes them: ReactorCore::use_tls_buffers.
#include <array>
#include <atomic>
#include <memory>

#include "net/tls_support.h"
#include "steady_state.h"

namespace pollux::test {
namespace {

class CountingEcho final : public ConnectionHandler {
public:
    explicit CountingEcho(std::vector<std::atomic<std::uint64_t>>& ids, std::atomic<std::size_t>& opened)
        : ids_(ids), opened_(opened) {}

    void on_open(Connection& connection) override { ids_[opened_++] = connection.id().value; }
    void on_data(Connection& connection, Bytes data) override { (void)connection.send(data); }

private:
    std::vector<std::atomic<std::uint64_t>>& ids_;
    std::atomic<std::size_t>& opened_;
};

/// A client that talks through OpenSSL straight from its socket, so that it makes no strings.
class FrugalPeer {
public:
    void connect(const SocketAddress& to, const TlsPeerContext& context) {
        socket_ = RawSocket::connect(to);
        ssl_.reset(SSL_new(context.get()));
        ASSERT_EQ(SSL_set_fd(ssl_.get(), static_cast<int>(socket_.handle())), 1);
        ASSERT_EQ(SSL_connect(ssl_.get()), 1);
    }

    [[nodiscard]] bool send(const std::byte* bytes, std::size_t size) const {
        std::size_t count = 0;
        return SSL_write_ex(ssl_.get(), bytes, size, &count) == 1;
    }
    [[nodiscard]] bool receive(std::byte* bytes, std::size_t size) const {
        for (std::size_t done = 0; done < size;) {
            std::size_t count = 0;
            if (SSL_read_ex(ssl_.get(), bytes + done, size - done, &count) != 1) return false;
            done += count;
        }
        return true;
    }

private:
    struct Free {
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };

    RawSocket socket_;
    std::unique_ptr<SSL, Free> ssl_;
};

struct TlsSetting {
    Setting where;
    TlsVersion version = TlsVersion::tls1_3;
    std::size_t clients = 1;
};

void PrintTo(const TlsSetting& setting, std::ostream* out) {
    PrintTo(setting.where, out);
    *out << ", " << setting.clients << " clients";
}

class TlsSteadyStateTest : public testing::TestWithParam<TlsSetting>, protected SteadyState {
protected:
    void SetUp() override {
        if (POLLUX_COUNTS_ALLOCATIONS == 0) GTEST_SKIP() << "the allocator cannot be replaced in this build";
        ASSERT_TRUE(openssl_is_counted_apart);
        ASSERT_TRUE(server_.start());
        ASSERT_TRUE(engine_.start());
        const TlsPeerContext context{TlsRole::client, only(GetParam().version)};
        for (FrugalPeer& peer : peers_) {
            peer.connect(server_.address(), context);
            ASSERT_FALSE(HasFatalFailure());
        }
        ASSERT_TRUE(eventually([&] { return opened_ == peers_.size(); }));
    }

    template <class Work>
    void expect_no_allocation(Work&& work) {
        SteadyState::expect_no_allocation(work);
        if (peers_.size() == 1) {
            EXPECT_LE(openssl_count().largest_bytes, 256u) << "OpenSSL allocates buffers";
        }
    }

    /// One message to each, then one from each.
    void echo_round(std::size_t size) {
        for (const FrugalPeer& peer : peers_) check(peer.send(buffer_.data(), size));
        for (const FrugalPeer& peer : peers_) check(peer.receive(buffer_.data(), size));
    }

    std::atomic<std::size_t> opened_{0};
    std::vector<std::atomic<std::uint64_t>> ids_ = std::vector<std::atomic<std::uint64_t>>(GetParam().clients);
    std::array<std::byte, 65536> buffer_{};
    Engine engine_{{.reactors = GetParam().where.reactors}};
    Server<CountingEcho> server_{
        engine_,
        {.endpoint = fresh_endpoint(GetParam().where.transport), .tls = TlsContext::server(server_options())},
        std::ref(ids_),
        std::ref(opened_)};
    std::vector<FrugalPeer> peers_ = std::vector<FrugalPeer>(GetParam().clients);
};

std::string tls_setting_name(const testing::TestParamInfo<TlsSetting>& info) {
    const TlsSetting& setting = info.param;
    return std::string{setting.where.transport == Transport::tcp ? "tcp" : "unix"} + "_" +
           std::to_string(setting.where.reactors) + (setting.version == TlsVersion::tls1_2 ? "_tls1_2_" : "_tls1_3_") +
           std::to_string(setting.clients);
}

INSTANTIATE_TEST_SUITE_P(Net, TlsSteadyStateTest,
                         testing::Values(TlsSetting{{Transport::tcp, 1}, TlsVersion::tls1_3, 1},
                                         TlsSetting{{Transport::tcp, 1}, TlsVersion::tls1_2, 1},
                                         TlsSetting{{Transport::tcp, 2}, TlsVersion::tls1_3, 20},
                                         TlsSetting{{Transport::tcp, 2}, TlsVersion::tls1_2, 20},
                                         TlsSetting{{Transport::unix_domain, 1}, TlsVersion::tls1_3, 20}),
                         tls_setting_name);

TEST_P(TlsSteadyStateTest, echo_of_small_messages) {
    expect_no_allocation([&] {
        for (std::size_t round = 0; round < 2000 / peers_.size(); ++round) echo_round(32);
    });
}

TEST_P(TlsSteadyStateTest, echo_of_many_messages_in_flight) {
    expect_no_allocation([&] {
        for (int round = 0; round < 10; ++round) {
            for (const FrugalPeer& peer : peers_) {
                for (int message = 0; message < 100; ++message) check(peer.send(buffer_.data(), 32));
            }
            for (const FrugalPeer& peer : peers_) check(peer.receive(buffer_.data(), std::size_t{100} * 32));
        }
    });
}

TEST_P(TlsSteadyStateTest, echo_of_large_messages) {
    expect_no_allocation([&] {
        for (std::size_t round = 0; round < 100 / peers_.size(); ++round) echo_round(buffer_.size());
    });
}

TEST_P(TlsSteadyStateTest, sends_and_broadcasts_from_another_thread) {
    expect_no_allocation([&] {
        for (std::size_t round = 0; round < 1000 / peers_.size(); ++round) {
            for (const auto& id : ids_) {
                insist([&] { return engine_.send(ConnectionId{id}, Bytes{buffer_}.first(32)); });
            }
            insist([&] { return server_.broadcast(Bytes{buffer_}.first(50)); });
            for (const FrugalPeer& peer : peers_) check(peer.receive(buffer_.data(), 82));
        }
    });
}

}  // namespace
}  // namespace pollux::test
