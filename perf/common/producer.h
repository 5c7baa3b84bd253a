// Where the messages of the multicast servers come from: every reactor makes some and sends each, by a call of its own,
// to all of its members. The slowest member sets the pace and nothing is lost.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include <pollux/pollux.h>

#include "options.h"
#include "pace.h"
#include "pattern.h"
#include "tls.h"

namespace perf {

/// Makes the messages of one reactor, on its thread. `Server` has `broadcast_on(pollux::Reactor&, pollux::Bytes)`.
template <class Server>
class Producer {
public:
    Producer(pollux::Reactor& reactor, const Pattern& pattern, std::size_t messages_per_second)
        : reactor_(&reactor),
          pattern_(&pattern),
          writer_(pattern),
          as_fast_as_it_can_(messages_per_second == 0),
          pace_(messages_per_second) {}

    void attach(Server& server) { server_ = &server; }

    void member_joined() {
        if (++members_ > 1) return;
        if (as_fast_as_it_can_) {
            produce_soon();
        } else {
            begin_pacing();
        }
    }

    void member_left() { --members_; }

    /// The slowest member has room again.
    void drained() {
        if (as_fast_as_it_can_) produce_soon();
    }

private:
    // What one turn of the loop may lay down: enough that the turn's own cost does not count, little enough to stay in
    // the cache and to let the loop see to its connections.
    static constexpr std::size_t turn_bytes = 128 * 1024;

    void produce_soon() {
        if (scheduled_) return;
        scheduled_ = true;
        reactor_->post([this] {
            scheduled_ = false;
            const std::size_t wanted = std::max<std::size_t>(turn_bytes / pattern_->message_bytes(), 1);
            if (members_ > 0 && produce(wanted) == wanted) produce_soon();
        });
    }

    // Sends up to `wanted` messages; fewer if the slowest member is too far behind. Returns how many.
    std::size_t produce(std::size_t wanted) {
        for (std::size_t made = 0; made < wanted; ++made) {
            const pollux::Bytes message{writer_.message(), pattern_->message_bytes()};
            if (server_->broadcast_on(*reactor_, message) != pollux::Result::ok) return made;
            writer_.advance();
        }
        return wanted;
    }

    void begin_pacing() {
        pace_.begin();
        if (timer_ == nullptr) {
            timer_ = std::make_unique<pollux::Timer>(*reactor_, [this](pollux::Timer&) { produce_what_is_due(); });
        }
        timer_->every(Pace::period);
    }

    void produce_what_is_due() {
        if (members_ == 0) {
            timer_->cancel();
        } else {
            produce(pace_.take_due());
        }
    }

    pollux::Reactor* reactor_;
    Server* server_ = nullptr;
    const Pattern* pattern_;
    PatternWriter writer_;
    bool as_fast_as_it_can_;
    Pace pace_;
    std::size_t members_ = 0;
    bool scheduled_ = false;
    std::unique_ptr<pollux::Timer> timer_;
};

/// Those of all reactors of an engine.
template <class Server>
class Producers {
public:
    Producers(pollux::Engine& engine, const Options& options) : pattern_(options.size) {
        for (std::size_t i = 0; i < engine.reactors(); ++i)
            producers_.push_back(std::make_unique<Producer<Server>>(engine.reactor(i), pattern_, options.messages));
    }

    /// Before the server starts.
    void attach(Server& server) {
        for (const auto& producer : producers_) producer->attach(server);
    }

    [[nodiscard]] Producer<Server>& on(const pollux::Reactor& reactor) const { return *producers_[reactor.index()]; }

    /// For a server that waits for its slowest member. This outlives it.
    [[nodiscard]] pollux::ServerOptions server_options(const Options& options, Wire wire) const {
        return {.endpoint = endpoint_text(options, wire),
                .connection = {.high_watermark_bytes = 512 * 1024, .low_watermark_bytes = 384 * 1024},
                .tls = make_server_tls(options, wire),
                .slow_consumer = pollux::SlowConsumer::wait,
                .on_broadcast_drain = [this](pollux::Reactor& reactor) { on(reactor).drained(); }};
    }

private:
    Pattern pattern_;
    std::vector<std::unique_ptr<Producer<Server>>> producers_;
};

}  // namespace perf
