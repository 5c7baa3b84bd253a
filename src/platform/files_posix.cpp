// Files on POSIX systems.
#include "platform/files_posix.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <limits>

#include "system_files.h"

namespace pollux::platform {

namespace {

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;

int open_path(const std::filesystem::path& path, int flags) noexcept {
    int descriptor;
    do {
        descriptor = ::open(path.c_str(), flags);
    } while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

bool leads_down(std::string_view segment) noexcept {
    return !segment.empty() && segment != "." && segment != ".." && segment.find('\0') == std::string_view::npos;
}

/// Opens one segment of a path, which need not be ended by NUL. The descriptor, or -1 with errno.
int open_segment(int folder, std::string_view segment, int flags) noexcept {
    std::array<char, NAME_MAX + 1> name;
    if (segment.size() >= name.size() || !leads_down(segment)) {
        errno = ENOENT;
        return -1;
    }
    *std::copy(segment.begin(), segment.end(), name.begin()) = '\0';
    int descriptor;
    do {
        descriptor = ::openat(folder, name.data(), flags | O_NOFOLLOW);
    } while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

std::int64_t to_nanoseconds(const timespec& time) noexcept {
    // Some file systems can store times that do not fit.
    constexpr std::int64_t last_second = std::numeric_limits<std::int64_t>::max() / nanoseconds_per_second - 1;
    return std::clamp<std::int64_t>(time.tv_sec, -last_second, last_second) * nanoseconds_per_second + time.tv_nsec;
}

}  // namespace

File::~File() {
    if (is_open()) ::close(static_cast<int>(handle_));
}

File File::open(const std::filesystem::path& path, std::error_code& error) noexcept {
    return take_regular_file(open_path(path, read_flags), error);
}

bool File::facts(FileFacts& out, std::error_code& error) const noexcept {
    struct stat info {};
    if (::fstat(static_cast<int>(handle_), &info) != 0) {
        error = system_error(errno);
        return false;
    }
    out.size = static_cast<std::uint64_t>(info.st_size);
    out.modified_nanoseconds = to_nanoseconds(modification_time(info));
    out.device = static_cast<std::uint64_t>(info.st_dev);
    out.inode = info.st_ino;
    return true;
}

IoResult File::read_at(MutableBytes buffer, std::uint64_t offset) const noexcept {
    for (;;) {
        const ssize_t count =
            ::pread(static_cast<int>(handle_), buffer.data(), buffer.size(), static_cast<off_t>(offset));
        if (count > 0) return {IoStatus::done, 0, static_cast<std::size_t>(count)};
        if (count == 0) return {IoStatus::end, 0, 0};
        if (errno != EINTR) return {IoStatus::failed, errno, 0};
    }
}

Folder::~Folder() {
    if (is_open()) ::close(static_cast<int>(handle_));
}

Folder Folder::open(const std::filesystem::path& path, std::error_code& error) noexcept {
    Folder folder;
    folder.handle_ = open_path(path, folder_flags);
    error = folder.is_open() ? std::error_code{} : system_error(errno);
    return folder;
}

bool identify_without_following(const std::string& path, std::uint64_t& device, std::uint64_t& file) noexcept {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) return false;
    device = static_cast<std::uint64_t>(info.st_dev);
    file = info.st_ino;
    return true;
}

void remove_file(const std::string& path) noexcept {
    ::unlink(path.c_str());
}

File take_regular_file(int descriptor, std::error_code& error) noexcept {
    if (descriptor < 0) {
        error = system_error(errno);
        return {};
    }
    File file{descriptor};
    struct stat info {};
    if (::fstat(descriptor, &info) != 0) {
        error = system_error(errno);
    } else if (S_ISDIR(info.st_mode)) {
        error = std::make_error_code(std::errc::is_a_directory);
    } else if (!S_ISREG(info.st_mode)) {
        error = std::make_error_code(std::errc::no_such_device_or_address);
    } else {
        error.clear();
        return file;
    }
    return {};
}

int open_by_segments(int folder, std::string_view relative) noexcept {
    int parent = folder;
    for (;;) {
        const std::size_t slash = relative.find('/');
        const bool last = slash == std::string_view::npos;
        const int next = open_segment(parent, relative.substr(0, slash), last ? read_flags : folder_flags);
        const int error = errno;
        if (parent != folder) ::close(parent);
        errno = error;
        if (last || next < 0) return next;
        parent = next;
        relative.remove_prefix(slash + 1);
    }
}

}  // namespace pollux::platform
