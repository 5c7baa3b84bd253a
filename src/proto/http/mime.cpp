// Media types of files, by the extension of their names.
#include "proto/http/mime.h"

#include <algorithm>
#include <array>

#include "ascii.h"

namespace pollux::http {

namespace {

struct Known {
    std::string_view extension;
    std::string_view type;
};

constexpr std::string_view unknown_type = "application/octet-stream";

// What browsers load, and what is often offered beside it. JSON and XML tell their encoding themselves.
constexpr std::array known_types{
    Known{"7z", "application/x-7z-compressed"},
    Known{"aac", "audio/aac"},
    Known{"apng", "image/apng"},
    Known{"atom", "application/atom+xml"},
    Known{"avi", "video/x-msvideo"},
    Known{"avif", "image/avif"},
    Known{"bin", "application/octet-stream"},
    Known{"bmp", "image/bmp"},
    Known{"bz2", "application/x-bzip2"},
    Known{"css", "text/css; charset=utf-8"},
    Known{"csv", "text/csv; charset=utf-8"},
    Known{"doc", "application/msword"},
    Known{"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    Known{"eot", "application/vnd.ms-fontobject"},
    Known{"epub", "application/epub+zip"},
    Known{"flac", "audio/flac"},
    Known{"geojson", "application/geo+json"},
    Known{"gif", "image/gif"},
    Known{"glb", "model/gltf-binary"},
    Known{"gltf", "model/gltf+json"},
    Known{"gz", "application/gzip"},
    Known{"htm", "text/html; charset=utf-8"},
    Known{"html", "text/html; charset=utf-8"},
    Known{"ico", "image/vnd.microsoft.icon"},
    Known{"ics", "text/calendar; charset=utf-8"},
    Known{"jar", "application/java-archive"},
    Known{"jpeg", "image/jpeg"},
    Known{"jpg", "image/jpeg"},
    Known{"js", "text/javascript; charset=utf-8"},
    Known{"json", "application/json"},
    Known{"jsonld", "application/ld+json"},
    Known{"jxl", "image/jxl"},
    Known{"log", "text/plain; charset=utf-8"},
    Known{"m3u8", "application/vnd.apple.mpegurl"},
    Known{"m4a", "audio/mp4"},
    Known{"m4v", "video/mp4"},
    Known{"map", "application/json"},
    Known{"md", "text/markdown; charset=utf-8"},
    Known{"mid", "audio/midi"},
    Known{"mjs", "text/javascript; charset=utf-8"},
    Known{"mkv", "video/x-matroska"},
    Known{"mov", "video/quicktime"},
    Known{"mp3", "audio/mpeg"},
    Known{"mp4", "video/mp4"},
    Known{"mpd", "application/dash+xml"},
    Known{"mpeg", "video/mpeg"},
    Known{"oga", "audio/ogg"},
    Known{"ogg", "audio/ogg"},
    Known{"ogv", "video/ogg"},
    Known{"opus", "audio/ogg"},
    Known{"otf", "font/otf"},
    Known{"pdf", "application/pdf"},
    Known{"png", "image/png"},
    Known{"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    Known{"rss", "application/rss+xml"},
    Known{"rtf", "application/rtf"},
    Known{"svg", "image/svg+xml; charset=utf-8"},
    Known{"tar", "application/x-tar"},
    Known{"tif", "image/tiff"},
    Known{"tiff", "image/tiff"},
    Known{"ts", "video/mp2t"},
    Known{"ttc", "font/collection"},
    Known{"ttf", "font/ttf"},
    Known{"txt", "text/plain; charset=utf-8"},
    Known{"vtt", "text/vtt; charset=utf-8"},
    Known{"wasm", "application/wasm"},
    Known{"wav", "audio/wav"},
    Known{"weba", "audio/webm"},
    Known{"webm", "video/webm"},
    Known{"webmanifest", "application/manifest+json"},
    Known{"webp", "image/webp"},
    Known{"woff", "font/woff"},
    Known{"woff2", "font/woff2"},
    Known{"xhtml", "application/xhtml+xml"},
    Known{"xls", "application/vnd.ms-excel"},
    Known{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    Known{"xml", "application/xml"},
    Known{"yaml", "application/yaml"},
    Known{"yml", "application/yaml"},
    Known{"zip", "application/zip"},
    Known{"zst", "application/zstd"},
};
static_assert(std::is_sorted(known_types.begin(), known_types.end(),
                             [](const Known& a, const Known& b) { return a.extension < b.extension; }));

std::string_view extension_of(std::string_view path) noexcept {
    const std::size_t mark = path.find_last_of("./");
    if (mark == std::string_view::npos || path[mark] == '/') return {};
    return path.substr(mark + 1);
}

/// `a < b` for a `b` in lower case.
bool comes_before(std::string_view a, std::string_view b) noexcept {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [](char x, char y) { return to_lower(x) < to_lower(y); });
}

/// Finds an extension in a range in the order of `extension_at(element)`; its end if it is not there.
template <class Range, class ExtensionAt>
auto find_extension(const Range& range, std::string_view extension, ExtensionAt extension_at) noexcept {
    const auto found = std::lower_bound(
        range.begin(), range.end(), extension,
        [&](const auto& element, std::string_view wanted) { return comes_before(extension_at(element), wanted); });
    const bool same = found != range.end() && !comes_before(extension, extension_at(*found));
    return same ? found : range.end();
}

}  // namespace

MimeTypes::MimeTypes(const Pairs& own) {
    for (const auto& [extension, type] : own) {
        std::string lower = to_lower(extension);
        const auto place = std::lower_bound(own_.begin(), own_.end(), lower,
                                            [](const auto& pair, const auto& wanted) { return pair.first < wanted; });
        if (place != own_.end() && place->first == lower) {
            place->second = type;
        } else {
            own_.emplace(place, std::move(lower), type);
        }
    }
}

std::string_view MimeTypes::of(std::string_view path) const noexcept {
    const std::string_view extension = extension_of(path);
    if (extension.empty()) return unknown_type;
    const auto own = find_extension(own_, extension, [](const auto& pair) { return std::string_view{pair.first}; });
    if (own != own_.end()) return own->second;
    const auto known = find_extension(known_types, extension, [](const Known& each) { return each.extension; });
    return known != known_types.end() ? known->type : unknown_type;
}

}  // namespace pollux::http
