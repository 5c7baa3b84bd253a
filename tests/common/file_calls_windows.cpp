// Files of tests, as Windows has them.
#include "common/file_calls.h"

#include <windows.h>

namespace pollux::test {

bool set_modification_time(const std::filesystem::path& path, std::int64_t seconds, long nanoseconds) {
    constexpr std::int64_t ticks_per_second = 10'000'000;
    constexpr std::int64_t seconds_to_1970 = 11'644'473'600;  // from 1601
    ULARGE_INTEGER ticks{};
    ticks.QuadPart = static_cast<ULONGLONG>((seconds + seconds_to_1970) * ticks_per_second + nanoseconds / 100);
    const FILETIME time{ticks.LowPart, ticks.HighPart};
    const HANDLE file =
        ::CreateFileW(path.c_str(), FILE_WRITE_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                      nullptr, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr);
    if (file == INVALID_HANDLE_VALUE) return false;
    const bool set = ::SetFileTime(file, nullptr, nullptr, &time) != 0;
    ::CloseHandle(file);
    return set;
}

bool make_link(const std::filesystem::path& path, const std::filesystem::path& target) {
    std::error_code ignored;
    const std::filesystem::path base = target.is_absolute() ? target : path.parent_path() / target;
    DWORD flags = SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE;
    if (std::filesystem::is_directory(base, ignored)) flags |= SYMBOLIC_LINK_FLAG_DIRECTORY;
    std::filesystem::path written = target;
    if (::CreateSymbolicLinkW(path.c_str(), written.make_preferred().c_str(), flags) == 0) return false;
    // Wine says that it has made one.
    const DWORD attributes = ::GetFileAttributesW(path.c_str());
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
}

bool make_pipe(const std::filesystem::path& /*path*/) {
    return false;  // pipes are in a place of their own
}

}  // namespace pollux::test
