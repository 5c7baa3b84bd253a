// Header and trailer fields as they were received.
#include <pollux/http/fields.h>

#include <algorithm>

#include "ascii.h"
#include "proto/http/characters.h"

namespace pollux::http {

bool same_name(std::string_view a, std::string_view b) noexcept {
    // Most are written as everybody writes them.
    if (a.size() != b.size()) return false;
    return a == b ||
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return to_lower(x) == to_lower(y); });
}

std::optional<std::string_view> Fields::find(std::string_view name) const noexcept {
    for (const Field field : *this) {
        if (same_name(field.name, name)) return field.value;
    }
    return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const noexcept {
    std::size_t count = 0;
    each(name, [&](std::string_view) { ++count; });
    return count;
}

bool Fields::has_token(std::string_view name, std::string_view token) const noexcept {
    for (const Field field : *this) {
        if (!same_name(field.name, name)) continue;
        for (std::string_view list = field.value; !list.empty();) {
            if (same_name(next_member(list), token)) return true;
        }
    }
    return false;
}

}  // namespace pollux::http
