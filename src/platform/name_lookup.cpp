// Addresses of hosts, by name and by digits.
#include "platform/name_lookup.h"

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platform/datagram_sockets.h"
#include "platform/socket_address.h"
#include "platform/sockets.h"

namespace pollux::platform {

namespace {

std::error_code find_addresses(const char* host, std::uint16_t port, int flags, std::vector<SocketAddress>& out) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    addrinfo* list = nullptr;
    if (const std::error_code error = look_up(host, hints, list)) return error;
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner{list, ::freeaddrinfo};
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        sockaddr_storage storage{};
        std::memcpy(&storage, entry->ai_addr, entry->ai_addrlen);
        SocketAddress address = from_sockaddr(storage, static_cast<socklen_t>(entry->ai_addrlen));
        address.port = port;
        if (address.family != SocketAddress::Family::none) out.push_back(std::move(address));
    }
    return out.empty() ? make_error_code(Errc::name_not_resolved) : std::error_code{};
}

}  // namespace

std::error_code resolve(const std::string& host, std::uint16_t port, std::vector<SocketAddress>& out) {
    return find_addresses(host.c_str(), port, AI_ADDRCONFIG, out);
}

bool parse_numeric(const std::string& host, std::uint16_t port, SocketAddress& out) {
    if (host.find(':') == std::string::npos) {
        // Not by the lookup: that takes "127.1" and octal numbers, too.
        in_addr address;
        if (::inet_pton(AF_INET, host.c_str(), &address) != 1) return false;
        out = {};
        out.family = SocketAddress::Family::ipv4;
        out.port = port;
        std::memcpy(out.ip.data(), &address, sizeof address);
        return true;
    }
    if (host.front() == '[') return false;  // which some systems take, with a port behind it
    std::string numeric = host;
    const std::size_t zone = host.find('%') + 1;
    if (zone != 0 && host.find_first_not_of("0123456789", zone) != std::string::npos) {
        // By a name, which not every system takes.
        const unsigned index = find_interface(host.substr(zone));
        if (index == 0) return false;
        numeric.replace(zone, std::string::npos, std::to_string(index));
    }
    std::vector<SocketAddress> found;
    if (find_addresses(numeric.c_str(), port, AI_NUMERICHOST, found)) return false;
    out = std::move(found.front());
    return true;
}

}  // namespace pollux::platform
