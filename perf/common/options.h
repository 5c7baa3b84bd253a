// Command lines of the perf programs, with the option names and defaults of NetCoreServer's performance programs.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include <pollux/pollux.h>

#include "wire.h"

namespace perf {

/// What a perf program can be told. Each program takes the options that mean something to it.
struct Options {
    std::string address = "127.0.0.1";
    std::size_t port = 1111;
    std::string path{};  ///< Unix-domain programs: the socket file.
    std::size_t threads = 1;
    std::size_t clients = 100;
    std::size_t messages = 1000;  ///< In flight for each client; servers: messages per second.
    std::size_t size = 32;
    double seconds = 10;
    std::vector<unsigned> cores{};  ///< Where the reactors are pinned; nowhere if empty.
    std::size_t spin_us = 0;
    std::size_t receive_buffer = pollux::EngineOptions{}.receive_buffer_bytes;
    std::string certificate{};              ///< TLS, as the rest: the server's certificate.
    std::string key{};                      ///< Its private key.
    std::string ca{};                       ///< Who a client trusts.
    std::string server_name = "localhost";  ///< The name a client wants in the certificate, wherever the server is.
    pollux::UdpBatching batching = pollux::UdpBatching::automatic;  ///< UDP, as the rest.
    std::string interface_name = "lo";                              ///< Where multicast is sent and joined.
};

/// What one option is called and where its value goes.
struct Option {
    using Target =
        std::variant<bool*, std::string*, std::size_t*, double*, std::vector<unsigned>*, pollux::UdpBatching*>;

    const char* short_name;  ///< As in "-c"; empty if there is none.
    const char* long_name;   ///< As in "--clients".
    Target target;           ///< A `bool` is set by the name alone; everything else takes a value.
    const char* help;
};

/// The port that programs of this wire use if they are not told one.
[[nodiscard]] std::size_t default_port(Wire wire);

/// The options that say where the server is: address and port, or the path.
[[nodiscard]] std::vector<Option> endpoint_options(Options& options, Wire wire);

/// The options that say how the engine is built: threads, cores, spinning, receive buffer.
[[nodiscard]] std::vector<Option> engine_options(Options& options);

/// The option that says how datagrams pass between the library and the system.
[[nodiscard]] std::vector<Option> batching_options(Options& options);

/// The options of UDP multicast: the group, and the interface where it is sent and joined.
[[nodiscard]] std::vector<Option> group_options(Options& options);

/// Fills the targets from the command line. Prints the usage and exits on `--help`, and a sentence on a mistake.
void parse_options(int argc, char** argv, const std::vector<std::vector<Option>>& groups);

/// Exits with a sentence unless messages of that size can be made and sent.
void require_message_size(const char* program, std::size_t bytes);

/// Likewise for messages that are datagrams.
void require_datagram_size(const char* program, std::size_t bytes);

/// The endpoint as Pollux takes it.
[[nodiscard]] std::string endpoint_text(const Options& options, Wire wire);

/// An engine as the options describe it, with a stop that does not keep a benchmark waiting.
[[nodiscard]] pollux::EngineOptions make_engine_options(const Options& options);

/// Prints "Server address: …" and "Server port: …", or the path.
void print_endpoint(const Options& options, Wire wire);

}  // namespace perf
