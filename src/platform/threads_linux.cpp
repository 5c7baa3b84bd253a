// Threads on Linux.
#include <pthread.h>
#include <sched.h>

#include "platform/platform.h"
#include "platform/threads.h"

namespace pollux::platform {

std::vector<unsigned> available_cores() {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    std::vector<unsigned> available;
    if (::sched_getaffinity(0, sizeof cores, &cores) == 0) {
        for (unsigned core = 0; core < CPU_SETSIZE; ++core) {
            if (CPU_ISSET(core, &cores)) available.push_back(core);
        }
    }
    if (available.empty()) available.push_back(0);
    return available;
}

std::error_code pin_current_thread(unsigned core) {
    if (core >= CPU_SETSIZE) return std::make_error_code(std::errc::invalid_argument);
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    return system_error(::pthread_setaffinity_np(::pthread_self(), sizeof cores, &cores));
}

void name_current_thread(const std::string& name) {
    constexpr std::size_t longest = 15;
    ::pthread_setname_np(::pthread_self(), name.substr(0, longest).c_str());
}

}  // namespace pollux::platform
