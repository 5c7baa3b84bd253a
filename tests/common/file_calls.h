// What tests ask of files beside the standard library.
#pragma once

#include <cstdint>
#include <filesystem>

namespace pollux::test {

/// False if the system refuses.
bool set_modification_time(const std::filesystem::path& path, std::int64_t seconds, long nanoseconds);
bool make_link(const std::filesystem::path& path, const std::filesystem::path& target);
bool make_pipe(const std::filesystem::path& path);
inline constexpr const char* no_links = "no links can be made here";

}  // namespace pollux::test
