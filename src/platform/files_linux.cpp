// Files beneath a folder on Linux.
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "platform/files_posix.h"

namespace pollux::platform {

namespace {

/// How often a lookup is tried again that met a rename of what it went through.
constexpr int max_races = 8;

/// Lets the kernel confine the lookup: one call, and links that stay within are followed. -1 with errno.
int open_confined(int folder, const char* path) noexcept {
    open_how how{};
    how.flags = read_flags;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    int races = 0;
    for (;;) {
        // The C library has no function for it yet.
        const long descriptor = ::syscall(SYS_openat2, folder, path, &how, sizeof how);
        if (descriptor >= 0) return static_cast<int>(descriptor);
        if (errno == EAGAIN && ++races < max_races) continue;
        if (errno != EINTR) return -1;
    }
}

}  // namespace

File Folder::open_beneath(std::string_view relative, std::error_code& error) const noexcept {
    std::array<char, PATH_MAX> path;
    if (relative.size() >= path.size()) {
        error = system_error(ENAMETOOLONG);
        return {};
    }
    if (relative.find('\0') != std::string_view::npos) {
        error = system_error(ENOENT);
        return {};
    }
    *std::copy(relative.begin(), relative.end(), path.begin()) = '\0';
    const int folder = static_cast<int>(handle_);
    int descriptor = open_confined(folder, path.data());
    // Before Linux 5.6 there is no such call, and a filter of system calls may forbid what it does not know.
    if (descriptor < 0 && (errno == ENOSYS || errno == EPERM)) descriptor = open_by_segments(folder, relative);
    return take_regular_file(descriptor, error);
}

}  // namespace pollux::platform
