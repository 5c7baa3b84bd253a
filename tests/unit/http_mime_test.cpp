// Media types by extension.
#include "proto/http/mime.h"

#include <gtest/gtest.h>

namespace pollux::test {
namespace {

using http::MimeTypes;

TEST(MimeTypesTest, knows_what_pages_are_made_of) {
    const MimeTypes types;
    EXPECT_EQ(types.of("index.html"), "text/html; charset=utf-8");
    EXPECT_EQ(types.of("site.css"), "text/css; charset=utf-8");
    EXPECT_EQ(types.of("app.js"), "text/javascript; charset=utf-8");
    EXPECT_EQ(types.of("app.mjs"), "text/javascript; charset=utf-8");
    EXPECT_EQ(types.of("app.js.map"), "application/json");
    EXPECT_EQ(types.of("data.json"), "application/json");
    EXPECT_EQ(types.of("module.wasm"), "application/wasm");
    EXPECT_EQ(types.of("logo.svg"), "image/svg+xml; charset=utf-8");
    EXPECT_EQ(types.of("photo.avif"), "image/avif");
    EXPECT_EQ(types.of("font.woff2"), "font/woff2");
    EXPECT_EQ(types.of("film.mp4"), "video/mp4");
    EXPECT_EQ(types.of("notes.txt"), "text/plain; charset=utf-8");
    EXPECT_EQ(types.of("archive.tar.gz"), "application/gzip");
}

TEST(MimeTypesTest, the_first_and_the_last_of_the_table_are_found) {
    const MimeTypes types;
    EXPECT_EQ(types.of("a.7z"), "application/x-7z-compressed");
    EXPECT_EQ(types.of("a.zst"), "application/zstd");
}

TEST(MimeTypesTest, extensions_have_no_case) {
    const MimeTypes types{{{"WebApp", "application/x-webapp"}}};
    EXPECT_EQ(types.of("INDEX.HTML"), types.of("index.html"));
    EXPECT_EQ(types.of("a.webapp"), "application/x-webapp");
    EXPECT_EQ(types.of("a.WEBAPP"), "application/x-webapp");
}

TEST(MimeTypesTest, what_nobody_knows_is_bytes) {
    const MimeTypes types;
    for (const char* path : {"", ".", "/", "file", "file.", "file.unknown", "a.html/file", "html", "a.htmlx", "a.htm l",
                             "a.\xFF", "a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
        EXPECT_EQ(types.of(path), "application/octet-stream") << path;
    }
}

TEST(MimeTypesTest, only_the_last_segment_counts) {
    const MimeTypes types;
    EXPECT_EQ(types.of("v1.2/page.html"), "text/html; charset=utf-8");
    EXPECT_EQ(types.of("styles.css/png"), "application/octet-stream");
}

TEST(MimeTypesTest, ones_own_come_before_the_built_in_ones) {
    const MimeTypes types{{{"html", "text/html"}, {"pollux", "application/x-pollux"}}};
    EXPECT_EQ(types.of("a.html"), "text/html");
    EXPECT_EQ(types.of("a.pollux"), "application/x-pollux");
    EXPECT_EQ(types.of("a.css"), "text/css; charset=utf-8");
}

TEST(MimeTypesTest, of_two_for_one_extension_the_later_counts) {
    const MimeTypes types{{{"b", "second/one"}, {"a", "first/one"}, {"B", "second/two"}, {"c", "third/one"}}};
    EXPECT_EQ(types.of("x.a"), "first/one");
    EXPECT_EQ(types.of("x.b"), "second/two");
    EXPECT_EQ(types.of("x.c"), "third/one");
}

}  // namespace
}  // namespace pollux::test
