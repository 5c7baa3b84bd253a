// Finds the route of a method and a path.
#include "proto/http/route_tree.h"

#include <algorithm>

#include "proto/http/percent.h"

namespace pollux::http {

namespace {

constexpr std::size_t index_of(Method method) noexcept {
    return static_cast<std::size_t>(method);
}

}  // namespace

// Adding.

std::string RouteTree::add(Method method, std::string_view pattern, Route route) {
    if (!is_routable(method)) return "is for a method that no route can have";
    const RoutePattern parsed{pattern};
    if (!parsed.mistake().empty()) return parsed.mistake();
    if (const Node* present = find(parsed); present != nullptr && !present->methods.empty()) {
        if (present->routes[index_of(method)] != none) return "is there already";
        if (!std::ranges::equal(parsed.names(), present->names)) {
            return "names its parameters otherwise than the same pattern with another method";
        }
    }

    const Index at = add_path(parsed);
    Node& node = nodes_[at];
    describe_parameters(node, parsed);
    node.routes[index_of(method)] = route;
    node.methods.add(method);
    node.methods.add(Method::options);
    if (method == Method::get) node.methods.add(Method::head);
    methods_.add(node.methods);

    // A path that needs no decoding is one of these as it stands: then it has no '%', so neither has the pattern.
    if (node.names.empty() && pattern.find('%') == std::string_view::npos) {
        literal_paths_.try_emplace(std::string{pattern}, at);
    }
    return {};
}

RouteTree::Index RouteTree::child(const Node& node, const RoutePattern::Segment& segment) {
    switch (segment.kind) {
        case RoutePattern::Kind::name:
            return node.name;
        case RoutePattern::Kind::rest:
            return node.rest;
        case RoutePattern::Kind::literal:
            break;
    }
    const auto found = node.literals.find(segment.text);
    return found != node.literals.end() ? found->second : none;
}

const RouteTree::Node* RouteTree::find(const RoutePattern& pattern) const {
    Index at = 0;
    for (const RoutePattern::Segment& segment : pattern.segments()) {
        at = child(nodes_[at], segment);
        if (at == none) return nullptr;
    }
    return &nodes_[at];
}

RouteTree::Index RouteTree::add_path(const RoutePattern& pattern) {
    Index at = 0;
    for (const RoutePattern::Segment& segment : pattern.segments()) {
        Index next = child(nodes_[at], segment);
        if (next == none) {
            next = static_cast<Index>(nodes_.size());
            switch (segment.kind) {
                case RoutePattern::Kind::name:
                    nodes_[at].name = next;
                    break;
                case RoutePattern::Kind::rest:
                    nodes_[at].rest = next;
                    break;
                case RoutePattern::Kind::literal:
                    nodes_[at].literals.emplace(segment.text, next);
                    break;
            }
            nodes_.emplace_back();
        }
        at = next;
    }
    return at;
}

void RouteTree::describe_parameters(Node& node, const RoutePattern& pattern) {
    node.names.clear();
    node.positions.clear();
    for (std::size_t i = 0; i < pattern.segments().size(); ++i) {
        const RoutePattern::Segment& segment = pattern.segments()[i];
        if (segment.kind == RoutePattern::Kind::literal) continue;
        node.names.emplace_back(segment.text);
        node.positions.push_back(static_cast<std::uint8_t>(i));
        node.ends_with_rest = segment.kind == RoutePattern::Kind::rest;
    }
}

// Matching.

/// One path on its way through the tree.
class RouteTree::Search {
public:
    Search(const RouteTree& tree, Method method, std::string_view path, Arena& arena)
        : tree_(tree), method_(method), path_(path), arena_(arena) {}

    [[nodiscard]] Match run() {
        if (!path_.starts_with('/')) return {};
        // All of it, so that whether it can be decoded does not depend on the patterns.
        if (!percent_decode(path_, arena_)) return {.outcome = Outcome::bad_path};
        split();
        if (const Node* node = find(tree_.nodes_[0], 0)) return found(*node);
        return {.outcome = allowed_.empty() ? Outcome::no_path : Outcome::no_method, .allowed = allowed_};
    }

private:
    /// As far as a pattern can reach.
    void split() {
        std::size_t slash = 0;
        while (slash != std::string_view::npos && count_ < segments_.size()) {
            starts_[count_] = slash + 1;
            slash = path_.find('/', starts_[count_]);
            segments_[count_] = decoded(path_.substr(starts_[count_], slash - starts_[count_]));
            ++count_;
        }
        is_whole_ = slash == std::string_view::npos;
    }

    /// A part of a path that can be decoded.
    [[nodiscard]] std::string_view decoded(std::string_view text) { return *percent_decode(text, arena_); }

    /// The best node below this one that the segments from `depth` on lead to.
    [[nodiscard]] const Node* find(const Node& node, std::size_t depth) {
        if (depth == count_) return is_whole_ ? accept(node) : nullptr;
        const std::string_view segment = segments_[depth];
        if (const auto literal = node.literals.find(segment); literal != node.literals.end()) {
            if (const Node* end = find(tree_.nodes_[literal->second], depth + 1)) return end;
        }
        if (node.name != none && !segment.empty()) {
            if (const Node* end = find(tree_.nodes_[node.name], depth + 1)) return end;
        }
        return node.rest != none ? accept(tree_.nodes_[node.rest]) : nullptr;
    }

    /// A node whose pattern matches, if it has the method.
    [[nodiscard]] const Node* accept(const Node& node) {
        allowed_.add(node.methods);
        return route_of(node, method_) != none ? &node : nullptr;
    }

    [[nodiscard]] Match found(const Node& node) {
        Match match{.outcome = Outcome::found, .route = route_of(node, method_), .names = node.names};
        for (std::size_t i = 0; i < node.names.size(); ++i) {
            const std::size_t position = node.positions[i];
            const bool is_rest = node.ends_with_rest && i + 1 == node.names.size();
            match.values[i] = is_rest ? decoded(path_.substr(starts_[position])) : segments_[position];
        }
        return match;
    }

    const RouteTree& tree_;
    Method method_;
    std::string_view path_;
    Arena& arena_;
    std::array<std::string_view, RoutePattern::max_segments> segments_;  // decoded
    std::array<std::size_t, RoutePattern::max_segments> starts_;         // in the path
    std::size_t count_ = 0;
    bool is_whole_ = false;  // nothing follows them
    MethodSet allowed_;      // by the patterns that match
};

RouteTree::Match RouteTree::match(Method method, std::string_view path, Arena& arena) const {
    if (!is_routable(method)) return {};
    // A literal is better than anything else in every place; only where it lacks the method, others come into question.
    if (const auto literal = literal_paths_.find(path); literal != literal_paths_.end()) {
        const Route route = route_of(nodes_[literal->second], method);
        if (route != none) return {.outcome = Outcome::found, .route = route};
    }
    return Search{*this, method, path, arena}.run();
}

RouteTree::Route RouteTree::route_of(const Node& node, Method method) noexcept {
    const Route route = node.routes[index_of(method)];
    return route == none && method == Method::head ? node.routes[index_of(Method::get)] : route;
}

}  // namespace pollux::http
