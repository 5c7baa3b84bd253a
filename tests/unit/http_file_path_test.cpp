// Paths of files out of paths of requests: what is decoded, and everything that is refused.
#include "proto/http/file_path.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace pollux::test {
namespace {

std::optional<std::string> path_of(std::string_view raw_path, std::string_view index = "index.html") {
    Arena arena;
    const auto path = http::file_path(raw_path, index, arena);
    return path ? std::optional<std::string>{*path} : std::nullopt;
}

TEST(FilePathTest, is_the_path_as_it_was_sent) {
    EXPECT_EQ(path_of("a"), "a");
    EXPECT_EQ(path_of("a.txt"), "a.txt");
    EXPECT_EQ(path_of("css/deep/site.css"), "css/deep/site.css");
    EXPECT_EQ(path_of("a..b/c..."), "a..b/c...");
    EXPECT_EQ(path_of("~a/-b/_c/d+e"), "~a/-b/_c/d+e");
}

TEST(FilePathTest, is_decoded) {
    EXPECT_EQ(path_of("a%20b/%63.txt"), "a b/c.txt");
    EXPECT_EQ(path_of("%C3%A4.txt"), "\xC3\xA4.txt");
    EXPECT_EQ(path_of("%FF"), "\xFF");
    EXPECT_EQ(path_of("100%25"), "100%");
    EXPECT_EQ(path_of("a%252e%252e"), "a%2e%2e") << "only once";
    EXPECT_EQ(path_of("%252e%252e/x"), "%2e%2e/x") << "only once";
}

TEST(FilePathTest, a_folder_stands_for_its_index) {
    EXPECT_EQ(path_of(""), "index.html");
    EXPECT_EQ(path_of("a/"), "a/index.html");
    EXPECT_EQ(path_of("a/b%20c/"), "a/b c/index.html");
    EXPECT_EQ(path_of("", ""), std::nullopt);
    EXPECT_EQ(path_of("a/", ""), std::nullopt);
    EXPECT_EQ(path_of("a", ""), "a");
}

class NoFilePathTest : public testing::TestWithParam<const char*> {};

TEST_P(NoFilePathTest, is_refused) {
    EXPECT_EQ(path_of(GetParam()), std::nullopt);
    EXPECT_EQ(path_of(std::string{"a/"} + GetParam()), std::nullopt);
    EXPECT_EQ(path_of(std::string{GetParam()} + "/a"), std::nullopt);
    EXPECT_EQ(path_of(std::string{"a/"} + GetParam() + "/a"), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(OneSegment, NoFilePathTest,
                         testing::Values(".", "..", "...", ".hidden", ".htaccess", "%2e", "%2E", "%2e%2e", "%2E.",
                                         ".%2e", "..%2f", "..%2f..%2fetc%2fpasswd", "%2e%2e%2fpasswd", "a%2fb", "a%2Fb",
                                         "%2f", "%2fetc", "..%5c..%5cboot.ini", "a%5cb", "a\\b", "\\", "..\\",
                                         "c:", "C%3A", "a:b", "con%3a", "%00", "a%00", "a%00.html", "%", "%2", "%zz",
                                         "%2g", "a%", "%-1", "/", "//", "/etc/passwd"));

TEST(FilePathTest, a_segment_may_not_be_empty) {
    for (const char* path : {"/", "//", "/a", "a//b", "a//", "//a", "/.."}) {
        EXPECT_EQ(path_of(path), std::nullopt) << path;
    }
}

}  // namespace
}  // namespace pollux::test
