// Filling a router: which mistakes it tells, what groups add, and what copies share.
#include <pollux/http/router.h>

#include <gmock/gmock.h>

#include <string>
#include <utility>

#include "http/route_table.h"
#include "unit/support.h"

namespace pollux::test {
namespace {

using http::BodyMode;
using http::Method;
using http::Request;
using http::Response;
using http::Router;
using http::RouteTree;
using testing::AllOf;
using testing::HasSubstr;

void nothing(const Request&, Response&) {}

/// The route of a request; fails the test if there is none.
const http::RouteTable::Route& route_of(const http::RouteTable& table, Method method, std::string_view path) {
    Arena arena;
    const RouteTree::Match match = table.tree.match(method, path, arena);
    EXPECT_EQ(match.outcome, RouteTree::Outcome::found) << path;
    return table.routes.at(match.route);
}

bool has_route(const Router& router, Method method, std::string_view path) {
    Arena arena;
    return router.compile()->tree.match(method, path, arena).outcome == RouteTree::Outcome::found;
}

TEST(RouterTest, an_empty_one_has_no_mistake) {
    EXPECT_TRUE(Router{}.status());
}

TEST(RouterTest, every_function_is_for_its_method) {
    Router router;
    router.get("/get", nothing).head("/head", nothing).post("/post", nothing).put("/put", nothing);
    router.del("/del", nothing).options("/options", nothing).trace("/trace", nothing).patch("/patch", nothing);
    ASSERT_TRUE(router.status()) << router.status();
    EXPECT_TRUE(has_route(router, Method::get, "/get"));
    EXPECT_TRUE(has_route(router, Method::head, "/head"));
    EXPECT_TRUE(has_route(router, Method::post, "/post"));
    EXPECT_TRUE(has_route(router, Method::put, "/put"));
    EXPECT_TRUE(has_route(router, Method::del, "/del"));
    EXPECT_TRUE(has_route(router, Method::options, "/options"));
    EXPECT_TRUE(has_route(router, Method::trace, "/trace"));
    EXPECT_TRUE(has_route(router, Method::patch, "/patch"));
    EXPECT_FALSE(has_route(router, Method::patch, "/get"));
}

TEST(RouterTest, tells_the_route_and_what_is_wrong) {
    Router router;
    router.del("/users/:id/:id", nothing);
    EXPECT_EQ(router.status().error(), Errc::invalid_option);
    EXPECT_THAT(router.status().message(),
                AllOf(HasSubstr("DELETE /users/:id/:id"), HasSubstr("two parameters \"id\"")));
}

TEST(RouterTest, tells_the_first_mistake) {
    Router router;
    router.get("/a", nothing).get("/a", nothing).get("b", nothing).get("/c", nothing);
    EXPECT_THAT(router.status().message(), HasSubstr("GET /a is there already"));
    EXPECT_FALSE(has_route(router, Method::get, "/c"));
}

TEST(RouterTest, a_route_needs_a_function) {
    Router router;
    router.get("/a", nullptr);
    EXPECT_THAT(router.status().message(), HasSubstr("GET /a has no function"));
}

TEST(RouterTest, some_methods_are_not_for_routes) {
    EXPECT_THAT(Router{}.add(Method::connect, "/a", nothing).status().message(), HasSubstr("CONNECT /a"));
    EXPECT_THAT(Router{}.add(Method::other, "/a", nothing).status().message(), HasSubstr("the route /a is for"));
}

TEST(RouterTest, a_folder_that_is_not_there_is_told) {
    Router router;
    router.files("/static", "/no/such/folder");
    EXPECT_THAT(router.status().message(), HasSubstr("/no/such/folder"));
}

TEST(RouterTest, the_document_is_there_once) {
    Router router;
    router.openapi({.title = "A"}).openapi({.title = "B", .document_path = "/b.json"});
    EXPECT_THAT(router.status().message(), HasSubstr("twice"));
    EXPECT_FALSE(Router{}.get("/openapi.json", nothing).openapi({.title = "A"}).status());
}

TEST(RouterTest, groups_put_their_prefix_before) {
    Router router;
    auto api = router.group("/api/:version");
    api.get("", nothing).get("/", nothing).get("/a", nothing);
    api.group("/b").get("/c", nothing);
    ASSERT_TRUE(router.status()) << router.status();
    for (const std::string_view path : {"/api/1", "/api/1/", "/api/1/a", "/api/1/b/c"}) {
        EXPECT_TRUE(has_route(router, Method::get, path)) << path;
    }
    EXPECT_FALSE(has_route(router, Method::get, "/a"));
}

TEST(RouterTest, patterns_of_a_group_begin_with_a_slash) {
    Router router;
    router.group("/api").get("users", nothing);
    EXPECT_THAT(router.status().message(), AllOf(HasSubstr("users"), HasSubstr("/api"), HasSubstr("begin with '/'")));
    Router other;
    other.group("/api/").get("/users", nothing);
    EXPECT_THAT(other.status().message(), HasSubstr("empty segment"));
}

TEST(RouterTest, what_a_route_does_not_say_its_group_does) {
    Router router;
    auto outer = router.group("/o", {.body = BodyMode::streamed, .max_body_bytes = 10});
    auto inner = outer.group("/i", {.max_body_bytes = 20});
    router.get("/plain", nothing);
    outer.get("/as-group", nothing);
    outer.get("/own", nothing, {.body = BodyMode::whole, .max_body_bytes = 30});
    inner.get("/as-both", nothing);
    const auto table = router.compile();
    EXPECT_EQ(route_of(*table, Method::get, "/plain").body.mode, BodyMode::whole);
    EXPECT_EQ(route_of(*table, Method::get, "/plain").body.max_bytes, std::nullopt);
    EXPECT_EQ(route_of(*table, Method::get, "/o/as-group").body.mode, BodyMode::streamed);
    EXPECT_EQ(route_of(*table, Method::get, "/o/as-group").body.max_bytes, 10U);
    EXPECT_EQ(route_of(*table, Method::get, "/o/own").body.mode, BodyMode::whole);
    EXPECT_EQ(route_of(*table, Method::get, "/o/own").body.max_bytes, 30U);
    EXPECT_EQ(route_of(*table, Method::get, "/o/i/as-both").body.mode, BodyMode::streamed);
    EXPECT_EQ(route_of(*table, Method::get, "/o/i/as-both").body.max_bytes, 20U);
}

TEST(RouterTest, a_copy_goes_its_own_way) {
    Router router;
    router.get("/a", nothing);
    Router copy = router;
    copy.get("/b", nothing);
    router.get("/c", nothing).get("mistake", nothing);
    EXPECT_TRUE(copy.status()) << copy.status();
    EXPECT_TRUE(has_route(copy, Method::get, "/a"));
    EXPECT_TRUE(has_route(copy, Method::get, "/b"));
    EXPECT_FALSE(has_route(copy, Method::get, "/c"));
    router = copy;
    EXPECT_TRUE(router.status());
    EXPECT_TRUE(has_route(router, Method::get, "/b"));
}

TEST(RouterTest, a_group_follows_a_router_that_is_moved) {
    Router router;
    auto group = router.group("/g");
    Router moved = std::move(router);
    group.get("/a", nothing);
    EXPECT_TRUE(has_route(moved, Method::get, "/g/a"));
}

TEST(RouterTest, what_is_compiled_does_not_change) {
    Router router;
    router.get("/a", nothing);
    const auto table = router.compile();
    router.get("/b", nothing);
    EXPECT_EQ(table->routes.size(), 1U);
    EXPECT_EQ(router.compile()->routes.size(), 2U);
}

}  // namespace
}  // namespace pollux::test
