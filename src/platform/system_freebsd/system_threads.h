// The system's threads: FreeBSD.
#pragma once

// <sys/param.h> comes first: the others need it.
#include <sys/param.h>

#include <pthread.h>
#include <pthread_np.h>
#include <sys/cpuset.h>

#include <cstddef>

namespace pollux::platform {

using CoreSet = cpuset_t;

/// The cores that the calling thread, -1, may run on. False if the system does not tell.
inline bool read_affinity(CoreSet& cores) noexcept {
    return ::cpuset_getaffinity(CPU_LEVEL_WHICH, CPU_WHICH_TID, -1, sizeof cores, &cores) == 0;
}

/// What more there is is cut.
inline constexpr std::size_t longest_thread_name = 19;

/// Names the calling thread.
inline void set_thread_name(const char* name) noexcept {
    ::pthread_set_name_np(::pthread_self(), name);
}

}  // namespace pollux::platform
