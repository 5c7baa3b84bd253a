// Endpoints and addresses as texts.
#include <charconv>
#include <cstring>
#include <utility>

#include <pollux/address.h>

#include "platform/sockets.h"
#include "to_inet.h"

namespace pollux {

namespace {

constexpr std::string_view tcp_scheme = "tcp://";
constexpr std::string_view udp_scheme = "udp://";
constexpr std::string_view unix_scheme = "unix://";

Status invalid(std::string_view text, std::string_view reason) {
    return {make_error_code(Errc::invalid_endpoint), "\"" + std::string(text) + "\": " + std::string(reason)};
}

std::string_view scheme_of(Transport transport) noexcept {
    switch (transport) {
        case Transport::tcp:
            return tcp_scheme;
        case Transport::udp:
            return udp_scheme;
        case Transport::unix_domain:
            break;
    }
    return unix_scheme;
}

bool parse_port(std::string_view digits, std::uint16_t& out) {
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return !digits.empty() && result.ec == std::errc{} && result.ptr == digits.data() + digits.size();
}

/// Host and port, of an endpoint or alone.
Status parse_host_and_port(std::string_view text, std::string_view rest, Endpoint& out) {
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
            return invalid(text, "an IPv6 address needs brackets, as in [::1]:1111");
        }
        host = rest.substr(0, colon);
        port = rest.substr(colon + 1);
    }
    if (host.empty()) return invalid(text, "a host is missing; * is every address");
    std::uint16_t number = 0;
    if (!parse_port(port, number)) return invalid(text, "the port is not a number from 0 to 65535");
    out.host = host == "*" ? std::string{} : std::string(host);
    out.port = number;
    return {};
}

}  // namespace

Status Endpoint::parse(std::string_view text, Endpoint& out) {
    if (text.find('\0') != std::string_view::npos)
        return invalid(text.substr(0, text.find('\0')), "it contains a zero byte");
    for (const Transport transport : {Transport::tcp, Transport::udp}) {
        const std::string_view scheme = scheme_of(transport);
        if (!text.starts_with(scheme)) continue;
        Endpoint parsed;
        parsed.transport = transport;
        Status status = parse_host_and_port(text, text.substr(scheme.size()), parsed);
        if (status) out = std::move(parsed);
        return status;
    }
    if (text.starts_with(unix_scheme)) {
        const std::string_view path = text.substr(unix_scheme.size());
        if (path.empty() || path == "@") return invalid(text, "a path is missing");
        out = {Transport::unix_domain, {}, 0, std::string(path)};
        return {};
    }
    return invalid(text, "an endpoint begins with tcp://, udp:// or unix://");
}

std::string Endpoint::to_string() const {
    std::string text{scheme_of(transport)};
    if (transport == Transport::unix_domain) return text + path;
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
    return family == Family::unix_domain ? path : InetAddress{family, port, scope, ip}.to_string();
}

// Addresses of TCP and UDP.

Status InetAddress::parse(std::string_view text, InetAddress& out) {
    Endpoint endpoint;
    if (Status status = parse_host_and_port(text, text, endpoint); !status) return status;
    SocketAddress found;
    if (endpoint.host.empty() || text.find('\0') != std::string_view::npos ||
        !platform::parse_numeric(endpoint.host, endpoint.port, found)) {
        return invalid(text, "an address is digits, as in 127.0.0.1:80 or [::1]:80");
    }
    out = to_inet(found);
    return {};
}

bool InetAddress::is_multicast() const noexcept {
    switch (family) {
        case SocketAddress::Family::ipv4:
            return (ip[0] & 0xf0) == 0xe0;
        case SocketAddress::Family::ipv6:
            return ip[0] == 0xff;
        default:
            return false;
    }
}

std::string InetAddress::to_string() const {
    switch (family) {
        case SocketAddress::Family::ipv4:
            return ipv4_text(ip.data()) + ':' + std::to_string(port);
        case SocketAddress::Family::ipv6:
            return '[' + ipv6_text(ip) + (scope != 0 ? '%' + std::to_string(scope) : std::string{}) +
                   "]:" + std::to_string(port);
        case SocketAddress::Family::none:
        case SocketAddress::Family::unix_domain:
            break;
    }
    return {};
}

}  // namespace pollux

std::size_t std::hash<pollux::InetAddress>::operator()(const pollux::InetAddress& address) const noexcept {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::memcpy(&high, address.ip.data(), sizeof high);
    std::memcpy(&low, address.ip.data() + sizeof high, sizeof low);
    // Multiplying spreads every bit upwards, and the fold brings the high ones back down.
    constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
    std::uint64_t mixed = (std::uint64_t{address.port} << 32 | address.scope) * odd;
    mixed = (mixed ^ high) * odd;
    mixed = (mixed ^ mixed >> 32 ^ low) * odd;
    return static_cast<std::size_t>(mixed ^ mixed >> 29);
}
