// Files of tests, as POSIX systems have them.
#include "common/file_calls.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <ctime>

namespace pollux::test {

bool set_modification_time(const std::filesystem::path& path, std::int64_t seconds, long nanoseconds) {
    const timespec time{static_cast<std::time_t>(seconds), nanoseconds};
    const timespec times[2] = {time, time};
    return ::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0;
}

bool make_link(const std::filesystem::path& path, const std::filesystem::path& target) {
    std::error_code error;
    std::filesystem::create_symlink(target, path, error);
    return !error;
}

bool make_pipe(const std::filesystem::path& path) {
    return ::mkfifo(path.c_str(), 0600) == 0;
}

}  // namespace pollux::test
