// The HTTP load: every client keeps some requests in flight, pipelined if they are several, and every byte of the
// answers is looked at.
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "greeting.h"
#include "http_answers.h"
#include "load.h"
#include "programs.h"
#include "tls.h"

namespace perf {
namespace {

using Clock = std::chrono::steady_clock;

/// A request, and the body of every answer to it.
struct Exchange {
    std::string request;
    std::string
        requests{};  ///< As many of it as a client has in flight: however many are due, they leave by one `send`.
    std::string body;
};

class HttpClient final : public LoadHandler {
public:
    HttpClient(Load& load, const Exchange& exchange)
        : LoadHandler(load),
          exchange_(&exchange),
          reader_(exchange.body),
          to_send_(load.options().messages),
          timed_(to_send_ == 1) {}

    void begin(pollux::Connection& connection) override {
        if (timed_) sent_at_ = Clock::now();
        send_requests(connection);
    }

    void on_data(pollux::Connection& connection, pollux::Bytes data) override {
        if (!load().measuring()) return;
        shard().bytes += data.size();
        const std::optional<std::size_t> answers = reader_.read(pollux::as_text(data));
        if (!answers) {
            std::fprintf(stderr, "an answer is not what it should be\n");
            connection.abort();  // where the next one begins is not known; an end too early counts as an error
            return;
        }
        if (*answers == 0) return;
        shard().messages += *answers;
        to_send_ += *answers;
        if (timed_) take_time();
        send_requests(connection);
    }

    void on_drain(pollux::Connection& connection) override {
        if (load().measuring()) send_requests(connection);
    }

private:
    // One reading of the clock serves as the end of one request and the start of the next.
    void take_time() {
        const Clock::time_point now = Clock::now();
        shard().latency.record(static_cast<std::uint64_t>((now - sent_at_).count()));
        sent_at_ = now;
    }

    void send_requests(pollux::Connection& connection) {
        const std::string_view requests = exchange_->requests;
        if (connection.send(requests.substr(0, to_send_ * exchange_->request.size())) == pollux::Result::ok)
            to_send_ = 0;
    }

    const Exchange* exchange_;
    HttpAnswerReader reader_;
    std::size_t to_send_;
    bool timed_;
    Clock::time_point sent_at_{};
};

// As short as HTTP/1.1 allows: `Host` is what it wants.
std::string make_request(const char* method, const Options& options) {
    const bool ipv6 = options.address.find(':') != std::string::npos;
    const std::string host = ipv6 ? "[" + options.address + "]" : options.address;
    return std::string{method} + " / HTTP/1.1\r\nHost: " + host + ":" + std::to_string(options.port) + "\r\n\r\n";
}

void print_settings(const Options& options, Wire wire) {
    print_endpoint(options, wire);
    std::printf("Working threads: %zu\nWorking clients: %zu\nWorking messages: %zu\nSeconds to benchmarking: %g\n\n",
                options.threads, options.clients, options.messages, options.seconds);
}

Options parse_client_options(Wire wire, int argc, char** argv) {
    Options options{.port = default_port(wire), .messages = 1};
    parse_options(argc, argv,
                  {endpoint_options(options, wire),
                   client_tls_options(options, wire),
                   engine_options(options),
                   {{"-c", "--clients", &options.clients, "connections"},
                    {"-m", "--messages", &options.messages, "requests in flight for each client"},
                    {"-z", "--seconds", &options.seconds, "how long to measure"}}});
    return options;
}

int run_load(const Options& options, Wire wire, Exchange exchange) {
    for (std::size_t i = 0; i < options.messages; ++i) exchange.requests += exchange.request;
    print_settings(options, wire);
    return Load{options, wire}.run<HttpClient>(exchange);
}

}  // namespace

int run_http_get_client(Wire wire, int argc, char** argv) {
    const Options options = parse_client_options(wire, argc, argv);
    return run_load(options, wire, {.request = make_request("GET", options), .body = std::string{greeting}});
}

int run_http_trace_client(Wire wire, int argc, char** argv) {
    const Options options = parse_client_options(wire, argc, argv);
    const std::string request = make_request("TRACE", options);
    return run_load(options, wire, {.request = request, .body = request});
}

}  // namespace perf
