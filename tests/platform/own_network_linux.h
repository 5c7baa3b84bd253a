// Networks made for one test, with devices that have limits.
#pragma once

#include <functional>
#include <string>

namespace pollux::platform::test {

/// Runs `work` on a thread in a network of its own, with a device `pollux0` of an MTU of 1500 and the address
/// 10.9.0.1/24 behind which nobody is. Returns why that cannot be done, or nothing.
[[nodiscard]] std::string in_network_of_its_own(const std::function<void()>& work);

/// Runs a command there. True if it succeeded.
[[nodiscard]] bool run_command(const std::string& command);

}  // namespace pollux::platform::test
