// Threads on FreeBSD.
// <sys/param.h> comes first: the others need it.
#include <sys/param.h>

#include <pthread.h>
#include <pthread_np.h>
#include <sys/cpuset.h>

#include "platform/platform.h"
#include "platform/threads.h"

namespace pollux::platform {

std::vector<unsigned> available_cores() {
    cpuset_t cores;
    CPU_ZERO(&cores);
    std::vector<unsigned> available;
    // Of this thread: -1.
    if (::cpuset_getaffinity(CPU_LEVEL_WHICH, CPU_WHICH_TID, -1, sizeof cores, &cores) == 0) {
        for (unsigned core = 0; core < CPU_SETSIZE; ++core) {
            if (CPU_ISSET(core, &cores)) available.push_back(core);
        }
    }
    if (available.empty()) available.push_back(0);
    return available;
}

std::error_code pin_current_thread(unsigned core) {
    if (core >= CPU_SETSIZE) return std::make_error_code(std::errc::invalid_argument);
    cpuset_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    return system_error(::pthread_setaffinity_np(::pthread_self(), sizeof cores, &cores));
}

void name_current_thread(const std::string& name) {
    constexpr std::size_t longest = 19;
    ::pthread_set_name_np(::pthread_self(), name.substr(0, longest).c_str());
}

}  // namespace pollux::platform
