// Threads on Linux and FreeBSD, which bind them to sets of cores.
#include "platform/platform.h"
#include "platform/threads.h"
#include "system_threads.h"

namespace pollux::platform {

std::vector<unsigned> available_cores() {
    CoreSet cores;
    CPU_ZERO(&cores);
    std::vector<unsigned> available;
    if (read_affinity(cores)) {
        for (unsigned core = 0; core < CPU_SETSIZE; ++core) {
            if (CPU_ISSET(core, &cores)) available.push_back(core);
        }
    }
    if (available.empty()) available.push_back(0);
    return available;
}

std::error_code pin_current_thread(unsigned core) {
    if (core >= CPU_SETSIZE) return std::make_error_code(std::errc::invalid_argument);
    CoreSet cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    return system_error(::pthread_setaffinity_np(::pthread_self(), sizeof cores, &cores));
}

void name_current_thread(const std::string& name) {
    set_thread_name(name.substr(0, longest_thread_name).c_str());
}

}  // namespace pollux::platform
