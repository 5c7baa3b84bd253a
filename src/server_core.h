// The library's own side of a server.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include <pollux/server.h>

#include "engine_core.h"
#include "lifecycle.h"
#include "platform/sockets.h"
#include "server_shard.h"
#include "startable.h"

namespace pollux {

/// Shared by the user's `Server` and by the shards that are active, whoever lives longer.
class ServerBase::Core final : public Startable, public std::enable_shared_from_this<ServerBase::Core> {
public:
    Core(Engine& engine, ServerOptions options, detail::HandlerFactory<ConnectionHandler> factory, Status mistake);
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    void attach(ServerBase& handle) noexcept { handle_ = &handle; }

    [[nodiscard]] Status start() override;
    [[nodiscard]] Status restart();
    void stop(bool abort) override;
    /// The user's `Server` is being destroyed.
    void abandon();

    [[nodiscard]] bool running() const noexcept override { return life_.running(); }
    [[nodiscard]] SocketAddress address() const;
    Result broadcast(Bytes bytes);
    Result broadcast_on(Reactor& reactor, Bytes bytes);
    void close_all(bool abort);
    [[nodiscard]] ServerCounters counters() const;
    [[nodiscard]] std::size_t connections() const noexcept { return open_connections_.load(std::memory_order_relaxed); }
    [[nodiscard]] Engine& engine() const noexcept { return *engine_; }

    // For the shards.

    [[nodiscard]] const ServerOptions& options() const noexcept { return options_; }
    [[nodiscard]] const detail::HandlerFactory<ConnectionHandler>& factory() const noexcept { return factory_; }
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] ServerBase* handle() const noexcept { return handle_.load(std::memory_order_acquire); }

    /// Reserves a place below `max_connections`.
    [[nodiscard]] bool admit() noexcept;
    void leave() noexcept { open_connections_.fetch_sub(1, std::memory_order_relaxed); }

    /// The shard that gets the next connection where one accepts for all.
    [[nodiscard]] ServerShard& next_shard() noexcept { return *shards_[next_shard_++ % shards_.size()]; }
    [[nodiscard]] bool deals() const noexcept { return deals_; }

    /// Runs a task on a shard's reactor: at once on its own thread, else as a control task. The core lives until then.
    void run_on(ServerShard& shard, Task&& task);

    /// A shard has become inactive.
    void shard_ended();

private:
    [[nodiscard]] Status check_options() const;
    [[nodiscard]] Status listen(const SocketAddress& address, const Endpoint& endpoint,
                                std::vector<platform::NativeHandle>& out) const;
    [[nodiscard]] Status start_at(const SocketAddress* fixed);
    void ask_shards(void (ServerShard::*function)(bool), bool abort);

    Engine* engine_;
    ServerOptions options_;
    detail::HandlerFactory<ConnectionHandler> factory_;
    Status mistake_;
    std::uint64_t number_;
    std::atomic<ServerBase*> handle_{nullptr};
    std::vector<std::unique_ptr<ServerShard>> shards_;
    std::size_t next_shard_ = 0;  // the dealing shard's thread only
    bool deals_ = false;
    std::atomic<std::size_t> open_connections_{0};

    Lifecycle life_;  // its lock guards the members below
    SocketAddress address_;
    platform::SocketFile socket_file_;
    std::chrono::steady_clock::time_point started_at_{};
};

}  // namespace pollux
