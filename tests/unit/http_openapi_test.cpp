// The OpenAPI document and the page that shows it.
#include "proto/http/openapi.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "http/openapi_page.h"
#include "proto/http/json_writer.h"

namespace pollux::test {
namespace {

using http::DescribedRoute;
using http::JsonWriter;
using http::Method;
using http::OpenApiOptions;
using http::Operation;
using http::ParameterPlace;
using testing::HasSubstr;
using testing::Not;

std::string document(const std::vector<DescribedRoute>& routes, const OpenApiOptions& options = {.title = "T"}) {
    return http::openapi_document(options, routes);
}

/// What the document tells of one operation with the method GET.
std::string described(Operation operation, std::string pattern = "/a") {
    operation.summary = "s";
    return document({{Method::get, std::move(pattern), std::move(operation)}});
}

TEST(JsonWriterTest, puts_commas_where_they_belong) {
    JsonWriter json;
    json.object([&] {
        json.member("a", "1");
        json.object("b", [] {});
        json.array("c", [&] {
            json.string("x");
            json.string("y");
            json.object([&] { json.flag("t", true); });
            json.object([&] { json.flag("f", false); });
        });
        json.array("d", [] {});
        json.member("e", "");
        json.member_unless_empty("f", "");
        json.member_unless_empty("g", "2");
    });
    EXPECT_EQ(json.take(), R"({"a":"1","b":{},"c":["x","y",{"t":true},{"f":false}],"d":[],"e":"","g":"2"})");
}

TEST(JsonWriterTest, escapes_what_must_be) {
    JsonWriter json;
    json.string("\"\\/ \n\r\t\b\f" + std::string{'\0', '\x1f', '\x7f'} + "é€😀");
    EXPECT_EQ(json.take(), R"("\"\\/ \n\r\t\u0008\u000c\u0000\u001f)"
                           "\x7f"
                           R"(é€😀")");
}

TEST(OpenApiTest, names_the_version_and_the_api) {
    EXPECT_EQ(
        document({}, {.title = "Cache", .version = "2.1", .description = "Keeps \"it\"."}),
        R"({"openapi":"3.0.3","info":{"title":"Cache","description":"Keeps \"it\".","version":"2.1"},"paths":{}})");
    EXPECT_EQ(document({}, {.title = "Cache"}),
              R"({"openapi":"3.0.3","info":{"title":"Cache","version":"1.0.0"},"paths":{}})");
}

TEST(OpenApiTest, shows_what_has_a_summary) {
    const std::string json =
        document({{Method::get, "/shown", {.summary = "One"}}, {Method::get, "/hidden", {.description = "Two"}}});
    EXPECT_THAT(json,
                HasSubstr(R"("paths":{"/shown":{"get":{"summary":"One","responses":{"200":{"description":"OK"}}}}})"));
    EXPECT_THAT(json, Not(HasSubstr("hidden")));
}

TEST(OpenApiTest, operations_of_a_path_are_together) {
    const std::string json = document({{Method::get, "/b", {.summary = "1"}},
                                       {Method::put, "/a", {.summary = "2"}},
                                       {Method::del, "/b", {.summary = "3"}},
                                       {Method::patch, "/b", {.summary = "4"}}});
    const std::string responses = R"("responses":{"200":{"description":"OK"}}})";
    EXPECT_THAT(json, HasSubstr(R"("paths":{"/b":{"get":{"summary":"1",)" + responses + R"(,"delete":{"summary":"3",)" +
                                responses + R"(,"patch":{"summary":"4",)" + responses +
                                R"(},"/a":{"put":{"summary":"2",)" + responses + "}}"));
}

TEST(OpenApiTest, paths_are_templates) {
    EXPECT_EQ(http::path_template("/"), "/");
    EXPECT_EQ(http::path_template("/users/:id/*rest"), "/users/{id}/{rest}");
    EXPECT_EQ(http::path_template("/a b/{c}/100%/é/x:y@z/"), "/a%20b/%7Bc%7D/100%25/%C3%A9/x:y@z/");
}

TEST(OpenApiTest, parameters_of_the_pattern_are_added) {
    const std::string json = described({.parameters = {{.name = "id", .place = ParameterPlace::path, .type = "integer"},
                                                       {.name = "rest", .place = ParameterPlace::query}}},
                                       "/:id/*rest");
    EXPECT_THAT(json, HasSubstr(R"("parameters":[)"
                                R"({"name":"id","in":"path","required":true,"schema":{"type":"integer"}},)"
                                R"({"name":"rest","in":"query","required":false,"schema":{"type":"string"}},)"
                                R"({"name":"rest","in":"path","required":true,"schema":{"type":"string"}}])"));
}

TEST(OpenApiTest, parameters_are_where_they_are) {
    const std::string json =
        described({.parameters = {{.name = "h", .place = ParameterPlace::header, .description = "H", .required = true},
                                  {.name = "c", .place = ParameterPlace::cookie, .type = "boolean"}}});
    EXPECT_THAT(json, HasSubstr(R"({"name":"h","in":"header","description":"H","required":true,)"
                                R"("schema":{"type":"string"}})"));
    EXPECT_THAT(json, HasSubstr(R"({"name":"c","in":"cookie","required":false,"schema":{"type":"boolean"}})"));
}

TEST(OpenApiTest, tags_and_description) {
    EXPECT_THAT(described({.description = "Long.", .tags = {"x", "y"}}),
                HasSubstr(R"({"summary":"s","description":"Long.","tags":["x","y"],"responses")"));
}

TEST(OpenApiTest, bodies_have_a_type_of_their_own) {
    EXPECT_THAT(described({.request_content_type = "text/plain; charset=utf-8"}),
                HasSubstr(R"("requestBody":{"content":{"text/plain; charset=utf-8":{"schema":{"type":"string"}}}})"));
    EXPECT_THAT(described({.request_content_type = "application/json"}),
                HasSubstr(R"({"application/json":{"schema":{}}})"));
    EXPECT_THAT(described({.request_content_type = "application/problem+json"}), HasSubstr(R"({"schema":{}})"));
    EXPECT_THAT(described({.request_content_type = "image/png"}),
                HasSubstr(R"({"image/png":{"schema":{"type":"string","format":"binary"}}})"));
}

TEST(OpenApiTest, answers_of_one_status_are_one_entry) {
    const std::string json = described({.responses = {{.status = 200, .content_type = "text/plain"},
                                                      {.status = 404, .description = "No such key"},
                                                      {.status = 200, .content_type = "application/json"},
                                                      {.status = 200, .content_type = "text/plain"}}});
    EXPECT_THAT(json, HasSubstr(R"("responses":{"200":{"description":"OK","content":{)"
                                R"("text/plain":{"schema":{"type":"string"}},"application/json":{"schema":{}}}},)"
                                R"("404":{"description":"No such key"}})"));
}

TEST(OpenApiPageTest, loads_everything_from_below_its_path) {
    const std::string page =
        http::openapi_page({.title = "A <b> & \"c\"", .document_path = "/the api.json", .page_path = "/docs"});
    EXPECT_THAT(page, HasSubstr("<title>A &lt;b&gt; &amp; &quot;c&quot;</title>"));
    EXPECT_THAT(page, HasSubstr("href=\"/docs/swagger-ui.css\""));
    EXPECT_THAT(page, HasSubstr("src=\"/docs/swagger-ui-bundle.js\""));
    EXPECT_THAT(page, HasSubstr("src=\"/docs/start.js\" data-document=\"/the%20api.json\""));
    EXPECT_THAT(http::openapi_page({.page_path = "/"}), HasSubstr("src=\"/start.js\""));
}

TEST(OpenApiPageTest, has_nothing_inline) {
    const std::string page = http::openapi_page({.title = "T"});
    EXPECT_THAT(page, Not(HasSubstr("<script>")));
    EXPECT_THAT(page, Not(HasSubstr("<style")));
    EXPECT_THAT(page, Not(HasSubstr("style=")));
}

}  // namespace
}  // namespace pollux::test
