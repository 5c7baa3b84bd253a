// Command lines of the perf programs.
#include "options.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "datagram_pattern.h"

namespace perf {
namespace {

constexpr std::size_t max_message_bytes = 64 * 1024;

struct BatchingName {
    const char* name;
    pollux::UdpBatching batching;
};

constexpr std::array<BatchingName, 3> batching_names{{{"automatic", pollux::UdpBatching::automatic},
                                                      {"calls", pollux::UdpBatching::calls},
                                                      {"none", pollux::UdpBatching::none}}};

const char* batching_name(pollux::UdpBatching batching) {
    return batching_names[static_cast<std::size_t>(batching)].name;
}

template <class Number>
bool parse_number(std::string_view text, Number& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
}

bool parse_value(std::string_view /*text*/, bool& /*out*/) {
    return false;
}

bool parse_value(std::string_view text, std::string& out) {
    out = text;
    return !out.empty();
}

bool parse_value(std::string_view text, std::size_t& out) {
    return parse_number(text, out);
}

bool parse_value(std::string_view text, double& out) {
    // Not by std::from_chars: macOS's library has none for such numbers yet.
    const std::string digits{text};
    char* end = nullptr;
    out = std::strtod(digits.c_str(), &end);
    return !digits.empty() && end == digits.c_str() + digits.size() && out >= 0;
}

bool parse_value(std::string_view text, std::vector<unsigned>& out) {
    out.clear();
    while (true) {
        const std::size_t comma = text.find(',');
        if (!parse_number(text.substr(0, comma), out.emplace_back())) return false;
        if (comma == std::string_view::npos) return true;
        text.remove_prefix(comma + 1);
    }
}

bool parse_value(std::string_view text, pollux::UdpBatching& out) {
    for (const auto& [name, batching] : batching_names) {
        if (text != name) continue;
        out = batching;
        return true;
    }
    return false;
}

std::string default_text(const Option::Target& target) {
    if (std::holds_alternative<bool*>(target)) return "off";
    if (auto* const* text = std::get_if<std::string*>(&target)) return **text;
    if (auto* const* number = std::get_if<std::size_t*>(&target)) return std::to_string(**number);
    if (auto* const* real = std::get_if<double*>(&target)) return std::to_string(static_cast<int>(**real));
    if (auto* const* batching = std::get_if<pollux::UdpBatching*>(&target)) return batching_name(**batching);
    return "none";
}

[[noreturn]] void print_usage(const char* program, const std::vector<std::vector<Option>>& groups) {
    std::printf("Usage: %s [options]\n  -h, --help                this text\n", program);
    for (const auto& group : groups) {
        for (const Option& option : group) {
            std::printf("  %2s%c %-21s %s (default: %s)\n", option.short_name, *option.short_name != 0 ? ',' : ' ',
                        option.long_name, option.help, default_text(option.target).c_str());
        }
    }
    std::exit(0);
}

[[noreturn]] void fail(const char* program, const std::string& what) {
    std::fprintf(stderr, "%s: %s; try --help\n", program, what.c_str());
    std::exit(2);
}

const Option* find(const std::vector<std::vector<Option>>& groups, std::string_view name) {
    for (const auto& group : groups) {
        for (const Option& option : group) {
            if (name == option.short_name || name == option.long_name) return &option;
        }
    }
    return nullptr;
}

}  // namespace

std::size_t default_port(Wire wire) {
    if (wire.transport == pollux::Transport::udp) return 3333;
    if (wire.http) return wire.tls ? 8443 : 8080;
    return wire.tls ? 2222 : 1111;
}

std::vector<Option> endpoint_options(Options& options, Wire wire) {
    if (wire.transport == pollux::Transport::unix_domain)
        return {{"-p", "--path", &options.path, "path of the socket"}};
    return {{"-a", "--address", &options.address, "address of the server"},
            {"-p", "--port", &options.port, "port of the server"}};
}

std::vector<Option> engine_options(Options& options) {
    return {{"-t", "--threads", &options.threads, "reactors; 0 for one for each core"},
            {"", "--cores", &options.cores, "pin the reactors to these cores, as in 0,1"},
            {"", "--spin-us", &options.spin_us, "microseconds to poll before sleeping"},
            {"", "--receive-buffer", &options.receive_buffer, "bytes of a reactor's receive buffer"}};
}

std::vector<Option> batching_options(Options& options) {
    return {{"", "--batching", &options.batching, "of datagrams: automatic, calls or none"}};
}

std::vector<Option> group_options(Options& options) {
    return {{"-a", "--address", &options.address, "multicast group"},
            {"-p", "--port", &options.port, "its port"},
            {"", "--interface", &options.interface_name, "interface of the group, by name or number"}};
}

void parse_options(int argc, char** argv, const std::vector<std::vector<Option>>& groups) {
    for (int i = 1; i < argc; ++i) {
        std::string_view name = argv[i];
        if (name == "-h" || name == "--help") print_usage(argv[0], groups);

        std::string_view value;
        const std::size_t equals = name.find('=');
        if (equals != std::string_view::npos) {
            value = name.substr(equals + 1);
            name = name.substr(0, equals);
        }
        const Option* option = find(groups, name);
        if (option == nullptr) fail(argv[0], "unknown option " + std::string{name});
        if (bool* const* flag = std::get_if<bool*>(&option->target);
            flag != nullptr && equals == std::string_view::npos) {
            **flag = true;
            continue;
        }
        if (equals == std::string_view::npos) {
            if (++i == argc) fail(argv[0], "no value for " + std::string{name});
            value = argv[i];
        }
        if (!std::visit([&](auto* target) { return parse_value(value, *target); }, option->target))
            fail(argv[0], "bad value for " + std::string{name} + ": " + std::string{value});
    }
}

void require_message_size(const char* program, std::size_t bytes) {
    if (bytes == 0 || bytes > max_message_bytes)
        fail(program, "a message has 1 to " + std::to_string(max_message_bytes) + " bytes");
}

void require_datagram_size(const char* program, std::size_t bytes) {
    if (bytes < min_datagram_bytes || bytes > max_datagram_bytes)
        fail(program, "a datagram has " + std::to_string(min_datagram_bytes) + " to " +
                          std::to_string(max_datagram_bytes) + " bytes");
}

std::string endpoint_text(const Options& options, Wire wire) {
    if (wire.transport == pollux::Transport::unix_domain) return "unix://" + options.path;
    const bool ipv6 = options.address.find(':') != std::string::npos;
    const std::string scheme = wire.transport == pollux::Transport::udp ? "udp://" : "tcp://";
    return scheme + (ipv6 ? "[" + options.address + "]" : options.address) + ":" + std::to_string(options.port);
}

pollux::EngineOptions make_engine_options(const Options& options) {
    return {.reactors = options.threads,
            .pin = !options.cores.empty(),
            .cores = options.cores,
            .spin = std::chrono::microseconds{options.spin_us},
            .receive_buffer_bytes = options.receive_buffer,
            .stop_timeout = std::chrono::seconds{1}};
}

void print_endpoint(const Options& options, Wire wire) {
    if (wire.transport == pollux::Transport::unix_domain) {
        std::printf("Server Unix Domain Socket path: %s\n", options.path.c_str());
    } else {
        std::printf("Server address: %s\nServer port: %zu\n", options.address.c_str(), options.port);
    }
}

}  // namespace perf
