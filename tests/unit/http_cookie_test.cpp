// Cookies: set so that nothing in them can end them, and found by their names.
#include "proto/http/cookie.h"

#include <chrono>
#include <string>
#include <string_view>

#include "unit/support.h"

namespace pollux::test {
namespace {

using http::Cookie;
using http::find_cookie;
using http::set_cookie_value;
using namespace std::chrono_literals;

TEST(HttpCookieTest, is_set_with_what_it_has) {
    EXPECT_EQ(set_cookie_value({.name = "a", .value = "b"}), "a=b");
    EXPECT_EQ(set_cookie_value({.name = "a", .value = ""}), "a=");
    EXPECT_EQ(set_cookie_value({.name = "a", .value = "b", .max_age = 0s}), "a=b; Max-Age=0");
    EXPECT_EQ(set_cookie_value({.name = "id",
                                .value = "x=y/z",
                                .path = "/p q",
                                .domain = "example.com",
                                .max_age = 90s,
                                .secure = true,
                                .http_only = true,
                                .same_site = Cookie::SameSite::lax}),
              "id=x=y/z; Path=/p q; Domain=example.com; Max-Age=90; Secure; HttpOnly; SameSite=Lax");
    EXPECT_EQ(set_cookie_value({.name = "a", .value = "b", .same_site = Cookie::SameSite::strict}),
              "a=b; SameSite=Strict");
    EXPECT_EQ(set_cookie_value({.name = "a", .value = "b", .same_site = Cookie::SameSite::none}), "a=b; SameSite=None");
}

TEST(HttpCookieTest, is_not_set_with_characters_that_would_end_it) {
    for (const std::string_view name : {"", "a b", "a=", "a;", "a\r", "\xE4", "a,"}) {
        EXPECT_EQ(set_cookie_value({.name = name, .value = "x"}), std::nullopt) << name;
    }
    for (const std::string_view value : {"a b", "a;b", "a,b", "a\"", "a\\", "a\r\nb", "\x7F", "\xE4", "a\tb"}) {
        EXPECT_EQ(set_cookie_value({.name = "n", .value = value}), std::nullopt) << value;
    }
    EXPECT_EQ(set_cookie_value({.name = "n", .value = {"a\0b", 3}}), std::nullopt);
    for (const std::string_view attribute : {"/;Secure", "/\r\nX: y", "\n"}) {
        EXPECT_EQ(set_cookie_value({.name = "n", .value = "v", .path = attribute}), std::nullopt) << attribute;
        EXPECT_EQ(set_cookie_value({.name = "n", .value = "v", .domain = attribute}), std::nullopt) << attribute;
    }
}

TEST(HttpCookieTest, is_found_among_others) {
    const std::string_view field = "a=1; bb=2;c=3 ;  d = 4; e; f=; g=\"quoted\"; h=\"; i=a=b; a=second; A=upper";
    EXPECT_EQ(find_cookie(field, "a"), "1");
    EXPECT_EQ(find_cookie(field, "A"), "upper") << "names have case";
    EXPECT_EQ(find_cookie(field, "bb"), "2");
    EXPECT_EQ(find_cookie(field, "c"), "3");
    EXPECT_EQ(find_cookie(field, "f"), "");
    EXPECT_EQ(find_cookie(field, "g"), "quoted");
    EXPECT_EQ(find_cookie(field, "h"), "\"");
    EXPECT_EQ(find_cookie(field, "i"), "a=b");
    for (const std::string_view name : {"b", "e", "1", "quoted", "second", "", "z"}) {
        EXPECT_EQ(find_cookie(field, name), std::nullopt) << name;
    }
    EXPECT_EQ(find_cookie("", "a"), std::nullopt);
    EXPECT_EQ(find_cookie(";;; ;", "a"), std::nullopt);
}

}  // namespace
}  // namespace pollux::test
