// The multicast server: every reactor makes messages and sends each, by a call of its own, to all of its members. The
// slowest member sets the pace and nothing is lost.
#include <algorithm>
#include <memory>
#include <vector>

#include "pace.h"
#include "pattern.h"
#include "programs.h"
#include "serve.h"
#include "tls.h"

namespace perf {
namespace {

/// Makes the messages of one reactor, on its thread.
class Producer {
public:
    Producer(pollux::Reactor& reactor, const Pattern& pattern, std::size_t messages_per_second)
        : reactor_(&reactor),
          pattern_(&pattern),
          writer_(pattern),
          as_fast_as_it_can_(messages_per_second == 0),
          pace_(messages_per_second) {}

    void attach(pollux::ServerBase& server) { server_ = &server; }

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
    pollux::ServerBase* server_ = nullptr;
    const Pattern* pattern_;
    PatternWriter writer_;
    bool as_fast_as_it_can_;
    Pace pace_;
    std::size_t members_ = 0;
    bool scheduled_ = false;
    std::unique_ptr<pollux::Timer> timer_;
};

using Producers = std::vector<std::unique_ptr<Producer>>;

class Member final : public pollux::ConnectionHandler {
public:
    explicit Member(const Producers& producers) : producers_(&producers) {}

    void on_open(pollux::Connection& connection) override { producer(connection).member_joined(); }
    void on_data(pollux::Connection& /*connection*/, pollux::Bytes /*data*/) override {}
    void on_close(pollux::Connection& connection, pollux::CloseReason /*reason*/, std::error_code /*error*/) override {
        producer(connection).member_left();
    }

private:
    [[nodiscard]] Producer& producer(const pollux::Connection& connection) const {
        return *(*producers_)[connection.reactor().index()];
    }

    const Producers* producers_;
};

}  // namespace

int run_multicast_server(Wire wire, int argc, char** argv) {
    Options options{.port = default_port(wire), .path = "/tmp/multicast.sock", .messages = 0};
    parse_options(argc, argv,
                  {endpoint_options(options, wire),
                   server_tls_options(options, wire),
                   engine_options(options),
                   {{"-m", "--messages", &options.messages, "messages per second; 0 for as fast as it can"},
                    {"-s", "--size", &options.size, "bytes of a message"}}});
    require_message_size(argv[0], options.size);

    pollux::Engine engine{make_engine_options(options)};
    const Pattern pattern{options.size};
    Producers producers;
    for (std::size_t i = 0; i < engine.reactors(); ++i)
        producers.push_back(std::make_unique<Producer>(engine.reactor(i), pattern, options.messages));

    pollux::Server<Member> server{
        engine,
        {.endpoint = endpoint_text(options, wire),
         .connection = {.high_watermark_bytes = 512 * 1024, .low_watermark_bytes = 384 * 1024},
         .tls = make_server_tls(options, wire),
         .slow_consumer = pollux::SlowConsumer::wait,
         .on_broadcast_drain = [&](pollux::Reactor& reactor) { producers[reactor.index()]->drained(); }},
        std::cref(producers)};
    for (const auto& producer : producers) producer->attach(server);
    return serve(engine, server);
}

}  // namespace perf
