// Helpers of the UDP tests: a recording handler, raw datagram sockets as peers, and networks of the test's own.
#pragma once

#include "support.h"

namespace pollux {

void PrintTo(const InetAddress& address, std::ostream* out);
void PrintTo(UdpBatching batching, std::ostream* out);

}  // namespace pollux

namespace pollux::test {

struct Datagram {
    InetAddress from;
    std::string bytes;
};

/// What the sockets of one `Udp` went through, shared by the reactors' threads and the test.
class UdpRecorder {
public:
    struct Seen {
        std::size_t opens = 0;
        std::size_t drains = 0;
        std::size_t closes = 0;
        std::size_t marks = 0;     ///< For the test's own use.
        std::size_t handlers = 0;  ///< Alive now.
        std::vector<UdpSocketId> ids;
        std::vector<Datagram> datagrams;
        std::vector<Datagram> truncated;
        std::vector<DatagramError> errors;
        std::vector<CloseReason> reasons;
        std::vector<std::error_code> close_errors;
        std::vector<std::string> violations;  ///< Broken promises about order, nesting and threads.

        /// How many datagrams the errors of a kind tell of.
        [[nodiscard]] std::size_t told(DatagramError::Kind kind) const;
    };

    template <class Change>
    void change(Change&& change) {
        {
            std::lock_guard lock{mutex_};
            change(seen_);
        }
        changed_.notify_all();
    }

    void mark() {
        change([](Seen& seen) { ++seen.marks; });
    }

    template <class Predicate>
    [[nodiscard]] bool wait_until(Predicate&& predicate) {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, patience, [&] { return predicate(std::as_const(seen_)); });
    }

    [[nodiscard]] bool wait_for_opens(std::size_t count);
    [[nodiscard]] bool wait_for_closes(std::size_t count);
    [[nodiscard]] bool wait_for_drains(std::size_t count);
    [[nodiscard]] bool wait_for_marks(std::size_t count);
    [[nodiscard]] bool wait_for_datagrams(std::size_t count);
    [[nodiscard]] bool wait_for_truncated(std::size_t count);
    [[nodiscard]] bool wait_for_errors(std::size_t count);

    [[nodiscard]] Seen seen();
    [[nodiscard]] UdpSocketId id(std::size_t index = 0);

    /// Fails the test if a promise was broken, a handler is left, or an `on_open` has no `on_close`.
    void expect_in_order(const char* whose);

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    Seen seen_;
};

/// What a test wants done in a callback, after it was recorded.
struct UdpHooks {
    std::function<void(UdpSocket&)> on_open{};
    std::function<void(UdpSocket&, const InetAddress&, Bytes)> on_datagram{};
    std::function<void(UdpSocket&, const InetAddress&, Bytes)> on_truncated{};
    std::function<void(UdpSocket&)> on_drain{};
    std::function<void(UdpSocket&, const DatagramError&)> on_error{};
    std::function<void(UdpSocket&, CloseReason, std::error_code)> on_close{};
    bool keep = true;  ///< Record datagrams that arrive.
};

/// Records everything, and that callbacks keep their promises: `on_open` first, `on_close` once and last, never nested,
/// always on the socket's own thread.
class UdpRecording final : public DatagramHandler {
public:
    explicit UdpRecording(UdpRecorder& recorder, UdpHooks hooks = {});
    ~UdpRecording() override;

    void on_open(UdpSocket& socket) override;
    void on_datagram(UdpSocket& socket, const InetAddress& from, Bytes bytes) override;
    void on_truncated(UdpSocket& socket, const InetAddress& from, Bytes beginning) override;
    void on_drain(UdpSocket& socket) override;
    void on_error(UdpSocket& socket, const DatagramError& error) override;
    void on_close(UdpSocket& socket, CloseReason reason, std::error_code error) override;

private:
    class Entered;

    UdpRecorder& recorder_;
    UdpHooks hooks_;
    bool inside_ = false;
    bool open_ = false;
};

/// Sends every datagram back.
void echo_datagram(UdpSocket& socket, const InetAddress& from, Bytes bytes);
[[nodiscard]] UdpHooks echo_hooks();

/// An address that the test knows to be one.
[[nodiscard]] InetAddress inet(std::string_view text);
[[nodiscard]] std::string endpoint_of(const InetAddress& address);

/// The same port on another of the machine's addresses.
[[nodiscard]] InetAddress at_port(std::string_view host, std::uint16_t port);

/// A plain blocking UDP socket.
class RawUdp {
public:
    /// Bound to a free port of `host`, or to the given one.
    explicit RawUdp(std::string_view host = "127.0.0.1", std::uint16_t port = 0, bool share_address = false);

    [[nodiscard]] bool valid() const { return socket_.valid(); }
    [[nodiscard]] SocketHandle handle() const { return socket_.handle(); }
    [[nodiscard]] InetAddress address() const;
    void connect(const InetAddress& to) const;
    void close() { socket_.close(); }

    /// False if the system refused it.
    bool send_to(const InetAddress& to, std::string_view bytes) const;

    /// The next datagram, or none after `limit`.
    [[nodiscard]] std::optional<Datagram> receive(std::chrono::milliseconds limit = patience) const;

    /// The next datagram if it is here already.
    [[nodiscard]] std::optional<Datagram> receive_now() const;

private:
    RawSocket socket_;
};

/// A port of IPv4 or IPv6 loopback that was free a moment ago, and on which nobody listens.
[[nodiscard]] InetAddress closed_port(std::string_view host = "127.0.0.1");

/// Whether the platform tells a socket that sends to everybody that nobody is there, and the system does so now.
[[nodiscard]] bool tells_unconnected_of_closed_ports();

/// Whether a bound address has a socket on each reactor, and what a test says that needs that.
[[nodiscard]] bool has_sockets_on_all_reactors();
inline constexpr const char* one_socket_only = "the system does not spread datagrams over sockets";

/// The socket of this process that is bound to an address; `no_socket` if there is none.
[[nodiscard]] SocketHandle socket_bound_to(const InetAddress& address);

/// How the library's sockets are made in a test.
enum class Network : std::uint8_t { ipv4, ipv6, dual_stack };

struct UdpSetting {
    UdpBatching batching = UdpBatching::automatic;
    Network network = Network::ipv4;
};

void PrintTo(const UdpSetting& setting, std::ostream* out);
[[nodiscard]] std::string udp_setting_name(const testing::TestParamInfo<UdpSetting>& info);

inline const auto every_udp_setting = testing::Values(
    UdpSetting{UdpBatching::automatic, Network::ipv4}, UdpSetting{UdpBatching::automatic, Network::ipv6},
    UdpSetting{UdpBatching::automatic, Network::dual_stack}, UdpSetting{UdpBatching::calls, Network::ipv4},
    UdpSetting{UdpBatching::calls, Network::dual_stack}, UdpSetting{UdpBatching::none, Network::ipv4},
    UdpSetting{UdpBatching::none, Network::ipv6});

using RecordingUdp = Udp<UdpRecording>;

/// An engine that runs, and records that are checked at the end.
class UdpEngineTest : public testing::Test {
protected:
    explicit UdpEngineTest(std::size_t reactors = 1) : engine(EngineOptions{.reactors = reactors}) {}

    void SetUp() override {
        const Status status = engine.start();
        ASSERT_TRUE(status) << status;
    }

    void TearDown() override {
        engine.stop();
        engine.wait();
        seen.expect_in_order("first");
        other_seen.expect_in_order("second");
    }

    [[nodiscard]] std::unique_ptr<RecordingUdp> make(UdpRecorder& recorder, UdpOptions options, UdpHooks hooks) {
        return std::make_unique<RecordingUdp>(engine, std::move(options), std::ref(recorder), std::move(hooks));
    }

    /// One that is open.
    [[nodiscard]] std::unique_ptr<RecordingUdp> open(UdpHooks hooks, UdpOptions options = {}) {
        return open(seen, std::move(hooks), std::move(options));
    }
    [[nodiscard]] std::unique_ptr<RecordingUdp> open(UdpRecorder& recorder, UdpHooks hooks, UdpOptions options) {
        if (options.bind.empty() && options.connect.empty()) options.bind = "udp://127.0.0.1:0";
        auto udp = make(recorder, std::move(options), std::move(hooks));
        const Status status = udp->start();
        EXPECT_TRUE(status) << status;
        return udp;
    }

    /// The counters when the turns that are under way have ended: what a peer has received may not be counted yet.
    [[nodiscard]] UdpCounters settled(const UdpBase& udp) {
        turn_all(engine, 1);
        return udp.counters();
    }

    /// Sends to a closed port until `told`: the system bounds how many ICMP messages it sends a second, for all.
    template <class Send, class Told>
    [[nodiscard]] static bool until_told(Send&& send, Told&& told) {
        return eventually([&] {
            EXPECT_EQ(send(), Result::ok);
            return eventually(told, 50ms);
        });
    }

    /// Does something with an open socket on its thread.
    void with_socket(UdpSocketId id, std::function<void(UdpSocket&)> work, std::size_t reactor = 0) {
        run_on(engine.reactor(reactor), [&] {
            UdpSocket* socket = engine.reactor(reactor).find(id);
            ASSERT_NE(socket, nullptr);
            work(*socket);
        });
    }

    UdpRecorder seen;
    UdpRecorder other_seen;
    Engine engine;
};

/// The same for each way of batching and each IP version.
class UdpNetTest : public UdpEngineTest, public testing::WithParamInterface<UdpSetting> {
protected:
    void SetUp() override {
        if (GetParam().network != Network::ipv4 && !has_ipv6()) GTEST_SKIP() << "there is no IPv6 here";
        UdpEngineTest::SetUp();
    }

    /// Where peers are, as a host.
    [[nodiscard]] static std::string peer_host() { return GetParam().network == Network::ipv6 ? "::1" : "127.0.0.1"; }

    /// What to bind a `Udp` to.
    [[nodiscard]] static std::string bind_endpoint();

    /// Where peers reach a `Udp`.
    [[nodiscard]] static InetAddress reach(const UdpBase& udp) { return at_port(peer_host(), udp.port()); }

    [[nodiscard]] static UdpOptions bound(UdpOptions options = {}) {
        options.bind = bind_endpoint();
        options.batching = GetParam().batching;
        return options;
    }
    [[nodiscard]] static UdpOptions connected(const InetAddress& to, UdpOptions options = {}) {
        options.connect = endpoint_of(to);
        options.batching = GetParam().batching;
        return options;
    }
};

}  // namespace pollux::test
