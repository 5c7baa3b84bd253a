// The files of a folder that one reactor has at hand.
#include "http/file_cache.h"

#include <iterator>
#include <utility>

namespace pollux::http {

namespace {

/// About what an entry takes beside what files and their names have in it.
constexpr std::size_t entry_bytes = 1024;

std::size_t bytes_of(const Representation& form) noexcept {
    return form.path.size() + (form.body ? form.body->size() : 0);
}

}  // namespace

const LoadedFile* FileCache::find(std::string_view path, Time now, std::error_code& error) {
    const auto found = by_path_.find(path);
    if (found == by_path_.end()) return load(path, now, error);
    const Entries::iterator entry = found->second;
    if (now - entry->looked_at >= loader_.options().time_to_live) {
        if (!loader_.is_current(entry->file)) return replace(entry, path, now, error);
        entry->looked_at = now;
    }
    entries_.splice(entries_.begin(), entries_, entry);
    return &entry->file;
}

const LoadedFile* FileCache::load(std::string_view path, Time now, std::error_code& error) {
    auto file = loader_.load(path, error);
    return file ? add(std::move(*file), now) : nullptr;
}

const LoadedFile* FileCache::replace(Entries::iterator entry, std::string_view path, Time now, std::error_code& error) {
    auto file = loader_.load(path, error);
    // Without a descriptor to load it anew, what was there before does.
    if (!file && !is_missing(error)) return &entry->file;
    remove(entry);
    return file ? add(std::move(*file), now) : nullptr;
}

const LoadedFile* FileCache::add(LoadedFile&& file, Time now) {
    entries_.push_front({std::move(file), now});
    Entry& entry = entries_.front();
    entry.bytes = entry_bytes + bytes_of(entry.file.plain) + (entry.file.gzip ? bytes_of(*entry.file.gzip) : 0);
    bytes_ += entry.bytes;
    by_path_.emplace(entry.file.plain.path, entries_.begin());
    while (bytes_ > loader_.options().max_cached_bytes && entries_.size() > 1) remove(std::prev(entries_.end()));
    return &entry.file;
}

void FileCache::forget(std::string_view path) noexcept {
    if (const auto found = by_path_.find(path); found != by_path_.end()) remove(found->second);
}

void FileCache::remove(Entries::iterator entry) noexcept {
    bytes_ -= entry->bytes;
    by_path_.erase(entry->file.plain.path);
    entries_.erase(entry);
}

}  // namespace pollux::http
