// Conditional requests.
#include "proto/http/conditions.h"

#include <algorithm>
#include <optional>

#include "proto/http/characters.h"
#include "proto/http/date.h"

namespace pollux::http {

namespace {

constexpr std::string_view weak_mark = "W/";

enum class Comparison : std::uint8_t { weak, strong };

/// Takes an entity tag, with its mark and quotes, off the front; empty if there is none. It may have commas in it.
std::string_view take_etag(std::string_view& text) noexcept {
    const std::size_t mark = text.starts_with(weak_mark) ? weak_mark.size() : 0;
    if (text.size() <= mark || text[mark] != '"') return {};
    const std::size_t end = text.find('"', mark + 1);
    if (end == std::string_view::npos) return {};
    const std::string_view etag = text.substr(0, end + 1);
    text.remove_prefix(end + 1);
    return etag;
}

bool same_etag(std::string_view etag, std::string_view current, Comparison comparison) noexcept {
    if (comparison == Comparison::weak && etag.starts_with(weak_mark)) etag.remove_prefix(weak_mark.size());
    return etag == current;
}

/// True if the list of a field has the current entity tag, or is `*`. What follows something malformed is not read.
bool lists_etag(std::string_view list, std::string_view current, Comparison comparison) noexcept {
    if (trim(list) == "*") return true;
    for (;;) {
        while (!list.empty() && (is_blank(list.front()) || list.front() == ',')) list.remove_prefix(1);
        const std::string_view etag = take_etag(list);
        if (etag.empty()) return false;
        if (same_etag(etag, current, comparison)) return true;
    }
}

/// Whether one of the lines of a field lists it; none if there is no such field.
std::optional<bool> matches(const Fields& fields, std::string_view name, std::string_view current,
                            Comparison comparison) noexcept {
    std::optional<bool> found;
    fields.each(name,
                [&](std::string_view list) { found = found.value_or(false) || lists_etag(list, current, comparison); });
    return found;
}

/// The value of a field that may come once; none if it comes twice.
std::optional<std::string_view> single(const Fields& fields, std::string_view name) noexcept {
    const auto value = fields.find(name);
    return value && fields.count(name) == 1 ? value : std::nullopt;
}

std::optional<std::int64_t> date_of(const Fields& fields, std::string_view name, std::int64_t now) noexcept {
    const auto value = single(fields, name);
    return value ? parse_http_date(*value, now) : std::nullopt;
}

}  // namespace

bool has_conditions(const Fields& fields) noexcept {
    constexpr std::string_view common = "If-";
    return std::any_of(fields.begin(), fields.end(),
                       [&](const Field& field) { return same_name(field.name.substr(0, common.size()), common); });
}

Precondition check_preconditions(const Fields& fields, const Validators& current, std::int64_t now) noexcept {
    if (const auto matched = matches(fields, "If-Match", current.etag, Comparison::strong)) {
        if (!*matched) return Precondition::failed;
    } else if (const auto date = date_of(fields, "If-Unmodified-Since", now)) {
        if (current.modified > *date) return Precondition::failed;
    }
    if (const auto matched = matches(fields, "If-None-Match", current.etag, Comparison::weak)) {
        if (*matched) return Precondition::not_modified;
    } else if (const auto date = date_of(fields, "If-Modified-Since", now)) {
        if (current.modified <= *date) return Precondition::not_modified;
    }
    return Precondition::met;
}

bool range_applies(const Fields& fields, const Validators& current, std::int64_t now) noexcept {
    constexpr std::string_view name = "If-Range";
    if (!fields.contains(name)) return true;
    const auto value = single(fields, name);
    if (!value) return false;
    if (value->ends_with('"')) return same_etag(*value, current.etag, Comparison::strong);
    const auto date = parse_http_date(*value, now);
    return date && *date == current.modified && current.modified < now;
}

}  // namespace pollux::http
