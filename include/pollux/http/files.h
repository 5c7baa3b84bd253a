// Static content: the files of a folder.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace pollux::http {

/// How the files of a folder are served, to GET and HEAD. Small files are kept in the memory of each reactor; larger
/// ones are streamed from the file. Answers have an ETag and Last-Modified, and honour the conditions and ranges of
/// RFC 9110, 13 and 14; several ranges of one request only for a file in memory.
///
/// No path leads out of the folder, be it by `..`, by an escape or by a link, and none to a file or a folder whose name
/// begins with `.`, or to anything but a regular file. A relative link that stays within the folder is followed where
/// the system can confine it (Linux 5.6 and later). A folder without its `/` at the end is redirected to the one with
/// it. The folder is opened once: if another one takes its name, it goes on being served.
struct FileOptions {
    /// How long what is known of a file holds before the file is looked at again; if it has changed by then, it is read
    /// again. 0: it is looked at for each request. A file that is missing is looked for each time.
    std::chrono::milliseconds time_to_live{std::chrono::seconds{1}};

    std::size_t max_cached_file_bytes = 1024 * 1024;  ///< Larger files are streamed.
    std::size_t max_cached_bytes = 64 * 1024 * 1024;  ///< On each reactor; beyond, what was used longest ago goes.

    std::string index = "index.html";  ///< Served for a folder, whose path ends in `/`; none if empty.

    /// If the client takes gzip and there is a file of the same name with `.gz` behind it, and not modified before it,
    /// that is sent in its place.
    bool gzip_siblings = true;

    /// `Cache-Control` of the answers; none if empty.
    std::string cache_control{};

    /// MIME types by extension (`{"webmanifest", "application/manifest+json"}`), in the place of the built-in ones.
    std::vector<std::pair<std::string, std::string>> mime_types{};

    /// If one request asks for more ranges, it is answered as if it asked for none.
    std::size_t max_ranges = 8;
};

}  // namespace pollux::http
