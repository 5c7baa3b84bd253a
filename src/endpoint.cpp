// Endpoints and addresses as texts.
#include <charconv>

#include <pollux/address.h>

namespace pollux {

namespace {

constexpr std::string_view tcp_scheme = "tcp://";
constexpr std::string_view unix_scheme = "unix://";

Status invalid(std::string_view text, std::string_view reason) {
    return {make_error_code(Errc::invalid_endpoint), "\"" + std::string(text) + "\": " + std::string(reason)};
}

bool parse_port(std::string_view digits, std::uint16_t& out) {
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return !digits.empty() && result.ec == std::errc{} && result.ptr == digits.data() + digits.size();
}

Status parse_tcp(std::string_view text, std::string_view rest, Endpoint& out) {
    std::string_view host;
    std::string_view port;
    if (rest.starts_with('[')) {
        const std::size_t end = rest.find(']');
        if (end == std::string_view::npos) return invalid(text, "the bracket of the IPv6 address is not closed");
        host = rest.substr(1, end - 1);
        if (host.find(':') == std::string_view::npos) return invalid(text, "brackets are for IPv6 addresses");
        if (end + 1 >= rest.size() || rest[end + 1] != ':') return invalid(text, "a port is missing");
        port = rest.substr(end + 2);
    } else {
        const std::size_t colon = rest.find(':');
        if (colon == std::string_view::npos) return invalid(text, "a port is missing");
        if (rest.find(':', colon + 1) != std::string_view::npos) {
            return invalid(text, "an IPv6 address needs brackets, as in tcp://[::1]:1111");
        }
        host = rest.substr(0, colon);
        port = rest.substr(colon + 1);
    }
    if (host.empty()) return invalid(text, "a host is missing; * is every address");
    std::uint16_t number = 0;
    if (!parse_port(port, number)) return invalid(text, "the port is not a number from 0 to 65535");
    out = {Transport::tcp, host == "*" ? std::string{} : std::string(host), number, {}};
    return {};
}

}  // namespace

Status Endpoint::parse(std::string_view text, Endpoint& out) {
    if (text.find('\0') != std::string_view::npos)
        return invalid(text.substr(0, text.find('\0')), "it contains a zero byte");
    if (text.starts_with(tcp_scheme)) return parse_tcp(text, text.substr(tcp_scheme.size()), out);
    if (text.starts_with(unix_scheme)) {
        const std::string_view path = text.substr(unix_scheme.size());
        if (path.empty() || path == "@") return invalid(text, "a path is missing");
        out = {Transport::unix_domain, {}, 0, std::string(path)};
        return {};
    }
    return invalid(text, "an endpoint begins with tcp:// or unix://");
}

std::string Endpoint::to_string() const {
    if (transport == Transport::unix_domain) return std::string(unix_scheme) + path;
    std::string text{tcp_scheme};
    if (host.empty()) {
        text += '*';
    } else if (host.find(':') != std::string::npos) {
        text += '[' + host + ']';
    } else {
        text += host;
    }
    return text + ':' + std::to_string(port);
}

namespace {

std::string ipv4_text(const std::uint8_t* octets) {
    std::string text;
    for (int i = 0; i < 4; ++i) {
        if (i != 0) text += '.';
        text += std::to_string(octets[i]);
    }
    return text;
}

/// RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as "::".
std::string ipv6_text(const std::array<std::uint8_t, 16>& ip) {
    std::array<unsigned, 8> groups{};
    for (std::size_t i = 0; i < groups.size(); ++i) groups[i] = ip[2 * i] * 256U + ip[2 * i + 1];
    std::size_t best = groups.size();
    std::size_t best_length = 1;
    for (std::size_t i = 0; i < groups.size();) {
        std::size_t end = i;
        while (end < groups.size() && groups[end] == 0) ++end;
        if (end - i > best_length) {
            best = i;
            best_length = end - i;
        }
        i = end + 1;
    }
    if (best == 0 && best_length == 5 && groups[5] == 0xffff) return "::ffff:" + ipv4_text(&ip[12]);
    std::string text;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (i == best) {
            text += "::";
            i += best_length - 1;
            continue;
        }
        if (!text.empty() && text.back() != ':') text += ':';
        std::array<char, 4> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), groups[i], 16).ptr;
        text.append(digits.data(), end);
    }
    return text;
}

}  // namespace

std::string SocketAddress::to_string() const {
    switch (family) {
        case Family::none:
            return {};
        case Family::ipv4:
            return ipv4_text(ip.data()) + ':' + std::to_string(port);
        case Family::ipv6:
            return '[' + ipv6_text(ip) + (scope != 0 ? '%' + std::to_string(scope) : std::string{}) +
                   "]:" + std::to_string(port);
        case Family::unix_domain:
            return path;
    }
    return {};
}

}  // namespace pollux
