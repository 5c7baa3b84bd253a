// Multicast groups.
#include "multicast.h"

#include "option_checks.h"
#include "platform/datagram_sockets.h"
#include "platform/sockets.h"
#include "to_inet.h"

namespace pollux {

namespace {

bool parse_address(const std::string& text, InetAddress& out) {
    SocketAddress address;
    if (text.empty() || !platform::parse_numeric(text, 0, address)) return false;
    out = to_inet(address);
    return true;
}

}  // namespace

Status parse_membership(const MulticastGroup& group, platform::Membership& out) {
    platform::Membership result;
    if (!parse_address(group.group, result.group) || !result.group.is_multicast()) {
        return bad_option("MulticastGroup::group is \"" + group.group + "\", not the address of a multicast group");
    }
    if (!group.source.empty()) {
        if (!parse_address(group.source, result.source) || result.source.family != result.group.family) {
            return bad_option("MulticastGroup::source is \"" + group.source +
                              "\", not an address of the IP version of " + group.group);
        }
    }
    if (!group.interface_name.empty()) {
        result.interface_index = platform::find_interface(group.interface_name);
        if (result.interface_index == 0) {
            return bad_option("MulticastGroup::interface_name is \"" + group.interface_name +
                              "\", which this machine does not have");
        }
    } else {
        result.interface_index = result.group.scope;
    }
    out = result;
    return {};
}

std::string to_string(const MulticastGroup& group) {
    std::string text = group.group;
    if (!group.interface_name.empty()) text += " on " + group.interface_name;
    if (!group.source.empty()) text += ", from " + group.source;
    return text;
}

}  // namespace pollux
