// The load side of a benchmark.
#include "load.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <thread>

#include "tls.h"

namespace perf {

void begin_echo_load(Options& options, Wire wire, int argc, char** argv) {
    parse_options(argc, argv,
                  {endpoint_options(options, wire),
                   client_tls_options(options, wire),
                   engine_options(options),
                   {{"-c", "--clients", &options.clients, "connections"},
                    {"-m", "--messages", &options.messages, "messages in flight for each client; 0 to stay idle"},
                    {"-s", "--size", &options.size, "bytes of a message"},
                    {"-z", "--seconds", &options.seconds, "how long to measure"}}});
    require_message_size(argv[0], options.size);

    print_endpoint(options, wire);
    std::printf("Working threads: %zu\nWorking clients: %zu\nWorking messages: %zu\nMessage size: %zu\n",
                options.threads, options.clients, options.messages, options.size);
    std::printf("Seconds to benchmarking: %g\n\n", options.seconds);
}

void begin_multicast_load(Options& options, Wire wire, int argc, char** argv) {
    parse_options(argc, argv,
                  {endpoint_options(options, wire),
                   client_tls_options(options, wire),
                   engine_options(options),
                   {{"-c", "--clients", &options.clients, "connections"},
                    {"-s", "--size", &options.size, "bytes of a message, as the server's"},
                    {"-z", "--seconds", &options.seconds, "how long to measure"}}});
    require_message_size(argv[0], options.size);

    print_endpoint(options, wire);
    std::printf("Working threads: %zu\nWorking clients: %zu\nMessage size: %zu\nSeconds to benchmarking: %g\n\n",
                options.threads, options.clients, options.size, options.seconds);
}
namespace {

constexpr std::chrono::seconds connect_patience{30};

/// With TLS each is memory and work for the server, and what a server costs with idle connections is to be measured,
/// not what a stampede leaves behind.
constexpr std::size_t most_connecting = 64;

}  // namespace

Load::Load(const Options& options, Wire wire)
    : options_(options),
      wire_(wire),
      tls_(make_client_tls(options, wire)),
      pattern_(options.size),
      engine_(make_engine_options(options)),
      shards_(engine_.reactors()) {}

int Load::run(const ClientStarter& start_client) {
    const pollux::Status started = engine_.start();
    if (!started) {
        std::fprintf(stderr, "%s\n", started.message().c_str());
        return 1;
    }
    const bool all_connected = connect(start_client);
    if (all_connected) measure();
    phase_.store(Phase::over, std::memory_order_relaxed);
    engine_.stop();
    engine_.wait();
    if (!all_connected) return 1;

    const Report report = collect();
    print(report);
    return report.errors == 0 ? 0 : 1;
}

pollux::ClientOptions Load::client_options() const {
    return {
        .endpoint = endpoint_text(options_, wire_), .tls = tls_, .server_name = wire_.tls ? options_.server_name : ""};
}

bool Load::connect(const ClientStarter& start_client) {
    const auto deadline = std::chrono::steady_clock::now() + connect_patience;
    for (std::size_t i = 0; i < options_.clients; ++i) {
        if (const pollux::Status status = start_client(); !status) {
            std::fprintf(stderr, "%s\n", status.message().c_str());
            return false;
        }
        wait_for_connections(i + 1 - std::min(i + 1, most_connecting), deadline);
    }
    wait_for_connections(options_.clients, deadline);
    if (connected_ < options_.clients) {
        std::fprintf(stderr, "only %zu of %zu clients could connect to %s\n", connected_.load(), options_.clients,
                     endpoint_text(options_, wire_).c_str());
        return false;
    }
    std::printf("All clients connected!\n");
    std::fflush(stdout);
    return true;
}

void Load::wait_for_connections(std::size_t count, std::chrono::steady_clock::time_point deadline) const {
    while (connected_ + failed_ < count && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
}

void Load::measure() {
    phase_.store(Phase::measuring, std::memory_order_relaxed);
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        engine_.post(i, [&shard = shards_[i]] {
            for (LoadClient* client : shard.clients) client->begin_if_open();
        });
    }
    std::this_thread::sleep_until(
        begin + std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>{options_.seconds}));
    phase_.store(Phase::over, std::memory_order_relaxed);
    time_ = std::chrono::steady_clock::now() - begin;
}

Report Load::collect() const {
    const bool may_lose = wire_.transport == pollux::Transport::udp;
    Report report{.time = time_};
    if (may_lose) report.lost = 0;
    for (const Shard& shard : shards_) {
        report.errors += shard.errors;
        report.bytes += shard.bytes;
        report.messages += shard.messages;
        if (may_lose) *report.lost += shard.lost;
        report.latency.add(shard.latency);
    }
    if (!wire_.http) report.messages = report.bytes / options_.size;
    return report;
}

void LoadClient::opened(pollux::Reactor& reactor) {
    shard_ = &load_->shards_[reactor.index()];
    shard_->clients.push_back(this);
    ++load_->connected_;
}

void LoadClient::closed(pollux::CloseReason reason, std::error_code error) {
    if (load_->phase_.load(std::memory_order_relaxed) == Load::Phase::over) return;
    ++shard_->errors;
    std::fprintf(stderr, "connection lost: %s %s\n", std::string{to_string(reason)}.c_str(), error.message().c_str());
}

void LoadClient::not_opened(std::error_code error) {
    std::fprintf(stderr, "cannot connect: %s\n", error.message().c_str());
    ++load_->failed_;
}

void LoadHandler::on_open(pollux::Connection& connection) {
    connection_ = &connection;
    opened(connection.reactor());
}

void LoadHandler::on_close(pollux::Connection& /*connection*/, pollux::CloseReason reason, std::error_code error) {
    connection_ = nullptr;
    closed(reason, error);
}

void LoadHandler::on_connect_error(std::error_code error, unsigned /*attempt*/, bool /*will_retry*/) {
    not_opened(error);
}

void LoadHandler::begin_if_open() {
    if (connection_ != nullptr) begin(*connection_);
}

void DatagramLoadHandler::on_open(pollux::UdpSocket& socket) {
    socket_ = &socket;
    opened(socket.reactor());
}

// What this machine itself could not send is a loss like any other, and will be counted as such. Anything else means
// that there is no server.
void DatagramLoadHandler::on_error(pollux::UdpSocket& /*socket*/, const pollux::DatagramError& error) {
    if (error.kind == pollux::DatagramError::Kind::refused || !load().measuring()) return;
    shard().errors += error.datagrams;
    if (!error_told_) std::fprintf(stderr, "datagrams do not arrive: %s\n", error.error.message().c_str());
    error_told_ = true;
}

void DatagramLoadHandler::on_close(pollux::UdpSocket& /*socket*/, pollux::CloseReason reason, std::error_code error) {
    socket_ = nullptr;
    closed(reason, error);
}

void DatagramLoadHandler::begin_if_open() {
    if (socket_ != nullptr) begin(*socket_);
}

}  // namespace perf
