// The library's own side of a client.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include <pollux/client.h>

#include "connection_owner.h"
#include "engine_core.h"
#include "lifecycle.h"
#include "reactor_core.h"
#include "tls_context_core.h"

namespace pollux {

/// Shared by the user's `Client` and, while it is active, by itself. Active from `begin` until it was stopped and its
/// connection is gone; until then it may be connected, connecting, resolving, or waiting to try again.
class ClientBase::Core final : public ConnectionOwner,
                               public ReactorMember,
                               public std::enable_shared_from_this<ClientBase::Core> {
public:
    Core(Engine& engine, ClientOptions options, detail::HandlerFactory<ConnectionHandler> factory, Success success);

    // Any thread.

    [[nodiscard]] Status start();
    void stop(bool abort);
    void reconnect();
    [[nodiscard]] ConnectionId connection_id() const noexcept { return {id_.load(std::memory_order_acquire)}; }
    [[nodiscard]] Engine& engine() const noexcept { return *engine_; }

    // ConnectionOwner
    [[nodiscard]] bool is_server() const noexcept override { return false; }
    [[nodiscard]] SslPointer make_tls() override;
    void on_established(StreamConnection& connection) override;
    void on_confirmed(StreamConnection& connection) override;
    void on_connected(StreamConnection& connection) override;
    void on_finished(StreamConnection& connection) override;
    void on_released(StreamConnection& connection) override;

    // ReactorMember
    void on_reactor_stop() override { end(false, CloseReason::shutdown); }
    void on_member_timer() override;

private:
    [[nodiscard]] Status check_options(Endpoint& endpoint) const;
    [[nodiscard]] Status check_tls(const Endpoint& endpoint) const;

    // Reactor thread.

    void begin();
    void end(bool abort, CloseReason reason);
    void end_if_done();
    void destroy_handler() noexcept;
    void attempt();
    void resolved(std::uint64_t question, std::error_code error, std::vector<SocketAddress> addresses);
    void try_address();
    void address_failed(std::error_code error);
    void attempt_failed(std::error_code error);
    void schedule(std::chrono::milliseconds delay);
    [[nodiscard]] std::chrono::milliseconds reconnect_delay();
    [[nodiscard]] bool may_retry() const noexcept;

    Engine* engine_;
    ClientOptions options_;
    detail::HandlerFactory<ConnectionHandler> factory_;
    ReactorCore* reactor_;
    std::atomic<std::uint64_t> id_{0};

    Lifecycle life_;
    Endpoint endpoint_;  // written before `begin` is handed to the reactor

    // Reactor thread.
    std::shared_ptr<Core> keep_alive_;
    ConnectionHandler* handler_ = nullptr;
    void* handler_memory_ = nullptr;
    StreamConnection* connection_ = nullptr;
    std::size_t unreleased_ = 0;  // connections whose memory is still out
    TlsServerName server_name_;
    std::vector<SocketAddress> addresses_;
    std::size_t next_address_ = 0;
    std::chrono::steady_clock::time_point address_deadline_{};  // of the address that is being tried
    std::uint64_t question_ = 0;                                // the lookup whose answer is awaited
    unsigned failed_attempts_ = 0;
    const bool awaits_confirmation_;
    bool confirmed_ = false;  // the last attempt has succeeded
    bool ending_ = false;
    bool address_busy_ = false;  // the timer tries the same address again
    MemberTimer timer_;
    std::minstd_rand random_;
};

}  // namespace pollux
