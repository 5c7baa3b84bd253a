// The load side of a benchmark: opens the clients, lets them all begin at once, ends them in time, and reports.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include <pollux/pollux.h>

#include "histogram.h"
#include "options.h"
#include "pattern.h"
#include "report.h"
#include "wire.h"

namespace perf {

class LoadClient;

/// Reads the options of an echo load, checks them, and prints what it is about to do; `options` has the defaults.
void begin_echo_load(Options& options, Wire wire, int argc, char** argv);

/// The same for a multicast load.
void begin_multicast_load(Options& options, Wire wire, int argc, char** argv);

/// What the clients of one reactor counted. Its reactor's alone until the engine has stopped.
struct alignas(64) Shard {
    std::uint64_t bytes = 0;
    std::uint64_t messages = 0;  ///< HTTP's; those of a pattern are of one size, so their bytes tell how many they are.
    std::uint64_t errors = 0;
    std::uint64_t lost = 0;  ///< Datagrams.
    Histogram latency;
    std::vector<LoadClient*> clients;  ///< Those that were connected.
};

/// A run of `Options::clients` connections, or UDP sockets, over all reactors.
class Load {
public:
    Load(const Options& options, Wire wire);

    /// The whole run with handlers of type `H`, made from this load and what is to be shared by all. Returns the exit
    /// code: 0 without errors.
    template <class H, class... Shared>
    int run(const Shared&... shared) {
        std::deque<pollux::Client<H>> clients;
        return run([&] {
            return clients.emplace_back(engine_, client_options(), std::ref(*this), std::cref(shared)...).start();
        });
    }

    /// Likewise with UDP sockets.
    template <class H>
    int run(const pollux::UdpOptions& udp_options) {
        std::deque<pollux::Udp<H>> sockets;
        return run([&] {
            pollux::UdpOptions options = udp_options;
            options.reactor = sockets.size() % engine_.reactors();
            return sockets.emplace_back(engine_, std::move(options), std::ref(*this)).start();
        });
    }

    [[nodiscard]] const Options& options() const { return options_; }
    [[nodiscard]] const Pattern& pattern() const { return pattern_; }

    /// True between the common begin and the end. What comes outside is not counted.
    [[nodiscard]] bool measuring() const { return phase_.load(std::memory_order_relaxed) == Phase::measuring; }

private:
    friend class LoadClient;

    enum class Phase : std::uint8_t { connecting, measuring, over };

    using ClientStarter = std::function<pollux::Status()>;

    int run(const ClientStarter& start_client);
    bool connect(const ClientStarter& start_client);
    [[nodiscard]] pollux::ClientOptions client_options() const;
    void wait_for_connections(std::size_t count, std::chrono::steady_clock::time_point deadline) const;
    void measure();
    [[nodiscard]] Report collect() const;

    Options options_;
    Wire wire_;
    pollux::TlsContext tls_;
    Pattern pattern_;
    pollux::Engine engine_;
    std::vector<Shard> shards_;
    std::atomic<Phase> phase_{Phase::connecting};
    std::atomic<std::size_t> connected_{0};
    std::atomic<std::size_t> failed_{0};
    std::chrono::nanoseconds time_{0};
};

/// What every client of a load is, whatever its transport: it counts itself in, and an end that comes too early as an
/// error.
class LoadClient {
public:
    LoadClient(const LoadClient&) = delete;
    LoadClient& operator=(const LoadClient&) = delete;

protected:
    explicit LoadClient(Load& load) : load_(&load) {}
    virtual ~LoadClient() = default;

    /// Called once, on the reactor, when every client of the load is connected.
    virtual void begin_if_open() = 0;

    void opened(pollux::Reactor& reactor);
    void closed(pollux::CloseReason reason, std::error_code error);
    void not_opened(std::error_code error);

    [[nodiscard]] const Load& load() const { return *load_; }
    [[nodiscard]] Shard& shard() { return *shard_; }

private:
    friend class Load;

    Load* load_;
    Shard* shard_ = nullptr;
};

/// A client that is a connection.
class LoadHandler : public pollux::ConnectionHandler, public LoadClient {
public:
    explicit LoadHandler(Load& load) : LoadClient(load) {}

    /// Called once, on the reactor, when every client of the load is connected.
    virtual void begin(pollux::Connection& /*connection*/) {}

    void on_open(pollux::Connection& connection) override;
    void on_close(pollux::Connection& connection, pollux::CloseReason reason, std::error_code error) override;
    void on_connect_error(std::error_code error, unsigned attempt, bool will_retry) override;

private:
    void begin_if_open() final;

    pollux::Connection* connection_ = nullptr;  // while it is open
};

/// A client that is a UDP socket.
class DatagramLoadHandler : public pollux::DatagramHandler, public LoadClient {
public:
    explicit DatagramLoadHandler(Load& load) : LoadClient(load) {}

    /// Called once, on the reactor, when every client of the load has its socket.
    virtual void begin(pollux::UdpSocket& /*socket*/) {}

    void on_open(pollux::UdpSocket& socket) override;
    void on_error(pollux::UdpSocket& socket, const pollux::DatagramError& error) override;
    void on_close(pollux::UdpSocket& socket, pollux::CloseReason reason, std::error_code error) override;

private:
    void begin_if_open() final;

    pollux::UdpSocket* socket_ = nullptr;  // while it is open
    bool error_told_ = false;
};

}  // namespace perf
