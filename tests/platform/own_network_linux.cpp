// Networks made for one test.
#include "platform/own_network_linux.h"

#include <sched.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace pollux::platform::test {

bool run_command(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

std::string in_network_of_its_own(const std::function<void()>& work) {
    std::string problem;
    std::thread{[&] {
        if (::unshare(CLONE_NEWNET) != 0) {
            problem = std::string{"no right to make a network of its own: "} + std::strerror(errno);
        } else if (!run_command("ip link set lo up && ip link add name pollux0 type veth peer name pollux1 && "
                                "ip addr add 10.9.0.1/24 dev pollux0 && ip link set pollux0 up mtu 1500 && "
                                "ip link set pollux1 up mtu 1500")) {
            problem = "no pair of virtual devices can be made with ip";
        } else {
            work();
        }
    }}.join();
    return problem;
}

}  // namespace pollux::platform::test
