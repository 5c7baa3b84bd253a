// Patterns of routes: `/literal/:name/*rest`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::http {

/// A pattern, split at its slashes.
class RoutePattern {
public:
    static constexpr std::size_t max_segments = 32;
    static constexpr std::size_t max_parameters = 16;

    enum class Kind : std::uint8_t {
        literal,
        name,  ///< `:name`: any one segment that is not empty.
        rest,  ///< `*name`: all that follows, in the last place only.
    };

    struct Segment {
        Kind kind;
        std::string_view text;  ///< Of the literal or the name.
    };

    /// The segments are views of `pattern`.
    explicit RoutePattern(std::string_view pattern);

    /// What is wrong with it, as a predicate ("does not begin with '/'"); empty if nothing is. If anything is,
    /// nothing else is told.
    [[nodiscard]] const std::string& mistake() const noexcept { return mistake_; }

    /// One more than there are slashes between them: "/" has one, which is empty.
    [[nodiscard]] const std::vector<Segment>& segments() const noexcept { return segments_; }

    /// Its parameters, in order.
    [[nodiscard]] const std::vector<std::string_view>& names() const noexcept { return names_; }

private:
    /// What is wrong with the next segment.
    [[nodiscard]] std::string mistake_in(const Segment& segment, bool is_last) const;
    [[nodiscard]] std::string mistake_in_name(std::string_view name) const;

    std::string mistake_;
    std::vector<Segment> segments_;
    std::vector<std::string_view> names_;
};

/// A pattern below another one, which may be "/".
[[nodiscard]] std::string pattern_below(std::string_view pattern, std::string_view rest);

/// What is left of a path behind its first `count` segments and the slash that follows them; empty if there is no more.
[[nodiscard]] std::string_view skip_segments(std::string_view path, std::size_t count) noexcept;

}  // namespace pollux::http
