// Finds the route of a method and a path.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "arena.h"
#include "proto/http/method_set.h"
#include "proto/http/route_pattern.h"

namespace pollux::http {

/// A tree of the segments of patterns. Among the patterns that match a path and have the method, the one wins that has
/// the better segment where two first differ: a literal before a `:name`, that before a `*name`. So a pattern that
/// matches and lacks the method hides none that has it.
///
/// However a path is made, a node is visited once at most: the work is bounded by the patterns, as is the depth of the
/// recursion. Filled on one thread; then any may call `match`, several at once.
class RouteTree {
public:
    /// What the caller knows a route by.
    using Route = std::uint32_t;

    enum class Outcome : std::uint8_t {
        found,
        bad_path,   ///< It cannot be decoded.
        no_path,    ///< No pattern matches.
        no_method,  ///< Patterns match, and none of them has the method.
    };

    struct Match {
        Outcome outcome = Outcome::no_path;
        MethodSet allowed{};                   ///< By the patterns that match; complete for `no_method` only.
        Route route = 0;                       ///< For `found`, as what follows.
        std::span<const std::string> names{};  ///< Of the parameters. They live as long as the tree.

        /// As many as there are names, decoded: parts of the path, or in the arena.
        std::array<std::string_view, RoutePattern::max_parameters> values{};
    };

    /// Adds a pattern. Returns what is wrong with that, as a predicate; empty if nothing is, else nothing is added.
    [[nodiscard]] std::string add(Method method, std::string_view pattern, Route route);

    /// Finds the route of a method and a path as it was sent. HEAD finds the route of GET where a pattern has none for
    /// itself; a method that no route can have finds none.
    [[nodiscard]] Match match(Method method, std::string_view path, Arena& arena) const;

    /// Those of all routes, and those that are answered for them: HEAD where there is GET, and OPTIONS.
    [[nodiscard]] MethodSet methods() const noexcept { return methods_; }

private:
    using Index = std::uint32_t;
    static constexpr Index none = ~Index{0};

    /// Texts are looked up by views.
    struct Hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    using Indexes = std::unordered_map<std::string, Index, Hash, std::equal_to<>>;

    struct Node {
        Node() { routes.fill(none); }

        Indexes literals;
        Index name = none;
        Index rest = none;

        // Of the pattern that ends here, if one does.
        MethodSet methods;
        std::array<Route, routable_methods> routes;
        std::vector<std::string> names;
        std::vector<std::uint8_t> positions;  // of those among the segments
        bool ends_with_rest = false;
    };

    class Search;

    [[nodiscard]] static Index child(const Node& node, const RoutePattern::Segment& segment);
    [[nodiscard]] const Node* find(const RoutePattern& pattern) const;
    [[nodiscard]] Index add_path(const RoutePattern& pattern);
    static void describe_parameters(Node& node, const RoutePattern& pattern);
    [[nodiscard]] static Route route_of(const Node& node, Method method) noexcept;

    std::vector<Node> nodes_{1};
    Indexes literal_paths_;  // the nodes of patterns without parameters, by the whole of them
    MethodSet methods_;
};

}  // namespace pollux::http
