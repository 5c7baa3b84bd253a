// Byte ranges.
#include "proto/http/byte_range.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "ascii.h"
#include "proto/http/characters.h"

namespace pollux::http {

namespace {

constexpr std::uint64_t greatest = std::numeric_limits<std::uint64_t>::max();

/// The number that all of `digits` are. One that does not fit is as good as the greatest: nothing is as long.
std::optional<std::uint64_t> parse_position(std::string_view digits) noexcept {
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit)) return std::nullopt;
    std::uint64_t value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return result.ec == std::errc{} ? value : greatest;
}

/// Takes `bytes=` off the front; false if the field is of another unit.
bool take_unit(std::string_view& field) noexcept {
    constexpr std::string_view unit = "bytes=";
    if (field.size() < unit.size()) return false;
    const bool same = std::equal(unit.begin(), unit.end(), field.begin(),
                                 [](char expected, char c) { return expected == to_lower(c); });
    if (same) field.remove_prefix(unit.size());
    return same;
}

enum class Spec : std::uint8_t { malformed, beyond, within };

/// Reads one of "a-b", "a-" and "-n".
Spec read_spec(std::string_view spec, std::uint64_t size, ByteRange& out) noexcept {
    const std::size_t dash = spec.find('-');
    if (dash == std::string_view::npos) return Spec::malformed;
    const std::string_view before = spec.substr(0, dash);
    const std::string_view behind = spec.substr(dash + 1);
    if (before.empty()) {
        const auto suffix = parse_position(behind);
        if (!suffix) return Spec::malformed;
        out.size = std::min(*suffix, size);
        out.first = size - out.size;
        return out.size != 0 ? Spec::within : Spec::beyond;
    }
    const auto first = parse_position(before);
    const auto last = behind.empty() ? greatest : parse_position(behind);
    if (!first || !last || *last < *first) return Spec::malformed;
    if (*first >= size) return Spec::beyond;
    out.first = *first;
    out.size = std::min(*last, size - 1) - *first + 1;
    return Spec::within;
}

bool touch(const ByteRange& a, const ByteRange& b) noexcept {
    return a.first <= b.first + b.size && b.first <= a.first + a.size;
}

/// Adds a range, joined with those that it touches, in the place of the first of them. One pass does: those that are
/// there touch none of each other, so what does not touch the new one does not touch what that is joined with either.
void join(std::vector<ByteRange>& ranges, ByteRange range) {
    std::size_t place = ranges.size();
    for (std::size_t i = ranges.size(); i-- > 0;) {
        const ByteRange& other = ranges[i];
        if (!touch(other, range)) continue;
        const std::uint64_t end = std::max(range.first + range.size, other.first + other.size);
        range.first = std::min(range.first, other.first);
        range.size = end - range.first;
        ranges.erase(ranges.begin() + static_cast<std::ptrdiff_t>(i));
        place = i;
    }
    ranges.insert(ranges.begin() + static_cast<std::ptrdiff_t>(place), range);
}

RangeChoice collect(std::string_view field, std::uint64_t size, std::size_t max_ranges,
                    std::vector<ByteRange>& ranges) {
    // Of nothing there are no parts.
    if (size == 0 || !take_unit(field)) return RangeChoice::all;
    std::size_t count = 0;
    while (!field.empty()) {
        const std::string_view spec = next_member(field);
        if (spec.empty()) continue;
        if (++count > max_ranges) return RangeChoice::all;
        ByteRange range;
        switch (read_spec(spec, size, range)) {
            case Spec::malformed:
                return RangeChoice::all;
            case Spec::beyond:
                break;
            case Spec::within:
                join(ranges, range);
        }
    }
    if (count == 0) return RangeChoice::all;
    return ranges.empty() ? RangeChoice::unsatisfiable : RangeChoice::parts;
}

char* put(char* out, std::string_view text) noexcept {
    return std::copy(text.begin(), text.end(), out);
}

}  // namespace

RangeChoice choose_ranges(std::string_view field, std::uint64_t size, std::size_t max_ranges,
                          std::vector<ByteRange>& ranges) {
    ranges.clear();
    const RangeChoice choice = collect(field, size, max_ranges, ranges);
    if (choice != RangeChoice::parts) ranges.clear();
    return choice;
}

ContentRange::ContentRange(const ByteRange& range, std::uint64_t size) noexcept {
    char* const end = text_.data() + text_.size();
    char* out = put(text_.data(), "bytes ");
    out = std::to_chars(out, end, range.first).ptr;
    out = put(out, "-");
    out = std::to_chars(out, end, range.first + range.size - 1).ptr;
    out = put(out, "/");
    out = std::to_chars(out, end, size).ptr;
    size_ = static_cast<std::size_t>(out - text_.data());
}

ContentRange ContentRange::unsatisfied(std::uint64_t size) noexcept {
    ContentRange range;
    char* out = put(range.text_.data(), "bytes */");
    out = std::to_chars(out, range.text_.data() + range.text_.size(), size).ptr;
    range.size_ = static_cast<std::size_t>(out - range.text_.data());
    return range;
}

}  // namespace pollux::http
