// Files on Windows.
#include "platform/files_windows.h"

#include <windows.h>
#include <winternl.h>

#include <algorithm>
#include <array>
#include <climits>
#include <limits>

#include "platform/files.h"

namespace pollux::platform {

namespace {

/// A file may be written, renamed and removed while it is open, as on other systems.
constexpr DWORD share_everything = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/// From 1601, where the system's count begins, to 1970, in its units of 100 nanoseconds.
constexpr std::int64_t ticks_to_1970 = 116'444'736'000'000'000;
constexpr std::int64_t nanoseconds_per_tick = 100;

std::error_code last_file_error() noexcept {
    return system_error(static_cast<int>(::GetLastError()));
}

HANDLE native(NativeHandle handle) noexcept {
    return reinterpret_cast<HANDLE>(handle);
}

std::uint64_t join(DWORD high, DWORD low) noexcept {
    return std::uint64_t{high} << 32 | low;
}

void close_file(NativeHandle handle) noexcept {
    if (handle != invalid_handle) ::CloseHandle(native(handle));
}

HANDLE open_path(const wchar_t* path, DWORD access, DWORD flags) noexcept {
    // Folders are opened only with FILE_FLAG_BACKUP_SEMANTICS; SECURITY_IDENTIFICATION: the server behind a pipe, found
    // where a file was expected, must not act in our name.
    return ::CreateFileW(path, access, share_everything, nullptr, OPEN_EXISTING,
                         flags | FILE_FLAG_BACKUP_SEMANTICS | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, nullptr);
}

/// Takes the handle over if it is of a regular file, else closes it.
File take_regular_file(HANDLE handle, std::error_code& error) noexcept {
    File file{reinterpret_cast<NativeHandle>(handle)};
    FILE_STANDARD_INFO info{};
    if (::GetFileType(handle) != FILE_TYPE_DISK) {
        error = std::make_error_code(std::errc::no_such_device_or_address);
    } else if (::GetFileInformationByHandleEx(handle, FileStandardInfo, &info, sizeof info) == 0) {
        error = last_file_error();
    } else if (info.Directory != 0) {
        error = std::make_error_code(std::errc::is_a_directory);
    } else {
        error.clear();
        return file;
    }
    return {};
}

/// One segment of a path that leads down. The colon would name a stream of a file, the backslash is a separator.
bool leads_down(std::string_view segment) noexcept {
    constexpr std::string_view refused{"\\/:*?\"<>|\0", 10};
    return !segment.empty() && segment != "." && segment != ".." &&
           segment.find_first_of(refused) == std::string_view::npos;
}

/// Opens one segment by itself beneath an open folder: no link is followed, and no name means a device here. The Win32
/// calls know no path that begins at an open folder. Null with the error.
HANDLE open_segment(HANDLE folder, std::string_view segment, bool is_last, std::error_code& error) noexcept {
    std::array<wchar_t, 256> name;  // a segment has 255 at most
    const int length =
        leads_down(segment) && segment.size() <= INT_MAX
            ? ::MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, segment.data(), static_cast<int>(segment.size()),
                                    name.data(), static_cast<int>(name.size()))
            : 0;
    if (length == 0) {
        error = std::make_error_code(std::errc::no_such_file_or_directory);
        return nullptr;
    }
    UNICODE_STRING text{};
    text.Buffer = name.data();
    text.Length = text.MaximumLength = static_cast<USHORT>(static_cast<std::size_t>(length) * sizeof(wchar_t));
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &text, OBJ_CASE_INSENSITIVE, folder, nullptr);
    const ACCESS_MASK access = is_last ? FILE_GENERIC_READ : FILE_TRAVERSE | FILE_READ_ATTRIBUTES | SYNCHRONIZE;
    const ULONG kind = is_last ? 0 : FILE_DIRECTORY_FILE;
    HANDLE handle = nullptr;
    IO_STATUS_BLOCK status{};
    const NTSTATUS result = ::NtCreateFile(
        &handle, access, &attributes, &status, nullptr, 0, share_everything, FILE_OPEN,
        kind | FILE_SYNCHRONOUS_IO_NONALERT | FILE_OPEN_REPARSE_POINT | FILE_OPEN_FOR_BACKUP_INTENT, nullptr, 0);
    if (result >= 0) return handle;
    error = system_error(static_cast<int>(::RtlNtStatusToDosError(result)));
    return nullptr;
}

/// Whether it is a link or whatever else leads elsewhere.
bool is_reparse_point(HANDLE handle) noexcept {
    FILE_ATTRIBUTE_TAG_INFO info{};
    return ::GetFileInformationByHandleEx(handle, FileAttributeTagInfo, &info, sizeof info) == 0 ||
           (info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
}

}  // namespace

File::~File() {
    close_file(handle_);
}

File File::open(const std::filesystem::path& path, std::error_code& error) noexcept {
    const HANDLE handle = open_path(path.c_str(), GENERIC_READ, 0);
    if (handle != INVALID_HANDLE_VALUE) return take_regular_file(handle, error);
    error = last_file_error();
    return {};
}

bool File::facts(FileFacts& out, std::error_code& error) const noexcept {
    BY_HANDLE_FILE_INFORMATION info{};
    if (::GetFileInformationByHandle(native(handle_), &info) == 0) {
        error = last_file_error();
        return false;
    }
    const auto ticks =
        static_cast<std::int64_t>(join(info.ftLastWriteTime.dwHighDateTime, info.ftLastWriteTime.dwLowDateTime));
    // Some file systems can store times that do not fit.
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / nanoseconds_per_tick;
    out.size = join(info.nFileSizeHigh, info.nFileSizeLow);
    out.modified_nanoseconds = std::clamp(ticks - ticks_to_1970, -most, most) * nanoseconds_per_tick;
    out.device = info.dwVolumeSerialNumber;
    out.inode = join(info.nFileIndexHigh, info.nFileIndexLow);
    return true;
}

IoResult File::read_at(MutableBytes buffer, std::uint64_t offset) const noexcept {
    OVERLAPPED at{};
    at.Offset = static_cast<DWORD>(offset);
    at.OffsetHigh = static_cast<DWORD>(offset >> 32);
    const auto wanted = static_cast<DWORD>(std::min<std::size_t>(buffer.size(), INT_MAX));
    DWORD count = 0;
    if (::ReadFile(native(handle_), buffer.data(), wanted, &count, &at) != 0 && count != 0) {
        return {IoStatus::done, 0, count};
    }
    const DWORD error = count != 0 || wanted == 0 ? ERROR_SUCCESS : ::GetLastError();
    if (error == ERROR_SUCCESS || error == ERROR_HANDLE_EOF) return {IoStatus::end, 0, 0};
    return {IoStatus::failed, static_cast<int>(error), 0};
}

Folder::~Folder() {
    close_file(handle_);
}

Folder Folder::open(const std::filesystem::path& path, std::error_code& error) noexcept {
    Folder folder;
    const HANDLE handle = open_path(path.c_str(), FILE_TRAVERSE | FILE_READ_ATTRIBUTES | SYNCHRONIZE, 0);
    if (handle == INVALID_HANDLE_VALUE) {
        error = last_file_error();
        return folder;
    }
    folder.handle_ = reinterpret_cast<NativeHandle>(handle);
    FILE_STANDARD_INFO info{};
    if (::GetFileInformationByHandleEx(handle, FileStandardInfo, &info, sizeof info) == 0) {
        error = last_file_error();
    } else if (info.Directory == 0) {
        error = std::make_error_code(std::errc::not_a_directory);
    } else {
        error.clear();
        return folder;
    }
    return {};
}

File Folder::open_beneath(std::string_view relative, std::error_code& error) const noexcept {
    HANDLE parent = native(handle_);
    for (;;) {
        const std::size_t slash = relative.find('/');
        const bool is_last = slash == std::string_view::npos;
        HANDLE next = open_segment(parent, relative.substr(0, slash), is_last, error);
        if (parent != native(handle_)) ::CloseHandle(parent);
        if (next == nullptr) return {};
        if (is_reparse_point(next)) {
            ::CloseHandle(next);
            error = std::make_error_code(std::errc::too_many_symbolic_link_levels);
            return {};
        }
        if (is_last) return take_regular_file(next, error);
        parent = next;
        relative.remove_prefix(slash + 1);
    }
}

std::wstring from_utf8(std::string_view text) {
    const int bytes = static_cast<int>(std::min<std::size_t>(text.size(), INT_MAX));
    const int units = ::MultiByteToWideChar(CP_UTF8, 0, text.data(), bytes, nullptr, 0);
    std::wstring wide(static_cast<std::size_t>(units), L'\0');
    ::MultiByteToWideChar(CP_UTF8, 0, text.data(), bytes, wide.data(), units);
    return wide;
}

bool identify_without_following(const std::string& path, std::uint64_t& device, std::uint64_t& file) noexcept {
    const HANDLE handle = open_path(from_utf8(path).c_str(), 0, FILE_FLAG_OPEN_REPARSE_POINT);
    if (handle == INVALID_HANDLE_VALUE) return false;
    BY_HANDLE_FILE_INFORMATION info{};
    const bool known = ::GetFileInformationByHandle(handle, &info) != 0;
    ::CloseHandle(handle);
    device = info.dwVolumeSerialNumber;
    file = join(info.nFileIndexHigh, info.nFileIndexLow);
    return known;
}

void remove_file(const std::string& path) noexcept {
    ::DeleteFileW(from_utf8(path).c_str());
}

}  // namespace pollux::platform
