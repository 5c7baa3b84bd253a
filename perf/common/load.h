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

class LoadHandler;

/// What the clients of one reactor counted. Its reactor's alone until the engine has stopped.
struct alignas(64) Shard {
    std::uint64_t bytes = 0;
    std::uint64_t errors = 0;
    Histogram latency;
    std::vector<LoadHandler*> handlers;  ///< Those that were connected.
};

/// A run of `Options::clients` connections over all reactors.
class Load {
public:
    Load(const Options& options, Wire wire);

    /// The whole run with handlers of type `H`, made from this load. Returns the exit code: 0 without errors.
    template <class H>
    int run() {
        std::deque<pollux::Client<H>> clients;
        return run([&](pollux::ClientOptions client_options) -> pollux::ClientBase& {
            return clients.emplace_back(engine_, std::move(client_options), std::ref(*this));
        });
    }

    [[nodiscard]] const Options& options() const { return options_; }
    [[nodiscard]] const Pattern& pattern() const { return pattern_; }

    /// True between the common begin and the end. What comes outside is not counted.
    [[nodiscard]] bool measuring() const { return phase_.load(std::memory_order_relaxed) == Phase::measuring; }

private:
    friend class LoadHandler;

    enum class Phase : std::uint8_t { connecting, measuring, over };

    using ClientMaker = std::function<pollux::ClientBase&(pollux::ClientOptions)>;

    int run(const ClientMaker& make_client);
    bool connect(const ClientMaker& make_client);
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

/// What every client of a load does: counts itself in, and counts a connection that is lost too early as an error.
class LoadHandler : public pollux::ConnectionHandler {
public:
    explicit LoadHandler(Load& load) : load_(&load) {}

    /// Called once, on the reactor, when every client of the load is connected.
    virtual void begin(pollux::Connection& /*connection*/) {}

    void on_open(pollux::Connection& connection) override;
    void on_close(pollux::Connection& connection, pollux::CloseReason reason, std::error_code error) override;
    void on_connect_error(std::error_code error, unsigned attempt, bool will_retry) override;

protected:
    [[nodiscard]] const Load& load() const { return *load_; }
    [[nodiscard]] Shard& shard() { return *shard_; }

private:
    friend class Load;

    Load* load_;
    Shard* shard_ = nullptr;
    pollux::Connection* connection_ = nullptr;  // while it is open
};

}  // namespace perf
