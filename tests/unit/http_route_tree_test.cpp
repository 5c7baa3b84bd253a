// The tree of routes: which pattern wins, what its parameters are, which mistakes are told, and a model of it.
#include "proto/http/route_tree.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unit/support.h"

namespace pollux::http {

void PrintTo(RouteTree::Outcome outcome, std::ostream* out) {
    constexpr std::array names{"found", "bad_path", "no_path", "no_method"};
    *out << names[static_cast<std::size_t>(outcome)];
}

void PrintTo(MethodSet methods, std::ostream* out) {
    *out << AllowText{methods}.text();
}

}  // namespace pollux::http

namespace pollux::test {
namespace {

using http::AllowText;
using http::Method;
using http::MethodSet;
using http::RoutePattern;
using http::RouteTree;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using RouteOutcome = RouteTree::Outcome;

/// A tree whose routes are numbered in the order in which they were added, and what a request finds in it.
class RouteTreeTest : public testing::Test {
protected:
    void add(Method method, std::string_view pattern) {
        EXPECT_EQ(tree.add(method, pattern, static_cast<RouteTree::Route>(patterns.size())), "") << pattern;
        patterns.emplace_back(pattern);
    }

    void get(std::string_view pattern) { add(Method::get, pattern); }

    RouteTree::Match match(std::string_view path, Method method = Method::get) {
        return tree.match(method, path, arena);
    }

    /// The pattern that a path finds; else the name of the outcome.
    std::string found(std::string_view path, Method method = Method::get) {
        const RouteTree::Match result = match(path, method);
        return result.outcome == RouteOutcome::found ? patterns[result.route] : testing::PrintToString(result.outcome);
    }

    std::vector<std::pair<std::string, std::string>> parameters(std::string_view path) {
        const RouteTree::Match result = match(path);
        EXPECT_EQ(result.outcome, RouteOutcome::found) << path;
        std::vector<std::pair<std::string, std::string>> all;
        for (std::size_t i = 0; i < result.names.size(); ++i) all.emplace_back(result.names[i], result.values[i]);
        return all;
    }

    std::string allowed(std::string_view path, Method method) {
        const RouteTree::Match result = match(path, method);
        EXPECT_EQ(result.outcome, RouteOutcome::no_method) << path;
        return std::string{AllowText{result.allowed}.text()};
    }

    std::string mistake(std::string_view pattern, Method method = Method::get) {
        return tree.add(method, pattern, 1000);
    }

    RouteTree tree;
    Arena arena;
    std::vector<std::string> patterns;
};

TEST_F(RouteTreeTest, an_empty_tree_finds_nothing) {
    for (const std::string_view path : {"/", "", "*", "/a", "//", "a"}) EXPECT_EQ(found(path), "no_path") << path;
    EXPECT_TRUE(tree.methods().empty());
}

TEST_F(RouteTreeTest, literals_are_whole_paths) {
    for (const std::string_view pattern : {"/", "/a", "/a/", "/a/b", "/long/er/path"}) get(pattern);
    for (const std::string& pattern : patterns) EXPECT_EQ(found(pattern), pattern);
    for (const std::string_view path : {"", "a", "//", "/b", "/a/b/", "/a/bc", "/ab", "/A", "/long/er", "/a//b"}) {
        EXPECT_EQ(found(path), "no_path") << path;
    }
}

TEST_F(RouteTreeTest, a_name_stands_for_one_segment) {
    get("/users/:id");
    get("/users/:id/posts/:post");
    EXPECT_THAT(parameters("/users/7"), ElementsAre(Pair("id", "7")));
    EXPECT_THAT(parameters("/users/7/posts/x"), ElementsAre(Pair("id", "7"), Pair("post", "x")));
    for (const std::string_view path : {"/users", "/users/", "/users/7/", "/users//posts/x", "/users/7/posts/"}) {
        EXPECT_EQ(found(path), "no_path") << path;
    }
}

TEST_F(RouteTreeTest, a_rest_stands_for_all_that_follows) {
    get("/files/*path");
    EXPECT_THAT(parameters("/files/"), ElementsAre(Pair("path", "")));
    EXPECT_THAT(parameters("/files/a"), ElementsAre(Pair("path", "a")));
    EXPECT_THAT(parameters("/files/a//b/"), ElementsAre(Pair("path", "a//b/")));
    EXPECT_EQ(found("/files"), "no_path");
    get("/*path");
    EXPECT_THAT(parameters("/"), ElementsAre(Pair("path", "")));
    EXPECT_THAT(parameters("/files"), ElementsAre(Pair("path", "files")));
    EXPECT_THAT(parameters("//x"), ElementsAre(Pair("path", "/x")));
    EXPECT_EQ(found("x"), "no_path");
}

TEST_F(RouteTreeTest, a_literal_goes_before_a_name_and_that_before_a_rest) {
    get("/*all");
    get("/:one");
    get("/new");
    get("/:one/edit");
    get("/new/*what");
    EXPECT_EQ(found("/new"), "/new");
    EXPECT_EQ(found("/news"), "/:one");
    EXPECT_EQ(found("/new/edit"), "/new/*what");
    EXPECT_EQ(found("/old/edit"), "/:one/edit");
    EXPECT_EQ(found("/old/show"), "/*all");
    EXPECT_EQ(found("/"), "/*all");
}

TEST_F(RouteTreeTest, goes_back_where_the_better_segment_leads_nowhere) {
    get("/a/b/c");
    get("/a/:x/d");
    get("/:y/b/e");
    get("/:y/*rest");
    EXPECT_EQ(found("/a/b/c"), "/a/b/c");
    EXPECT_EQ(found("/a/b/d"), "/a/:x/d");
    EXPECT_EQ(found("/a/b/e"), "/:y/b/e");
    EXPECT_EQ(found("/a/b/f"), "/:y/*rest");
    EXPECT_THAT(parameters("/a/b/e"), ElementsAre(Pair("y", "a")));
    EXPECT_THAT(parameters("/a/b/f"), ElementsAre(Pair("y", "a"), Pair("rest", "b/f")));
}

TEST_F(RouteTreeTest, what_lacks_the_method_hides_nothing) {
    add(Method::post, "/users/new");
    add(Method::get, "/users/:id");
    add(Method::del, "/*rest");
    EXPECT_EQ(found("/users/new", Method::post), "/users/new");
    EXPECT_EQ(found("/users/new", Method::get), "/users/:id");
    EXPECT_EQ(found("/users/new", Method::del), "/*rest");
    EXPECT_EQ(found("/users/new", Method::put), "no_method");
}

TEST_F(RouteTreeTest, tells_what_is_allowed) {
    add(Method::post, "/users/new");
    add(Method::get, "/users/:id");
    add(Method::del, "/*rest");
    EXPECT_EQ(allowed("/users/new", Method::put), "GET, HEAD, POST, DELETE, OPTIONS");
    EXPECT_EQ(allowed("/users/new", Method::options), "GET, HEAD, POST, DELETE, OPTIONS");
    EXPECT_EQ(allowed("/users/7", Method::patch), "GET, HEAD, DELETE, OPTIONS");
    EXPECT_EQ(allowed("/x", Method::get), "DELETE, OPTIONS");
    EXPECT_EQ(AllowText{tree.methods()}.text(), "GET, HEAD, POST, DELETE, OPTIONS");
}

TEST_F(RouteTreeTest, every_method_fits_into_allow) {
    for (std::size_t i = 0; i < http::routable_methods; ++i) add(static_cast<Method>(i), "/");
    EXPECT_EQ(AllowText{tree.methods()}.text(), "GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE, PATCH");
    for (std::size_t i = 0; i < http::routable_methods; ++i) EXPECT_EQ(match("/", static_cast<Method>(i)).route, i);
}

TEST_F(RouteTreeTest, head_finds_get_unless_it_is_there_itself) {
    get("/a");
    add(Method::head, "/:x");
    EXPECT_EQ(found("/a", Method::head), "/a");
    EXPECT_EQ(found("/b", Method::head), "/:x");
    EXPECT_EQ(found("/b", Method::get), "no_method");
    add(Method::head, "/a");
    EXPECT_EQ(match("/a", Method::head).route, 2U);
    EXPECT_EQ(match("/a", Method::get).route, 0U);
}

TEST_F(RouteTreeTest, options_finds_a_route_of_its_own) {
    get("/a");
    EXPECT_EQ(found("/a", Method::options), "no_method");
    add(Method::options, "/*rest");
    EXPECT_EQ(found("/a", Method::options), "/*rest");
}

TEST_F(RouteTreeTest, methods_that_no_route_can_have_find_none) {
    get("/a");
    EXPECT_EQ(found("/a", Method::connect), "no_path");
    EXPECT_EQ(found("/a", Method::other), "no_path");
}

TEST_F(RouteTreeTest, segments_are_split_before_they_are_decoded) {
    get("/a/:x");
    get("/a b/é");
    get("/files/*path");
    EXPECT_THAT(parameters("/a/x%2Fy"), ElementsAre(Pair("x", "x/y")));
    EXPECT_THAT(parameters("/%61/%41"), ElementsAre(Pair("x", "A")));
    EXPECT_THAT(parameters("/a/+"), ElementsAre(Pair("x", "+")));
    EXPECT_THAT(parameters("/a/%2e%2e"), ElementsAre(Pair("x", "..")));
    EXPECT_THAT(parameters("/files/%61/b%20c"), ElementsAre(Pair("path", "a/b c")));
    EXPECT_EQ(found("/a%20b/%C3%A9"), "/a b/é");
    EXPECT_EQ(found("/a%2Fx"), "no_path");
}

TEST_F(RouteTreeTest, what_cannot_be_decoded_is_bad_whatever_the_patterns) {
    get("/a");
    get("/b/:x");
    get("/c/*rest");
    for (const std::string_view path : {"/%", "/a%", "/%4", "/%zz", "/b/%0", "/c/%g0", "/c/x/%", "/nowhere/%", "/a/%00",
                                        "/b/%00", "/x%00y", "/%%30"}) {
        EXPECT_EQ(found(path), "bad_path") << path;
    }
}

TEST_F(RouteTreeTest, a_percent_sign_in_a_pattern_is_one) {
    get("/100%");
    get("/a%20b");
    EXPECT_EQ(found("/100%25"), "/100%");
    EXPECT_EQ(found("/100%"), "bad_path");
    EXPECT_EQ(found("/a%20b"), "no_path");
    EXPECT_EQ(found("/a%2520b"), "/a%20b");
}

TEST_F(RouteTreeTest, paths_may_be_deeper_than_any_pattern) {
    get("/:a/*rest");
    get("/x");
    std::string path;
    for (int i = 0; i < 5000; ++i) path += "/x";
    EXPECT_THAT(parameters(path), ElementsAre(Pair("a", "x"), Pair("rest", path.substr(3))));
    EXPECT_THAT(parameters(std::string(5000, '/').insert(1, "x")),
                ElementsAre(Pair("a", "x"), Pair("rest", std::string(4998, '/'))));
}

TEST_F(RouteTreeTest, patterns_may_be_as_deep_as_is_told) {
    std::string pattern;
    for (std::size_t i = 0; i < RoutePattern::max_segments; ++i) {
        pattern += i < RoutePattern::max_parameters ? "/:p" + std::to_string(i) : "/x";
    }
    get(pattern);
    std::string path;
    for (std::size_t i = 0; i < RoutePattern::max_segments; ++i) path += "/x";
    EXPECT_EQ(parameters(path).size(), RoutePattern::max_parameters);
    EXPECT_EQ(found(path + "/x"), "no_path");
    EXPECT_EQ(found(path + '/'), "no_path");
    EXPECT_EQ(found(path.substr(2)), "no_path");
    EXPECT_THAT(mistake(path + "/x"), HasSubstr("more than 32 segments"));
}

TEST_F(RouteTreeTest, tells_mistakes_in_patterns) {
    EXPECT_THAT(mistake(""), HasSubstr("does not begin with '/'"));
    EXPECT_THAT(mistake("a"), HasSubstr("does not begin with '/'"));
    EXPECT_THAT(mistake("*"), HasSubstr("does not begin with '/'"));
    EXPECT_THAT(mistake("//"), HasSubstr("an empty segment"));
    EXPECT_THAT(mistake("/a//b"), HasSubstr("an empty segment"));
    EXPECT_THAT(mistake("/:"), HasSubstr("without a name"));
    EXPECT_THAT(mistake("/a/*"), HasSubstr("without a name"));
    EXPECT_THAT(mistake("/:id.json"), HasSubstr("\"id.json\""));
    EXPECT_THAT(mistake("/:{id}"), HasSubstr("letters, digits"));
    EXPECT_THAT(mistake("/:x/*x"), HasSubstr("two parameters \"x\""));
    EXPECT_THAT(mistake("/*rest/x"), HasSubstr("goes on behind \"*rest\""));
    EXPECT_THAT(mistake("/*rest/"), HasSubstr("goes on behind \"*rest\""));
    EXPECT_THAT(mistake("/a", Method::connect), HasSubstr("method"));
    EXPECT_THAT(mistake("/a", Method::other), HasSubstr("method"));
    std::string many;
    for (std::size_t i = 0; i <= RoutePattern::max_parameters; ++i) many += "/:p" + std::to_string(i);
    EXPECT_THAT(mistake(many), HasSubstr("more than 16 parameters"));
    EXPECT_TRUE(tree.methods().empty());
}

TEST_F(RouteTreeTest, tells_routes_that_are_there_already) {
    get("/a/:x/*y");
    EXPECT_EQ(mistake("/a/:x/*y"), "is there already");
    EXPECT_EQ(mistake("/a/:z/*y"), "is there already");
    EXPECT_THAT(mistake("/a/:z/*y", Method::put), HasSubstr("names its parameters otherwise"));
    add(Method::put, "/a/:x/*y");
    get("/a/:other/b");  // another pattern may call the same place otherwise
    EXPECT_THAT(parameters("/a/1/b"), ElementsAre(Pair("other", "1")));
    EXPECT_THAT(parameters("/a/1/c"), ElementsAre(Pair("x", "1"), Pair("y", "c")));
}

TEST_F(RouteTreeTest, a_copy_is_a_tree_of_its_own) {
    get("/:a");
    RouteTree copy = tree;
    get("/b");
    EXPECT_EQ(copy.match(Method::get, "/b", arena).route, 0U);
    tree = {};
    const RouteTree::Match result = copy.match(Method::get, "/b", arena);
    EXPECT_THAT(result.names, ElementsAre("a"));
}

TEST(SkipSegmentsTest, gives_what_is_behind_them) {
    EXPECT_EQ(http::skip_segments("/a/b/c", 0), "a/b/c");
    EXPECT_EQ(http::skip_segments("/a/b/c", 1), "b/c");
    EXPECT_EQ(http::skip_segments("/a/b/c", 2), "c");
    EXPECT_EQ(http::skip_segments("/a/b/c", 3), "");
    EXPECT_EQ(http::skip_segments("/a/b/", 2), "");
    EXPECT_EQ(http::skip_segments("/a//b", 1), "/b");
    EXPECT_EQ(http::skip_segments("", 0), "");
}

TEST(PatternBelowTest, the_root_adds_nothing) {
    EXPECT_EQ(http::pattern_below("/", "*x"), "/*x");
    EXPECT_EQ(http::pattern_below("/a", "*x"), "/a/*x");
}

// The model: every pattern is tried, segment by segment, and the best one that has the method wins.

std::vector<std::string> split(std::string_view path) {
    std::vector<std::string> segments;
    for (path.remove_prefix(1);; path.remove_prefix(segments.back().size() + 1)) {
        segments.emplace_back(path.substr(0, path.find('/')));
        if (segments.back().size() == path.size()) return segments;
    }
}

struct ModelRoute {
    Method method;
    std::vector<std::string> segments;

    /// The kinds of its segments, the better the smaller; none if it does not match. `values` are its parameters.
    [[nodiscard]] std::optional<std::string> match(const std::vector<std::string>& path,
                                                   std::vector<std::string>& values) const {
        std::string kinds;
        for (std::size_t i = 0; i < segments.size(); ++i) {
            if (i == path.size()) return std::nullopt;
            if (segments[i].starts_with('*')) {
                std::string rest = path[i];
                for (std::size_t j = i + 1; j < path.size(); ++j) rest += '/' + path[j];
                values.push_back(rest);
                return kinds + '3';
            }
            const bool is_name = segments[i].starts_with(':');
            if (is_name ? path[i].empty() : segments[i] != path[i]) return std::nullopt;
            if (is_name) values.push_back(path[i]);
            kinds += is_name ? '2' : '1';
        }
        return segments.size() == path.size() ? std::optional{kinds} : std::nullopt;
    }
};

struct ModelMatch {
    RouteOutcome outcome = RouteOutcome::no_path;
    std::string kinds{};
    RouteTree::Route route = 0;
    std::vector<std::string> values{};
    MethodSet allowed{};
};

ModelMatch model_match(const std::vector<ModelRoute>& routes, Method method, const std::vector<std::string>& path) {
    ModelMatch best;
    for (std::size_t i = 0; i < routes.size(); ++i) {
        std::vector<std::string> values;
        const auto kinds = routes[i].match(path, values);
        if (!kinds) continue;
        best.allowed.add(routes[i].method);
        best.allowed.add(Method::options);
        if (routes[i].method == Method::get) best.allowed.add(Method::head);
        if (best.outcome == RouteOutcome::no_path) best.outcome = RouteOutcome::no_method;
        // Of one pattern, HEAD's own route goes before that of GET.
        const bool is_own = routes[i].method == method;
        if (!is_own && (method != Method::head || routes[i].method != Method::get)) continue;
        const std::string rank = *kinds + (is_own ? '0' : '1');
        if (best.outcome == RouteOutcome::found && best.kinds < rank) continue;
        best = {RouteOutcome::found, rank, static_cast<RouteTree::Route>(i), values, best.allowed};
    }
    return best;
}

std::string random_pattern(Random& random) {
    std::string pattern;
    const std::size_t depth = random.size_up_to(4);
    for (std::size_t i = 0; i <= depth; ++i) {
        const std::string number = std::to_string(i);
        const std::vector<std::string> choices{"a", "b", "a b", "%", ":n" + number, ":n" + number, "*r" + number, ""};
        const std::string& segment = choices[random.size_up_to(choices.size() - 1)];
        const bool ends = segment.empty() || segment.starts_with('*');
        pattern += '/' + segment;
        if (ends) break;
    }
    return pattern;
}

/// A segment as a client may send it.
std::string encoded(Random& random, std::string_view segment) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char c : segment) {
        const bool must = c == '%' || c == '/' || c == ' ';
        const auto byte = static_cast<unsigned char>(c);
        if (must || random.one_in(4)) {
            text += {'%', digits[byte >> 4U], digits[byte & 0xFU]};
        } else {
            text += c;
        }
    }
    return text;
}

constexpr std::array model_methods{Method::get, Method::head, Method::post, Method::options};

Method random_method(Random& random) {
    return model_methods[random.size_up_to(model_methods.size() - 1)];
}

/// Random routes; those that the tree refuses are in neither.
std::vector<ModelRoute> add_random_routes(Random& random, RouteTree& tree) {
    std::vector<ModelRoute> routes;
    for (std::size_t count = random.size_up_to(20); count > 0; --count) {
        const std::string pattern = random_pattern(random);
        const Method method = random_method(random);
        const auto route = static_cast<RouteTree::Route>(routes.size());
        if (tree.add(method, pattern, route).empty()) routes.push_back({method, split(pattern)});
    }
    return routes;
}

void expect_same(const RouteTree::Match& actual, const ModelMatch& expected) {
    EXPECT_EQ(actual.outcome, expected.outcome);
    if (actual.outcome == RouteOutcome::no_method) {
        EXPECT_EQ(actual.allowed, expected.allowed);
    }
    if (actual.outcome != RouteOutcome::found) return;
    EXPECT_EQ(actual.route, expected.route);
    const std::span values{actual.values.data(), actual.names.size()};
    EXPECT_TRUE(std::ranges::equal(values, expected.values)) << testing::PrintToString(expected.values);
}

TEST(RouteTreeModelTest, finds_what_the_model_finds) {
    const std::vector<std::string> words{"a", "b", "a b", "%", "", "c", "x/y"};
    std::map<RouteOutcome, std::size_t> outcomes;
    for (std::uint64_t seed = 0; seed < scaled(2000) && !HasFailure(); ++seed) {
        Random random{seed};
        RouteTree tree;
        const std::vector<ModelRoute> routes = add_random_routes(random, tree);
        for (int i = 0; i < 50; ++i) {
            std::vector<std::string> segments;
            std::string path;
            for (std::size_t length = random.size_up_to(5) + 1; length > 0; --length) {
                segments.push_back(words[random.size_up_to(words.size() - 1)]);
                path += '/' + encoded(random, segments.back());
            }
            const Method method = random_method(random);
            SCOPED_TRACE("seed " + std::to_string(seed) + ", " + path);
            Arena arena;
            const RouteTree::Match actual = tree.match(method, path, arena);
            ++outcomes[actual.outcome];
            expect_same(actual, model_match(routes, method, segments));
        }
    }
    for (const RouteOutcome outcome : {RouteOutcome::found, RouteOutcome::no_path, RouteOutcome::no_method}) {
        EXPECT_GT(outcomes[outcome], scaled(1000)) << testing::PrintToString(outcome);
    }
}

}  // namespace
}  // namespace pollux::test
