// Networks of the test's own, which lose, hold back or lack something. Linux makes them; where there are none, the
// tests that need one are skipped.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/socket_calls.h"

namespace pollux::test {

/// True if the command of a shell succeeds. It says nothing.
[[nodiscard]] bool shell(const std::string& command);

/// Runs `body` on a thread that has a network of its own, with nothing but a loopback device, and threads that it
/// starts have it too. False if the system does not allow that.
[[nodiscard]] bool in_own_network(const std::function<void()>& body);

/// Gives the test's own network the device cable0, with the addresses 10.77.0.1/24 and fd77::1/64. False if it cannot.
[[nodiscard]] bool make_cable();

/// Leaves the test's own network one port to give to who asks for none. False if it cannot.
[[nodiscard]] bool leave_one_port(std::uint16_t port);

/// Makes the loopback device of the test's own network queue what is sent, and pass on almost nothing.
class StalledLoopback {
public:
    StalledLoopback();
    [[nodiscard]] bool works() const { return works_; }

    /// From now on everything passes.
    void flow();

private:
    bool works_ = false;
};

/// Makes the system lose a part of what arrives on a socket, at random. False if it cannot.
[[nodiscard]] bool lose_some(SocketHandle handle, double share);

}  // namespace pollux::test
