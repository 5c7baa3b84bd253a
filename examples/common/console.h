// The console of the examples: whole lines out from any thread, arguments in.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace console {

/// Writes one line in one call, so that lines of several threads never mix, and flushes it, so that a program behind
/// a pipe sees it at once. A program that must never wait for a slow terminal would hand its lines to a thread instead.
template <class... Parts>
void say(const Parts&... parts) {
    std::ostringstream out;
    (out << ... << parts) << '\n';
    const std::string line = out.str();
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
}

/// `text` with '?' for control characters: what a peer sends must not steer the terminal.
inline std::string printable(std::string_view text) {
    std::string result{text};
    std::replace_if(
        result.begin(), result.end(),
        [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }, '?');
    return result;
}

/// The arguments, at most `most` of them. `--help` and mistakes end the program with `usage`.
inline std::vector<std::string> arguments(int argc, char** argv, std::size_t most, std::string_view usage) {
    std::vector<std::string> result(argv + std::min(argc, 1), argv + argc);
    const bool wants_help = !result.empty() && (result[0] == "--help" || result[0] == "-h");
    const bool has_option =
        std::any_of(result.begin(), result.end(), [](const std::string& text) { return text.starts_with('-'); });
    if (has_option || result.size() > most) {
        std::fprintf(wants_help ? stdout : stderr, "%.*s", static_cast<int>(usage.size()), usage.data());
        std::exit(wants_help ? EXIT_SUCCESS : 2);
    }
    return result;
}

/// The argument at `index`, or `otherwise` if there are fewer or it is empty.
inline std::string argument_or(const std::vector<std::string>& arguments, std::size_t index, std::string otherwise) {
    return index < arguments.size() && !arguments[index].empty() ? arguments[index] : std::move(otherwise);
}

/// The only argument, or "" if there is none. `--help` and mistakes end the program with `usage`.
inline std::string only_argument(int argc, char** argv, std::string_view usage) {
    return argument_or(arguments(argc, argv, 1, usage), 0, "");
}

/// An endpoint from an argument that is a port, `host:port`, an endpoint, or nothing.
inline std::string inet_endpoint(const std::string& scheme, const std::string& port, const std::string& argument) {
    if (argument.find("://") != std::string::npos) return argument;
    const bool is_port = argument.find_first_not_of("0123456789") == std::string::npos;
    return scheme + (is_port ? "127.0.0.1:" + (argument.empty() ? port : argument) : argument);
}

inline std::string tcp_endpoint(const std::string& argument) {
    return inet_endpoint("tcp://", "1111", argument);
}

inline std::string udp_endpoint(const std::string& argument) {
    return inet_endpoint("udp://", "3333", argument);
}

/// An endpoint from an address and a port; an IPv6 address gets the brackets that it needs there.
inline std::string udp_endpoint(const std::string& address, const std::string& port) {
    const bool is_ipv6 = address.find(':') != std::string::npos;
    return "udp://" + (is_ipv6 ? '[' + address + ']' : address) + ':' + port;
}

/// An endpoint from an argument that is a path, `@` and an abstract name, an endpoint, or nothing.
inline std::string unix_endpoint(const std::string& argument) {
    if (argument.empty()) return "unix://" + (std::filesystem::temp_directory_path() / "pollux-chat.sock").string();
    if (argument.find("://") != std::string::npos) return argument;
    if (argument.starts_with('@')) return "unix://" + argument;
    return "unix://" + std::filesystem::absolute(argument).string();
}

}  // namespace console
