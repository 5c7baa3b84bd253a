// Paths and files, for Windows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace pollux::platform {

/// The library's text is UTF-8, the system's paths are UTF-16.
[[nodiscard]] std::filesystem::path from_utf8(std::string_view path);

/// What a path names, a link or a socket's file itself included. False if there is nothing.
[[nodiscard]] bool identify_without_following(const std::string& path, std::uint64_t& device,
                                              std::uint64_t& file) noexcept;

void remove_file(const std::string& path) noexcept;

}  // namespace pollux::platform
