// The system's files: macOS.
#pragma once

#include <sys/stat.h>

namespace pollux::platform {

inline const timespec& modification_time(const struct stat& info) noexcept {
    return info.st_mtimespec;
}

}  // namespace pollux::platform
