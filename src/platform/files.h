// Files to be read: single ones, and those of a folder that no path leads out of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "platform/platform.h"

namespace pollux::platform {

/// What tells one file, and one state of it, from another.
struct FileFacts {
    std::uint64_t size = 0;
    std::int64_t modified_nanoseconds = 0;  ///< Since 1970.
    std::uint64_t device = 0;
    std::uint64_t inode = 0;

    friend bool operator==(const FileFacts&, const FileFacts&) = default;
};

/// A regular file that is open for reading, and owned. Nothing else is ever opened by it: a folder is refused with
/// `errc::is_a_directory`, a pipe, a socket or a device with `errc::no_such_device_or_address`. It is not inherited by
/// child processes. Functions may be called from any thread, by one at a time.
class File {
public:
    File() = default;
    explicit File(NativeHandle handle) noexcept : handle_(handle) {}
    File(File&& other) noexcept : handle_(std::exchange(other.handle_, invalid_handle)) {}
    File& operator=(File&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~File();

    /// On failure it is not open. A link is followed; a pipe that nobody writes to is refused without waiting.
    [[nodiscard]] static File open(const std::filesystem::path& path, std::error_code& error) noexcept;

    [[nodiscard]] bool is_open() const noexcept { return handle_ != invalid_handle; }
    [[nodiscard]] NativeHandle handle() const noexcept { return handle_; }

    /// What holds at the moment. False, with the error, if that cannot be told.
    [[nodiscard]] bool facts(FileFacts& out, std::error_code& error) const noexcept;

    /// Reads from `offset` on. `done` with fewer bytes than there is room for says nothing of the end: that is `end`,
    /// where nothing is behind `offset`. It waits for the disk.
    [[nodiscard]] IoResult read_at(MutableBytes buffer, std::uint64_t offset) const noexcept;

private:
    NativeHandle handle_ = invalid_handle;
};

/// A folder that stays open. It is the same one ever after, also when it is renamed or another takes its name.
/// `open_beneath` may be called by several threads at once.
class Folder {
public:
    Folder() = default;
    Folder(Folder&& other) noexcept : handle_(std::exchange(other.handle_, invalid_handle)) {}
    Folder& operator=(Folder&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Folder();

    /// On failure it is not open.
    [[nodiscard]] static Folder open(const std::filesystem::path& path, std::error_code& error) noexcept;

    [[nodiscard]] bool is_open() const noexcept { return handle_ != invalid_handle; }

    /// Opens a file by its path from this folder, with `/` between segments. Whatever the path and whoever changes the
    /// folder meanwhile, nothing outside of it is opened: not by `..`, not by an absolute path, not by a link. A link
    /// that stays within is followed where the system can be told to confine it, else refused like one that leads out.
    [[nodiscard]] File open_beneath(std::string_view relative, std::error_code& error) const noexcept;

private:
    NativeHandle handle_ = invalid_handle;
};

/// What a path names, a link or a socket's file itself included. False if there is nothing.
[[nodiscard]] bool identify_without_following(const std::string& path, std::uint64_t& device,
                                              std::uint64_t& file) noexcept;

/// Removes what a path names, a link or a socket's file itself included, if it is no folder.
void remove_file(const std::string& path) noexcept;

}  // namespace pollux::platform
