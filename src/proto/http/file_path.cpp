// The path of a file, out of the path of a request.
#include "proto/http/file_path.h"

#include <algorithm>

#include "proto/http/percent.h"

namespace pollux::http {

bool is_file_name(std::string_view segment) noexcept {
    using namespace std::string_view_literals;
    return !segment.empty() && segment.front() != '.' && segment.find_first_of("/\\:\0"sv) == std::string_view::npos;
}

std::optional<std::string_view> file_path(std::string_view raw_path, std::string_view index, Arena& arena) {
    // Decoding makes nothing longer.
    char* const begin = arena.allocate(raw_path.size() + index.size());
    char* out = begin;
    for (;;) {
        const std::size_t slash = raw_path.find('/');
        if (slash == std::string_view::npos && raw_path.empty()) break;
        const auto segment = percent_decode(raw_path.substr(0, slash), arena);
        if (!segment || !is_file_name(*segment)) return std::nullopt;
        out = std::copy(segment->begin(), segment->end(), out);
        if (slash == std::string_view::npos) return std::string_view{begin, static_cast<std::size_t>(out - begin)};
        *out++ = '/';
        raw_path.remove_prefix(slash + 1);
    }
    if (index.empty()) return std::nullopt;
    out = std::copy(index.begin(), index.end(), out);
    return std::string_view{begin, static_cast<std::size_t>(out - begin)};
}

}  // namespace pollux::http
