// Which codings a client takes.
#include "proto/http/accept_encoding.h"

#include <optional>
#include <string_view>

#include "proto/http/characters.h"

namespace pollux::http {

namespace {

constexpr unsigned full_weight = 1000;

/// The weight that follows a coding, in thousandths: "q=0.5" (RFC 9110, 12.4.2). None if it is not one.
std::optional<unsigned> parse_weight(std::string_view text) noexcept {
    if (text.size() < 3 || text.size() > 7 || (text[0] != 'q' && text[0] != 'Q') || text[1] != '=') return std::nullopt;
    if (text[2] != '0' && text[2] != '1') return std::nullopt;
    unsigned weight = text[2] == '1' ? full_weight : 0;
    if (text.size() > 3 && text[3] != '.') return std::nullopt;
    unsigned place = full_weight / 10;
    for (std::size_t i = 4; i < text.size(); ++i, place /= 10) {
        if (!is_digit(text[i])) return std::nullopt;
        weight += place * static_cast<unsigned>(text[i] - '0');
    }
    return weight <= full_weight ? std::optional{weight} : std::nullopt;
}

struct Weights {
    std::optional<unsigned> gzip;
    std::optional<unsigned> identity;
    std::optional<unsigned> others;
};

/// Notes one member of the list, as in "gzip;q=0.8". One with a weight that is none is left out.
void note(std::string_view member, Weights& weights) noexcept {
    const std::size_t semicolon = member.find(';');
    const std::string_view coding = trim(member.substr(0, semicolon));
    const auto weight = semicolon == std::string_view::npos ? std::optional{full_weight}
                                                            : parse_weight(trim(member.substr(semicolon + 1)));
    if (!weight) return;
    if (same_name(coding, "gzip") || same_name(coding, "x-gzip")) {
        weights.gzip = weight;
    } else if (same_name(coding, "identity")) {
        weights.identity = weight;
    } else if (coding == "*") {
        weights.others = weight;
    }
}

}  // namespace

bool prefers_gzip(const Fields& fields) noexcept {
    Weights weights;
    fields.each("Accept-Encoding", [&](std::string_view list) {
        while (!list.empty()) note(next_member(list), weights);
    });
    const unsigned gzip = weights.gzip.value_or(weights.others.value_or(0));
    // Who does not name what is not encoded takes it, but as the last thing.
    return gzip != 0 && gzip >= weights.identity.value_or(0);
}

}  // namespace pollux::http
