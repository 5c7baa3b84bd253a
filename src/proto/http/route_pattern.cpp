// Patterns of routes.
#include "proto/http/route_pattern.h"

#include <algorithm>

#include "proto/http/characters.h"

namespace pollux::http {

namespace {

bool is_name_character(char c) {
    return is_letter_or_digit(c) || c == '_' || c == '-';
}

std::string quoted(std::string_view text) {
    return '"' + std::string{text} + '"';
}

RoutePattern::Segment segment_of(std::string_view text) {
    if (text.starts_with(':')) return {RoutePattern::Kind::name, text.substr(1)};
    if (text.starts_with('*')) return {RoutePattern::Kind::rest, text.substr(1)};
    return {RoutePattern::Kind::literal, text};
}

}  // namespace

RoutePattern::RoutePattern(std::string_view pattern) {
    if (!pattern.starts_with('/')) {
        mistake_ = "does not begin with '/'";
        return;
    }
    for (bool is_last = false; !is_last;) {
        pattern.remove_prefix(1);
        const std::size_t slash = std::min(pattern.find('/'), pattern.size());
        is_last = slash == pattern.size();
        const Segment segment = segment_of(pattern.substr(0, slash));
        mistake_ = mistake_in(segment, is_last);
        if (!mistake_.empty()) return;
        segments_.push_back(segment);
        if (segment.kind != Kind::literal) names_.push_back(segment.text);
        pattern.remove_prefix(slash);
    }
}

std::string RoutePattern::mistake_in(const Segment& segment, bool is_last) const {
    if (segments_.size() == max_segments) return "has more than " + std::to_string(max_segments) + " segments";
    if (segment.kind != Kind::literal) {
        if (segment.kind == Kind::rest && !is_last) return "goes on behind \"*" + std::string{segment.text} + '"';
        return mistake_in_name(segment.text);
    }
    return segment.text.empty() && !is_last ? "has an empty segment" : "";
}

std::string RoutePattern::mistake_in_name(std::string_view name) const {
    if (name.empty()) return "has a parameter without a name";
    if (!std::ranges::all_of(name, is_name_character)) {
        return "has a parameter " + quoted(name) + ": a name is of letters, digits, '_' and '-'";
    }
    if (std::ranges::count(names_, name) > 0) return "has two parameters " + quoted(name);
    return names_.size() == max_parameters ? "has more than " + std::to_string(max_parameters) + " parameters" : "";
}

std::string pattern_below(std::string_view pattern, std::string_view rest) {
    std::string below{pattern == "/" ? "" : pattern};
    return below.append("/").append(rest);
}

std::string_view skip_segments(std::string_view path, std::size_t count) noexcept {
    // One slash is before the first of them.
    for (std::size_t slashes = 0; slashes <= count; ++slashes) {
        const std::size_t slash = path.find('/');
        if (slash == std::string_view::npos) return {};
        path.remove_prefix(slash + 1);
    }
    return path;
}

}  // namespace pollux::http
