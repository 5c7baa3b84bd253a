// The system's threads: Linux.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <cstddef>

namespace pollux::platform {

using CoreSet = cpu_set_t;

/// The cores that the calling thread may run on. False if the system does not tell.
inline bool read_affinity(CoreSet& cores) noexcept {
    return ::sched_getaffinity(0, sizeof cores, &cores) == 0;
}

/// A longer one is refused.
inline constexpr std::size_t longest_thread_name = 15;

/// Names the calling thread.
inline void set_thread_name(const char* name) noexcept {
    ::pthread_setname_np(::pthread_self(), name);
}

}  // namespace pollux::platform
