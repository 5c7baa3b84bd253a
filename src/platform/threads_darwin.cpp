// Threads on macOS.
#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <thread>

#include "platform/platform.h"
#include "platform/threads.h"

namespace pollux::platform {

std::vector<unsigned> available_cores() {
    std::vector<unsigned> cores(std::max(std::thread::hardware_concurrency(), 1U));
    std::iota(cores.begin(), cores.end(), 0U);
    return cores;
}

std::error_code pin_current_thread(unsigned /*core*/) {
    return system_error(ENOTSUP);  // the system's scheduler takes hints at most
}

void name_current_thread(const std::string& name) {
    constexpr std::size_t longest = 63;
    ::pthread_setname_np(name.substr(0, longest).c_str());
}

}  // namespace pollux::platform
