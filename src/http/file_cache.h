// The files of a folder that one reactor has at hand.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <string_view>
#include <system_error>
#include <unordered_map>

#include "http/file_loader.h"

namespace pollux::http {

/// Keeps the files that were used last, up to `FileOptions::max_cached_bytes` and at least one. What is known of a file
/// for longer than `FileOptions::time_to_live` is compared with the file when it is asked for, and loaded again if that
/// has changed. If it cannot be loaded for want of descriptors or the like, it is kept as it is. One thread.
class FileCache {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// The loader outlives the cache.
    explicit FileCache(const FileLoader& loader) noexcept : loader_(loader) {}
    FileCache(const FileCache&) = delete;
    FileCache& operator=(const FileCache&) = delete;

    /// The file of that path, valid until the next call of `find` or `forget`; null and the error if there is none.
    [[nodiscard]] const LoadedFile* find(std::string_view path, Time now, std::error_code& error);

    /// It is known to have changed.
    void forget(std::string_view path) noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

    /// What counts against the bound.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    struct Entry {
        LoadedFile file;
        Time looked_at;
        std::size_t bytes = 0;
    };
    using Entries = std::list<Entry>;

    [[nodiscard]] const LoadedFile* load(std::string_view path, Time now, std::error_code& error);
    [[nodiscard]] const LoadedFile* replace(Entries::iterator entry, std::string_view path, Time now,
                                            std::error_code& error);
    [[nodiscard]] const LoadedFile* add(LoadedFile&& file, Time now);
    void remove(Entries::iterator entry) noexcept;

    const FileLoader& loader_;
    Entries entries_;                                                  // the one used last in front
    std::unordered_map<std::string_view, Entries::iterator> by_path_;  // the keys are the entries' own
    std::size_t bytes_ = 0;
};

}  // namespace pollux::http
