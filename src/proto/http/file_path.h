// The path of a file, out of the path of a request.
#pragma once

#include <optional>
#include <string_view>

#include "arena.h"

namespace pollux::http {

/// The path that a request names beneath a folder: each segment of `raw_path`, which does not begin with `/`, decoded.
/// To one that ends in `/`, or is empty, `index` is appended. None if no file can be meant: an escape is none, a
/// segment is empty, begins with `.` (hidden files, `.` and `..`) or has a character in it that separates something
/// somewhere
/// (`/`, `\`, `:`). It is in the arena.
[[nodiscard]] std::optional<std::string_view> file_path(std::string_view raw_path, std::string_view index,
                                                        Arena& arena);

/// True if a decoded segment can be the name of a file that is served.
[[nodiscard]] bool is_file_name(std::string_view segment) noexcept;

}  // namespace pollux::http
