// No networks of one's own.
#include "own_network.h"

namespace pollux::test {

bool shell(const std::string& /*command*/) {
    return false;
}

bool in_own_network(const std::function<void()>& /*body*/) {
    return false;
}

bool make_cable() {
    return false;
}

bool leave_one_port(std::uint16_t /*port*/) {
    return false;
}

StalledLoopback::StalledLoopback() = default;

void StalledLoopback::flow() {}

bool lose_some(SocketHandle /*handle*/, double /*share*/) {
    return false;
}

}  // namespace pollux::test
