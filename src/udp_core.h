// The library's own side of UDP sockets.
#pragma once

#include <memory>
#include <vector>

#include <pollux/udp.h>

#include "engine_core.h"
#include "lifecycle.h"
#include "startable.h"
#include "udp_shard.h"

namespace pollux {

/// Shared by the user's `Udp` and by the shards that are active, whoever lives longer.
class UdpBase::Core final : public Startable, public std::enable_shared_from_this<UdpBase::Core> {
public:
    Core(Engine& engine, UdpOptions options, detail::HandlerFactory<DatagramHandler> factory);
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    // Startable
    [[nodiscard]] Status start() override;
    [[nodiscard]] bool running() const noexcept override { return life_.running(); }
    void stop(bool abort) override;

    [[nodiscard]] Status restart();
    [[nodiscard]] InetAddress address() const;
    Result send(const InetAddress& to, Bytes bytes);
    [[nodiscard]] UdpSocketId socket_id(std::size_t reactor) const noexcept;
    [[nodiscard]] UdpCounters counters() const noexcept;
    [[nodiscard]] Engine& engine() const noexcept { return *engine_; }

    // For the shards.

    [[nodiscard]] const UdpOptions& options() const noexcept { return options_; }
    [[nodiscard]] const detail::HandlerFactory<DatagramHandler>& factory() const noexcept { return factory_; }

    /// A shard has become inactive.
    void shard_ended() {
        life_.end_part([this] { address_ = {}; });
    }

private:
    struct Plan;

    [[nodiscard]] Status check_options() const;
    [[nodiscard]] Status make_plan(Plan& plan, const InetAddress* fixed) const;
    [[nodiscard]] Status open_sockets(Plan& plan) const;
    [[nodiscard]] Status open_socket(const Plan& plan, platform::NativeHandle& out) const;
    [[nodiscard]] Status join_groups(const Plan& plan, platform::NativeHandle handle) const;
    [[nodiscard]] Status check_bind_free(const Plan& plan) const;
    [[nodiscard]] Status start_at(const InetAddress* fixed);
    void end_shard(UdpShard& shard, bool abort);

    Engine* engine_;
    UdpOptions options_;
    detail::HandlerFactory<DatagramHandler> factory_;
    std::vector<std::unique_ptr<UdpShard>> shards_;  // one for each reactor that has a socket
    Lifecycle life_;                                 // its lock guards the members below
    InetAddress address_;
};

}  // namespace pollux
