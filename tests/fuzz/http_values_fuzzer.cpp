// Fuzzes what is read out of a request that was accepted: paths, the values of fields, cookies. The input: a letter
// that says what it is, and the text.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arena.h"
#include "fuzz/support.h"
#include "proto/http/accept_encoding.h"
#include "proto/http/byte_range.h"
#include "proto/http/characters.h"
#include "proto/http/conditions.h"
#include "proto/http/cookie.h"
#include "proto/http/date.h"
#include "proto/http/file_path.h"
#include "proto/http/percent.h"
#include "proto/http/route_tree.h"

namespace {

using pollux::Arena;
using pollux::http::Method;
using pollux::http::RouteTree;
using pollux::test::Choices;
using pollux::test::insist;

constexpr std::int64_t now = 1'700'000'000;

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

void try_percent(std::string_view text) {
    using pollux::http::percent_decode;
    Arena arena;
    const bool has_nul = text.find('\0') != std::string_view::npos;
    const auto decoded = percent_decode(text, arena);
    insist(!decoded || decoded->size() <= text.size());
    insist(!decoded || has_nul || decoded->find('\0') == std::string_view::npos);
    insist(percent_decode(text, arena, pollux::http::Plus::is_space).has_value() == decoded.has_value());
    insist(has_nul || percent_decode(pollux::http::percent_encode(text, ""), arena) == text);
}

void try_file_path(std::string_view text) {
    Arena arena;
    const auto path = pollux::http::file_path(text, "index.html", arena);
    if (!path) return;
    for (const std::string_view segment : split(*path, '/')) {
        insist(!segment.empty() && segment.front() != '.');
        insist(segment.find('\\') == std::string_view::npos && segment.find(':') == std::string_view::npos);
    }
}

/// The patterns of the tree below, each the route of its place, for GET.
constexpr std::array<std::string_view, 9> patterns{
    "/", "/a", "/a/b", "/a/:x", "/:x/b", "/a/:x/c/*rest", "/files/*path", "/a b/:x/:y", "/:x/:y/:z/d"};

const RouteTree& routes() {
    static const RouteTree tree = [] {
        RouteTree made;
        for (std::uint32_t i = 0; i < patterns.size(); ++i) insist(made.add(Method::get, patterns[i], i).empty());
        return made;
    }();
    return tree;
}

/// The plain way to tell whether a pattern matches a path.
bool matches(std::string_view pattern, std::string_view path, Arena& arena) {
    const auto wanted = split(pattern, '/');
    const auto given = split(path, '/');
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (i >= given.size()) return false;
        if (wanted[i].starts_with('*')) return true;
        const bool fits =
            wanted[i].starts_with(':') ? !given[i].empty() : pollux::http::percent_decode(given[i], arena) == wanted[i];
        if (!fits) return false;
    }
    return wanted.size() == given.size();
}

void try_route(std::string_view path) {
    Arena arena;
    const RouteTree::Match match = routes().match(Method::get, path, arena);
    const RouteTree::Match head = routes().match(Method::head, path, arena);
    const RouteTree::Match post = routes().match(Method::post, path, arena);
    insist(head.outcome == match.outcome && head.route == match.route);

    const bool readable = pollux::http::percent_decode(path, arena).has_value();
    const bool any = std::any_of(patterns.begin(), patterns.end(),
                                 [&](std::string_view pattern) { return readable && matches(pattern, path, arena); });
    insist((match.outcome == RouteTree::Outcome::found) == any);
    insist((post.outcome == RouteTree::Outcome::no_method) == any);
    insist((match.outcome == RouteTree::Outcome::bad_path) == (path.starts_with('/') && !readable));
    if (any) insist(matches(patterns[match.route], path, arena));
}

void try_range(std::string_view text) {
    Choices choices{text};
    const std::uint64_t size = choices.byte() % 64U;
    std::vector<pollux::http::ByteRange> ranges;
    const auto choice = pollux::http::choose_ranges(choices.rest(), size, 4, ranges);
    insist((choice == pollux::http::RangeChoice::parts) == !ranges.empty());
    insist(ranges.size() <= 4);
    for (const auto& range : ranges) {
        insist(range.size != 0 && range.first < size && range.size <= size - range.first);
        for (const auto& other : ranges) {
            insist(&other == &range || other.first + other.size < range.first ||
                   range.first + range.size < other.first);
        }
        insist(pollux::http::ContentRange(range, size).text().starts_with("bytes "));
    }
}

void try_date(std::string_view text) {
    const auto write = [](std::int64_t time) {
        std::array<char, pollux::http::http_date_bytes> date{};
        pollux::http::write_http_date(time, date.data());
        return date;
    };
    const auto time = pollux::http::parse_http_date(text, now);
    if (!time) return;
    const auto written = write(*time);
    const auto again = pollux::http::parse_http_date({written.data(), written.size()}, now);
    insist(again && write(*again) == written);
}

void try_cookie(std::string_view text) {
    const std::size_t line_end = std::min(text.find('\n'), text.size());
    const std::string_view name = text.substr(0, line_end);
    const std::string_view field = text.substr(std::min(line_end + 1, text.size()));
    if (const auto value = pollux::http::find_cookie(field, name)) {
        insist(value->find(';') == std::string_view::npos && value->size() <= field.size());
    }

    const auto parts = split(text, '\n');
    const auto part = [&](std::size_t i) { return i < parts.size() ? parts[i] : std::string_view{}; };
    const auto set = pollux::http::set_cookie_value(
        {.name = part(0), .value = part(1), .path = part(2), .domain = part(3), .http_only = true});
    if (!set) return;
    insist(pollux::http::is_field_value(*set));
    const auto attributes = 1 + (part(2).empty() ? 0 : 1) + (part(3).empty() ? 0 : 1);
    insist(std::count(set->begin(), set->end(), ';') == attributes);
    const std::string_view pair = std::string_view{*set}.substr(0, set->find(';'));
    insist(pollux::http::find_cookie(pair, part(0)) == part(1));
}

/// Lines of "name:value".
void try_fields(std::string_view text) {
    std::vector<pollux::http::Fields::Position> positions;
    for (const std::string_view line : split(text, '\n')) {
        const auto begin = static_cast<std::uint32_t>(line.data() - text.data());
        const std::size_t name_size = std::min({line.find(':'), line.size(), std::size_t{UINT16_MAX}});
        const std::size_t value = std::min(name_size + 1, line.size());
        positions.push_back({begin, static_cast<std::uint32_t>(begin + value),
                             static_cast<std::uint32_t>(line.size() - value), static_cast<std::uint16_t>(name_size)});
    }
    const pollux::http::Fields fields{text.data(), positions};
    (void)pollux::http::prefers_gzip(fields);
    const pollux::http::Validators current{.etag = "\"5f-1\"", .modified = 784'111'777};
    const auto precondition = pollux::http::check_preconditions(fields, current, now);
    const bool range_counts = pollux::http::range_applies(fields, current, now);
    if (!pollux::http::has_conditions(fields)) {
        insist(precondition == pollux::http::Precondition::met && range_counts);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Choices choices{pollux::test::text_of(data, size)};
    switch (choices.byte()) {
        case 'p':
            try_percent(choices.rest());
            break;
        case 'f':
            try_file_path(choices.rest());
            break;
        case 't':
            try_route(choices.rest());
            break;
        case 'r':
            try_range(choices.rest());
            break;
        case 'd':
            try_date(choices.rest());
            break;
        case 'c':
            try_cookie(choices.rest());
            break;
        case 'h':
            try_fields(choices.rest());
            break;
        default:
            break;
    }
    return 0;
}
