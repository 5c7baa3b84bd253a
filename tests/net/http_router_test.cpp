// A router behind a server: requests reach their routes, and what no route is for is answered.
#include <gmock/gmock.h>
#include <pollux/http/server.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "common/temporary_folder.h"
#include "net/http_peer.h"
#include "net/support.h"

namespace pollux::test {
namespace {

using http::BodyMode;
using http::Request;
using http::Response;
using http::Router;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

using RouterServer = http::Server<http::RouterHandler>;

/// Answers with a text that tells which route it is.
http::RouteFunction says(std::string text) {
    return [text = std::move(text)](const Request&, Response& response) { response.send(std::string_view{text}); };
}

/// Answers with the value of a parameter.
http::RouteFunction says_parameter(std::string name) {
    return [name = std::move(name)](const Request& request, Response& response) {
        response.send(request.parameter(name));
    };
}

class HttpRouterTest : public NetTest {
protected:
    /// Listens with the routes that were added so far.
    void serve_routes(http::Options options = {}) {
        server = std::make_unique<RouterServer>(engine, ServerOptions{.endpoint = endpoint()}, options, router);
        const Status status = server->start();
        ASSERT_TRUE(status) << status;
    }

    [[nodiscard]] HttpPeer peer() const { return HttpPeer{server->address()}; }

    Router router;
    std::unique_ptr<RouterServer> server;
};

INSTANTIATE_TEST_SUITE_P(Everywhere, HttpRouterTest, each_transport, setting_name);

TEST_P(HttpRouterTest, requests_reach_their_routes) {
    router.get("/", says("root"))
        .get("/users/new", says("new"))
        .get("/users/:id", says_parameter("id"))
        .post("/users/:id", says("post"))
        .get("/files/*path", says_parameter("path"));
    serve_routes();
    HttpPeer peer = this->peer();
    EXPECT_EQ(peer.get("/").body, "root");
    EXPECT_EQ(peer.get("/?users/new").body, "root");
    EXPECT_EQ(peer.get("/users/new").body, "new");
    EXPECT_EQ(peer.get("/users/7?x=/y").body, "7");
    EXPECT_EQ(peer.get("/users/a%2Fb%20c").body, "a/b c");
    EXPECT_EQ(peer.get("/files/a/%62/").body, "a/b/");
    EXPECT_EQ(peer.ask("POST", "/users/new", {}, "body").body, "post");
    EXPECT_EQ(peer.get("http://elsewhere:80/users/8").body, "8");
    EXPECT_EQ(peer.get("http://elsewhere").body, "root");
}

TEST_P(HttpRouterTest, pipelined_requests_have_parameters_of_their_own) {
    router.get("/a/:x", says_parameter("x"))
        .get("/b/:y", says_parameter("x"))
        .get("/none", says_parameter("x"))
        .not_found(says_parameter("x"));
    serve_routes();
    HttpPeer peer = this->peer();
    std::string requests;
    const std::vector<std::string> targets{"/a/1", "/b/2", "/a/3", "/none", "/a/4", "/nowhere"};
    for (const std::string& target : targets) requests += "GET " + target + " HTTP/1.1\r\nHost: test\r\n\r\n";
    peer.send(requests);
    for (const std::string_view body : {"1", "", "3", "", "4", ""}) EXPECT_EQ(peer.read().body, body);
}

TEST_P(HttpRouterTest, head_is_answered_as_get) {
    router.get("/a", says("hello")).head("/b", says("longer")).get("/b", says("b"));
    serve_routes();
    HttpPeer peer = this->peer();
    const Answer head = peer.ask("HEAD", "/a");
    EXPECT_EQ(head.status, 200U);
    EXPECT_EQ(head.field("Content-Length"), "5");
    EXPECT_EQ(peer.ask("HEAD", "/b").field("Content-Length"), "6");
    EXPECT_EQ(peer.ask("HEAD", "/c").status, 404U);
    EXPECT_EQ(peer.get("/b").body, "b");
}

TEST_P(HttpRouterTest, options_are_answered) {
    router.get("/a", says("a")).put("/:x", says("x")).options("/own", says("own"));
    serve_routes();
    HttpPeer peer = this->peer();
    const Answer answer = peer.ask("OPTIONS", "/a");
    EXPECT_EQ(answer.status, 204U);
    EXPECT_EQ(answer.field("Allow"), "GET, HEAD, PUT, OPTIONS");
    EXPECT_EQ(peer.ask("OPTIONS", "/own").body, "own");
    EXPECT_EQ(peer.ask("OPTIONS", "/a/b").status, 404U);
    const Answer all = peer.ask("OPTIONS", "*");
    EXPECT_EQ(all.status, 204U);
    EXPECT_EQ(all.field("Allow"), "GET, HEAD, PUT, OPTIONS");
}

TEST_P(HttpRouterTest, a_method_that_is_not_there_is_told_what_is) {
    router.post("/users/new", says("post")).get("/users/:id", says("get"));
    serve_routes();
    HttpPeer peer = this->peer();
    EXPECT_EQ(peer.get("/users/new").body, "get");
    const Answer answer = peer.ask("DELETE", "/users/new");
    EXPECT_EQ(answer.status, 405U);
    EXPECT_EQ(answer.field("Allow"), "GET, HEAD, POST, OPTIONS");
    EXPECT_EQ(peer.ask("POST", "/users/7").field("Allow"), "GET, HEAD, OPTIONS");
}

TEST_P(HttpRouterTest, what_is_not_there_is_not_found) {
    router.get("/a", says("a"));
    serve_routes();
    HttpPeer peer = this->peer();
    for (const std::string_view path : {"/", "/b", "/a/", "//a", "/a/b", "/A", "/a%2F"}) {
        EXPECT_EQ(peer.get(path).status, 404U) << path;
    }
    EXPECT_EQ(peer.get("/a").body, "a");
}

TEST_P(HttpRouterTest, whoever_wants_to_answers_what_is_not_found) {
    router.get("/a", says("a")).not_found([](const Request& request, Response& response) {
        response.status(404).send("no " + std::string{request.path()});
    });
    serve_routes();
    HttpPeer peer = this->peer();
    EXPECT_EQ(peer.get("/b").body, "no /b");
    EXPECT_EQ(peer.ask("POST", "/b", {}, "x").status, 404U);
    EXPECT_EQ(peer.ask("POST", "/a", {}, "x").status, 405U);
}

TEST_P(HttpRouterTest, paths_that_cannot_be_decoded_are_bad) {
    router.get("/*rest", says("rest"));
    serve_routes();
    HttpPeer peer = this->peer();
    for (const std::string_view path : {"/%", "/%zz", "/a/%0", "/%00"}) EXPECT_EQ(peer.get(path).status, 400U) << path;
    EXPECT_EQ(peer.get("/a").status, 200U);
}

TEST_P(HttpRouterTest, methods_that_no_route_can_have_are_not_implemented) {
    router.get("/*rest", says("rest"));
    serve_routes();
    HttpPeer peer = this->peer();
    EXPECT_EQ(peer.ask("PROPFIND", "/a").status, 501U);
    EXPECT_EQ(peer.ask("PROPFIND", "/a", {}, "body").status, 501U);
}

TEST_P(HttpRouterTest, bodies_that_nobody_wants_are_taken_in_within_the_limit) {
    router.get("/a", says("a"));
    serve_routes({.max_body_bytes = 1000});
    HttpPeer peer = this->peer();
    const std::string body(1000, 'x');
    EXPECT_EQ(peer.ask("POST", "/nowhere", {}, body).status, 404U);
    EXPECT_EQ(peer.ask("POST", "/a", {}, body).status, 405U);
    EXPECT_EQ(peer.get("/a").body, "a");
    EXPECT_EQ(peer.ask("POST", "/nowhere", {}, body + 'x').status, 413U);
    EXPECT_TRUE(peer.is_closed());
}

TEST_P(HttpRouterTest, routes_have_limits_of_their_own) {
    const auto says_size = [](const Request& request, Response& response) {
        response.send(std::to_string(request.body().size()));
    };
    auto group = router.group("/group", {.max_body_bytes = 20});
    group.post("/less", says_size, {.max_body_bytes = 10}).post("/as-group", says_size);
    router.post("/more", says_size, {.max_body_bytes = 100}).post("/:plain", says_size);
    serve_routes({.max_body_bytes = 50});
    const std::vector<std::pair<std::string_view, std::size_t>> limits{
        {"/group/less", 10}, {"/group/as-group", 20}, {"/plain", 50}, {"/more", 100}};
    for (const auto& [path, limit] : limits) {
        HttpPeer peer = this->peer();
        EXPECT_EQ(peer.ask("POST", path, {}, std::string(limit, 'x')).body, std::to_string(limit)) << path;
        EXPECT_EQ(peer.ask("POST", path, {}, std::string(limit + 1, 'x')).status, 413U) << path;
    }
}

/// Answers with the size of the body, which it never has whole.
class Counting final : public http::Stream {
public:
    void on_body(const Request&, Response&, Bytes bytes) override { size_ += bytes.size(); }
    void on_body_end(const Request& request, Response& response) override {
        response.send(std::string{request.parameter("name")} + ' ' + std::to_string(size_));
    }

private:
    std::size_t size_ = 0;
};

TEST_P(HttpRouterTest, bodies_may_be_streamed) {
    router.put("/:name",
               [](const Request& request, Response& response) {
                   EXPECT_EQ(request.parameter("name"), "x");
                   EXPECT_TRUE(request.body().empty());
                   response.attach(std::make_unique<Counting>());
               },
               {.body = BodyMode::streamed, .max_body_bytes = 10'000'000});
    serve_routes();
    HttpPeer peer = this->peer();
    EXPECT_THAT(peer.ask("PUT", "/x", {}, std::string(5'000'000, 'x')).body, EndsWith(" 5000000"));
    peer.send("PUT /x HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    EXPECT_EQ(peer.read().body, "x 5");
}

TEST_P(HttpRouterTest, parameters_are_there_with_a_body_that_comes_late) {
    router.post("/:first/:second", [](const Request& request, Response& response) {
        response.send(std::string{request.parameter("first")} + std::string{request.parameter("second")} +
                      std::string{request.text()});
    });
    serve_routes();
    HttpPeer peer = this->peer();
    peer.send("POST /%61/b HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n");
    turn_all(engine);
    peer.send("c");
    turn_all(engine);
    peer.send("d");
    EXPECT_EQ(peer.read().body, "abcd");
}

TEST_P(HttpRouterTest, what_is_added_later_does_not_count) {
    router.get("/a", says("a"));
    serve_routes();
    router.get("/b", says("b"));
    EXPECT_EQ(peer().get("/b").status, 404U);
    RouterServer second{engine, {.endpoint = endpoint()}, router};
    ASSERT_TRUE(second.start());
    EXPECT_EQ(HttpPeer{second.address()}.get("/b").body, "b");
    EXPECT_EQ(HttpPeer{second.address()}.get("/a").body, "a");
}

TEST_P(HttpRouterTest, start_tells_mistakes) {
    router.get("/a/:x/:x", says("a"));
    RouterServer unusable{engine, {.endpoint = endpoint()}, router};
    const Status status = unusable.start();
    EXPECT_EQ(status.error(), Errc::invalid_option);
    EXPECT_THAT(status.message(), HasSubstr("GET /a/:x/:x has two parameters \"x\""));
}

TEST_P(HttpRouterTest, folders_are_served_under_their_prefixes) {
    const TemporaryFolder folder;
    folder.write("index.html", "index");
    folder.write("a/b.txt", "text");
    router.files("/static", folder.path()).files("/deep/:er", folder.path()).get("/static/own", says("own"));
    serve_routes();
    HttpPeer peer = this->peer();
    EXPECT_EQ(peer.get("/static/").body, "index");
    EXPECT_EQ(peer.get("/static/a/b.txt").body, "text");
    EXPECT_EQ(peer.get("/%73tatic/%61/b.txt").body, "text");
    EXPECT_EQ(peer.get("/static/own").body, "own");
    EXPECT_EQ(peer.get("/deep/x%2Fy/a/b.txt").body, "text");
    EXPECT_EQ(peer.get("/static?x=1").status, 301U);
    EXPECT_EQ(peer.get("/static?x=1").field("Location"), "/static/?x=1");
    EXPECT_EQ(peer.get("/static/a/none.txt").status, 404U);
    EXPECT_EQ(peer.get("/a/b.txt").status, 404U);
    EXPECT_EQ(peer.ask("HEAD", "/static/a/b.txt").field("Content-Length"), "4");
    EXPECT_EQ(peer.ask("POST", "/static/a/b.txt", {}, "x").field("Allow"), "GET, HEAD, OPTIONS");
}

TEST_P(HttpRouterTest, a_folder_may_be_for_everything_else) {
    const TemporaryFolder folder;
    folder.write("index.html", "index");
    folder.write("api/x", "file");
    router.files("/", folder.path()).get("/api/:x", says("route"));
    serve_routes();
    HttpPeer peer = this->peer();
    EXPECT_EQ(peer.get("/").body, "index");
    EXPECT_EQ(peer.get("/api/x").body, "route");
    EXPECT_EQ(peer.get("/nowhere").status, 404U);
    EXPECT_EQ(peer.get("/../../etc/passwd").status, 404U);
    EXPECT_EQ(peer.get("/%2e%2e/%2e%2e/etc/passwd").status, 404U);
}

TEST_P(HttpRouterTest, the_document_tells_of_routes_added_before_and_after) {
    router.get("/before/:id", says("b"), {.operation = {.summary = "Before"}});
    router.openapi({.title = "Test"});
    router.group("/g", {.tags = {"grouped"}})
        .put("/after", says("a"), {.operation = {.summary = "After"}})
        .get("/hidden", says("h"));
    serve_routes();
    HttpPeer peer = this->peer();
    const Answer document = peer.get("/openapi.json");
    EXPECT_EQ(document.field("Content-Type"), "application/json");
    EXPECT_THAT(document.body, HasSubstr(R"("/before/{id}":{"get":{"summary":"Before")"));
    EXPECT_THAT(document.body, HasSubstr(R"("/g/after":{"put":{"summary":"After","tags":["grouped"])"));
    EXPECT_THAT(document.body, testing::Not(HasSubstr("hidden")));
    EXPECT_EQ(peer.get("/docs").status, 404U) << "without Swagger UI there is no page";
}

TEST_P(HttpRouterTest, the_page_is_there_with_what_it_loads) {
    const TemporaryFolder swagger_ui;
    swagger_ui.write("swagger-ui.css", "style");
    swagger_ui.write("swagger-ui-bundle.js", "bundle");
    swagger_ui.write("index.html", "not ours");
    router.openapi({.title = "Test", .page_path = "/help", .swagger_ui_folder = swagger_ui.path()});
    serve_routes();
    HttpPeer peer = this->peer();
    const Answer page = peer.get("/help");
    EXPECT_EQ(page.field("Content-Type"), "text/html; charset=utf-8");
    EXPECT_THAT(page.field("Content-Security-Policy").value_or(""), StartsWith("default-src 'none'"));
    EXPECT_THAT(page.body, HasSubstr("/openapi.json"));
    EXPECT_EQ(peer.get("/help/swagger-ui.css").body, "style");
    EXPECT_EQ(peer.get("/help/swagger-ui-bundle.js").body, "bundle");
    EXPECT_THAT(peer.get("/help/start.js").body, HasSubstr("SwaggerUIBundle"));
    EXPECT_EQ(peer.get("/help/index.html").status, 404U);
}

TEST_P(HttpRouterTest, many_connections_share_the_routes) {
    std::atomic<std::size_t> calls = 0;
    router.get("/:a/:b/*rest", [&calls](const Request& request, Response& response) {
        ++calls;
        response.send(std::string{request.parameter("a")} + ' ' + std::string{request.parameter("rest")});
    });
    serve_routes();
    constexpr std::size_t threads = 4;
    constexpr std::size_t requests = scaled(500);
    std::vector<std::thread> clients;
    for (std::size_t i = 0; i < threads; ++i) {
        clients.emplace_back([&, name = std::to_string(i)] {
            HttpPeer peer{server->address()};
            for (std::size_t j = 0; j < requests; ++j) {
                EXPECT_EQ(peer.get("/%3" + name + "/b/c/" + std::to_string(j)).body, name + " c/" + std::to_string(j));
            }
        });
    }
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(calls, threads * requests);
}

}  // namespace
}  // namespace pollux::test
