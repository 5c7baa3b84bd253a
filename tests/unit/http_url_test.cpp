// URLs: what is one, what it says, and what references mean.
#include "proto/http/url.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "unit/support.h"

namespace pollux::test {
namespace {

using namespace http;
using namespace std::string_view_literals;

Url parsed_url(std::string_view text) {
    Url url;
    EXPECT_TRUE(Url::parse(text, url)) << text;
    return url;
}

TEST(HttpUrlTest, is_taken_apart) {
    const Url url = parsed_url("http://example.org:8080/a/b;c?x=1&y=/?#part");
    EXPECT_FALSE(url.secure);
    EXPECT_EQ(url.host, "example.org");
    EXPECT_EQ(url.port, 8080);
    EXPECT_EQ(url.path, "/a/b;c");
    EXPECT_EQ(url.query, "?x=1&y=/?");
    EXPECT_EQ(url.target("GET"), "/a/b;c?x=1&y=/?");
    EXPECT_EQ(url.authority(), "example.org:8080");
    EXPECT_EQ(url.origin(), "http://example.org:8080");
}

TEST(HttpUrlTest, has_the_port_of_its_scheme) {
    EXPECT_EQ(parsed_url("http://a").port, 80);
    EXPECT_EQ(parsed_url("https://a").port, 443);
    EXPECT_EQ(parsed_url("https://a:/").port, 443) << "an empty port stands for it too";
    EXPECT_EQ(parsed_url("HTTPS://A/").origin(), "https://a:443");
    EXPECT_EQ(parsed_url("https://a:443/").authority(), "a");
    EXPECT_EQ(parsed_url("https://a:80/").authority(), "a:80");
    EXPECT_EQ(parsed_url("http://a:443/").authority(), "a:443");
}

TEST(HttpUrlTest, ipv6_addresses_have_brackets_outside_only) {
    const Url url = parsed_url("http://[2001:DB8::1]:81/x");
    EXPECT_EQ(url.host, "2001:db8::1");
    EXPECT_EQ(url.authority(), "[2001:db8::1]:81");
    EXPECT_EQ(url.to_string(), "http://[2001:db8::1]:81/x");
    EXPECT_EQ(parsed_url("http://[::ffff:1.2.3.4]").origin(), "http://[::ffff:1.2.3.4]:80");
}

TEST(HttpUrlTest, an_empty_path_is_the_root_but_for_options) {
    EXPECT_EQ(parsed_url("http://a").target("GET"), "/");
    EXPECT_EQ(parsed_url("http://a?q").target("GET"), "/?q");
    EXPECT_EQ(parsed_url("http://a").target("OPTIONS"), "*");
    EXPECT_EQ(parsed_url("http://a/").target("OPTIONS"), "/");
    EXPECT_EQ(parsed_url("http://a?q").target("OPTIONS"), "/?q");
}

TEST(HttpUrlTest, what_cannot_stand_in_it_is_encoded) {
    EXPECT_EQ(parsed_url("http://a/<\"{|}\\^`>").target("GET"), "/%3C%22%7B%7C%7D%5C%5E%60%3E");
    EXPECT_EQ(parsed_url("http://a/\xC3\xA9?\xFF").target("GET"), "/%C3%A9?%FF");
    EXPECT_EQ(parsed_url("http://a/%C3%a9%").target("GET"), "/%C3%a9%") << "what is encoded is left as it is";
}

TEST(HttpUrlTest, what_is_none_is_refused_and_changes_nothing) {
    for (const std::string_view text : {
             ""sv,
             "/"sv,
             "a"sv,
             "//a"sv,
             "a://b"sv,
             "ftp://a"sv,
             "http:/a"sv,
             "http:a"sv,
             "http://"sv,
             "http:///a"sv,
             "http://:80"sv,
             "http://?"sv,
             "http://a:b"sv,
             "http://a:0"sv,
             "http://a:-1"sv,
             "http://a:65536"sv,
             "http://a:+1"sv,
             "http://a:1:2"sv,
             "http://u@a"sv,
             "http://u:p@a"sv,
             "http://a b"sv,
             "http://a/ b"sv,
             " http://a"sv,
             "http://a\r\n"sv,
             "http://a/\r"sv,
             "http://a/\n"sv,
             "http://a/\0"sv,
             "http://a/\t"sv,
             "http://a/\x7F"sv,
             "http://a%41"sv,
             "http://[a]"sv,
             "http://[::1"sv,
             "http://[::1]x"sv,
             "http://[::g]"sv,
             "http://[:]"sv,
             "http://[]"sv,
             "http://\xC3\xA9"sv,
             "http://a,b"sv,
         }) {
        Url url = parsed_url("http://before/x");
        EXPECT_FALSE(Url::parse(text, url)) << testing::PrintToString(text);
        EXPECT_EQ(url, parsed_url("http://before/x"));
    }
    Url url;
    EXPECT_FALSE(Url::parse("http://" + std::string(256, 'a'), url));
    EXPECT_TRUE(Url::parse("http://" + std::string(255, 'a'), url));
}

/// RFC 3986, 5.4, with `http://a/b/c/d;p?q` as the base.
TEST(HttpUrlTest, references_mean_what_the_standard_says) {
    const std::pair<std::string_view, std::string_view> examples[] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"g#s", "http://a/b/c/g"},
        {"g?y#s", "http://a/b/c/g?y"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"http://other:81/x/../y", "http://other:81/y"},
        {"https://a/z", "https://a/z"},
        {"//other:81/x", "http://other:81/x"},
    };
    const Url base = parsed_url("http://a/b/c/d;p?q");
    for (const auto& [reference, meaning] : examples) {
        Url url;
        ASSERT_TRUE(base.resolve(reference, url)) << reference;
        EXPECT_EQ(url.to_string(), meaning) << reference;
    }
}

TEST(HttpUrlTest, references_of_a_base_without_a_path) {
    Url url;
    ASSERT_TRUE(parsed_url("https://a:444").resolve("x", url));
    EXPECT_EQ(url.to_string(), "https://a:444/x");
    ASSERT_TRUE(parsed_url("https://a").resolve("//b", url));
    EXPECT_TRUE(url.secure) << "the scheme is the base's";
    EXPECT_EQ(url.port, 443);
}

TEST(HttpUrlTest, references_to_elsewhere_are_refused) {
    const Url base = parsed_url("http://a/b");
    Url url = base;
    for (const std::string_view reference :
         {"ftp://a/"sv, "mailto:x"sv, "javascript:0"sv, "http:x"sv, "//u@b/"sv, "/a b"sv, "/\r\nX: y"sv, "/\0"sv}) {
        EXPECT_FALSE(base.resolve(reference, url)) << testing::PrintToString(reference);
        EXPECT_EQ(url, base);
    }
}

/// Whatever comes in, what comes out can be parsed again, to the same, and has nothing in it that ends a line.
TEST(HttpUrlTest, is_stable) {
    Random random{7};
    constexpr std::string_view pieces[] = {"http://", "https://", "//", "/",    "?",    "#", "..", ".",
                                           ":",       "@",        "[",  "]",    "::1",  "a", "B",  "80",
                                           "%",       "%41",      " ",  "\r\n", "\x80", "{", "*"};
    const Url base = parsed_url("http://base/x/y?z");
    for (std::size_t round = 0; round < scaled(200'000); ++round) {
        std::string text = random.one_in(2) ? "http://a" : "";
        for (std::uint64_t count = random.up_to(8); count != 0; --count) {
            text += pieces[random.size_up_to(std::size(pieces) - 1)];
        }
        Url url;
        if (!(random.one_in(2) ? Url::parse(text, url) : base.resolve(text, url))) continue;
        const std::string target = url.target("GET") + url.authority();
        EXPECT_EQ(target.find_first_of(" \r\n\t#"), std::string::npos) << text;
        EXPECT_EQ(url.target("GET").front(), '/') << text;
        Url again;
        ASSERT_TRUE(Url::parse(url.to_string(), again)) << text << " -> " << url.to_string();
        EXPECT_EQ(again, url) << text;
    }
}

}  // namespace
}  // namespace pollux::test
