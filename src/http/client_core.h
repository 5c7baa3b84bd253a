// The library's own side of an HTTP client.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <system_error>

#include <pollux/http/client.h>

#include "counter.h"
#include "http/client_call.h"
#include "http/client_pool.h"
#include "lifecycle.h"
#include "reactor_core.h"

namespace pollux::http {

/// Shared by the user's `Client` and, while it is active, by itself. Active until it was stopped, every request has its
/// outcome and every connection is gone. Requests are handed to its reactor as control tasks, so they are never refused
/// there; `max_requests` bounds them.
class Client::Core final : public ReactorMember, public std::enable_shared_from_this<Client::Core> {
public:
    Core(Engine& engine, ClientOptions options);

    // Any thread.

    void start();
    void stop();
    [[nodiscard]] const Status& status() const noexcept { return status_; }
    [[nodiscard]] const ClientOptions& options() const noexcept { return options_; }
    [[nodiscard]] ReactorCore& reactor() const noexcept { return *reactor_; }

    RequestId submit(ClientRequest request, std::unique_ptr<ClientHandler> handler);
    void cancel(RequestId id);
    void access(RequestId id, std::function<void(ClientExchange&)> work);
    [[nodiscard]] ClientCounters counters() const noexcept;

    /// The context of https, made if it has to be.
    [[nodiscard]] const TlsContext& tls();

    // Reactor thread.

    /// A request has its answer: tells its handler, unless that led elsewhere.
    void answered(ClientCall& call, const Fields& trailers);

    /// A request has none: tells its handler.
    void fail(ClientCall& call, std::error_code error);

    void connection_gone();

    Counter connections_opened;
    Counter retries;
    Counter connections;
    Counter idle_connections;

    // ReactorMember
    void on_reactor_stop() override { end(Errc::stopped); }
    void on_member_timer() override {}

private:
    [[nodiscard]] Status check_options() const;
    [[nodiscard]] Status check_endpoint() const;

    // Reactor thread.

    void activate();
    void begin(std::unique_ptr<ClientCall> call, std::error_code error);
    [[nodiscard]] std::unique_ptr<ClientCall> take(ClientCall& call);
    void end(std::error_code error);
    void end_if_done();

    const ClientOptions options_;
    ReactorCore* reactor_;
    Status status_;
    Lifecycle life_;
    std::once_flag tls_made_;
    TlsContext tls_;
    std::atomic<std::uint64_t> last_id_{0};
    std::atomic<std::size_t> requests_{0};

    // Reactor thread.
    std::shared_ptr<Core> keep_alive_;
    std::error_code end_error_;  // why requests fail from now on
    std::map<std::uint64_t, std::unique_ptr<ClientCall>> calls_;
    ClientPool pool_;
};

}  // namespace pollux::http
