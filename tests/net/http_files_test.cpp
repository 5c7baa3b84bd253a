// Files of a folder behind a server: what is answered, to whom, and that nothing else is.
#include <gmock/gmock.h>

#include <filesystem>
#include <random>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_files_support.h"

namespace pollux::test {
namespace {

using testing::Optional;

INSTANTIATE_TEST_SUITE_P(Wires, HttpFilesTest, every_wire, wire_name);

TEST_P(HttpFilesTest, a_file_is_answered_with) {
    write("hello.txt", "hello");
    write("sub/empty.css", "");
    serve_files({.cache_control = "max-age=60"});
    HttpPeer peer = connect();
    const Answer answer = peer.get("/hello.txt");
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(answer.body, "hello");
    EXPECT_EQ(answer.field("Content-Length"), "5");
    EXPECT_EQ(answer.field("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_EQ(answer.field("Last-Modified"), "Sun, 09 Sep 2001 01:46:40 GMT");
    EXPECT_EQ(answer.field("Accept-Ranges"), "bytes");
    EXPECT_EQ(answer.field("Cache-Control"), "max-age=60");
    const std::string etag = answer.field("ETag").value_or("");
    EXPECT_TRUE(std::regex_match(etag, std::regex{"\"[0-9a-f-]+\""})) << etag;
    EXPECT_EQ(answer.field("Content-Encoding"), std::nullopt);
    EXPECT_EQ(answer.field("Vary"), std::nullopt);
    for (const char* name : {"ETag", "Last-Modified", "Content-Type", "Cache-Control", "Date"}) {
        EXPECT_EQ(answer.count(name), 1U) << name;
    }

    const Answer empty = peer.get("/sub/empty.css?version=7");
    EXPECT_EQ(empty.status, 200U);
    EXPECT_EQ(empty.body, "");
    EXPECT_EQ(empty.field("Content-Length"), "0");
    EXPECT_EQ(empty.field("Content-Type"), "text/css; charset=utf-8");
}

TEST_P(HttpFilesTest, head_tells_the_same_without_the_body) {
    write("small", "hello");
    write("large", std::string(100, 'x'));
    serve_files({.max_cached_file_bytes = 50});
    HttpPeer peer = connect();
    for (const char* path : {"/small", "/large", "/nothing"}) {
        const Answer get = peer.get(path);
        const Answer head = peer.ask("HEAD", path);
        EXPECT_EQ(head.status, get.status);
        EXPECT_EQ(head.body, "");
        for (const char* name : {"Content-Length", "ETag", "Last-Modified", "Content-Type", "Accept-Ranges"}) {
            EXPECT_EQ(head.field(name), get.field(name)) << path << ": " << name;
        }
    }
    EXPECT_EQ(peer.ask("HEAD", "/small", "Range: bytes=0-1\r\n").status, 200U) << "a range is of GET alone";
    EXPECT_EQ(peer.get("/small").body, "hello") << "the connection is still good";
}

TEST_P(HttpFilesTest, a_folder_is_its_index) {
    write("index.html", "root");
    write("sub/index.html", "sub");
    write("none/file", "file");
    std::filesystem::create_directories(folder / "odd/index.html");
    serve_files();
    HttpPeer peer = connect();
    EXPECT_EQ(peer.get("/").body, "root");
    EXPECT_EQ(peer.get("/").field("Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(peer.get("/sub/").body, "sub");
    EXPECT_EQ(peer.get("/sub/index.html").body, "sub");
    EXPECT_EQ(peer.get("/none/").status, 404U);
    EXPECT_EQ(peer.get("/odd/").status, 404U) << "an index that is a folder";
    EXPECT_EQ(peer.get("/index.html/").status, 404U) << "a file is no folder";
}

TEST_P(HttpFilesTest, a_folder_without_its_slash_is_elsewhere) {
    write("sub dir/index.html", "sub");
    serve_files();
    HttpPeer peer = connect();
    const Answer answer = peer.get("/sub%20dir");
    EXPECT_EQ(answer.status, 301U);
    EXPECT_EQ(answer.field("Location"), "/sub%20dir/");
    EXPECT_EQ(peer.get("/sub%20dir?a=b&c=%20").field("Location"), "/sub%20dir/?a=b&c=%20");
    EXPECT_EQ(peer.get("http://elsewhere/sub%20dir").field("Location"), "/sub%20dir/");
    EXPECT_EQ(peer.get("/sub%20dir/").body, "sub");
}

TEST_P(HttpFilesTest, no_redirection_leads_to_another_host) {
    write("sub/index.html", "sub");
    serve_files();
    HttpPeer peer = connect();
    for (const char* target : {"//sub", "///sub", "//elsewhere.test/sub", "//sub/..", "/\\sub", "/%2Fsub", "/%5Csub"}) {
        const Answer answer = peer.get(target);
        EXPECT_EQ(answer.field("Location"), std::nullopt) << target;
        if (answer.says_close()) peer = connect();
    }
}

TEST_P(HttpFilesTest, without_an_index_a_folder_is_nothing) {
    write("index.html", "root");
    write("sub/file", "file");
    serve_files({.index = ""});
    HttpPeer peer = connect();
    EXPECT_EQ(peer.get("/").status, 404U);
    EXPECT_EQ(peer.get("/sub").status, 404U);
    EXPECT_EQ(peer.get("/sub/").status, 404U);
    EXPECT_EQ(peer.get("/sub/file").body, "file");
}

TEST_P(HttpFilesTest, names_are_decoded_once) {
    write("a b.txt", "space");
    write("100%.txt", "percent");
    write("\xC3\xA4.txt", "umlaut");
    write("%2e%2e", "not up");
    serve_files();
    HttpPeer peer = connect();
    EXPECT_EQ(peer.get("/a%20b.txt").body, "space");
    EXPECT_EQ(peer.get("/%61%20%62%2etxt").body, "space");
    EXPECT_EQ(peer.get("/100%25.txt").body, "percent");
    EXPECT_EQ(peer.get("/%c3%A4.txt").body, "umlaut");
    EXPECT_EQ(peer.get("/%252e%252e").body, "not up");
    EXPECT_EQ(peer.get("/a+b.txt").status, 404U) << "a plus is no space in a path";
}

TEST_P(HttpFilesTest, no_path_leads_out) {
    const TemporaryFolder outside;
    outside.write("secret", "secret");
    const std::string name = outside.path().filename().string();
    write("index.html", "root");
    write("sub/file", "file");
    write(".hidden", "secret");
    write(".git/config", "secret");
    write("sub/.env", "secret");
    if (folder.has_links()) {
        folder.link("out", outside / "secret");
        folder.link("out-relative", "../" + name + "/secret");
        folder.link("out-folder", outside.path());
        folder.link("to-root", "/");
        folder.link("magic", "/proc/self/cwd");
    }
    serve_files();
    std::vector<std::string> targets{"/.hidden",
                                     "/%2ehidden",
                                     "/.git/config",
                                     "/%2Egit/config",
                                     "/sub/.env",
                                     "/sub/%2eenv",
                                     "/out",
                                     "/out-relative",
                                     "/out-folder",
                                     "/out-folder/secret",
                                     "/to-root" + (outside / "secret").generic_string(),
                                     "/magic",
                                     "/magic/secret",
                                     "/sub/file%00",
                                     "/sub/file%00.html",
                                     "/sub/file/",
                                     "/sub/file/x",
                                     "//etc/passwd",
                                     "/%2fetc/passwd",
                                     "/etc/passwd",
                                     "/C:/secret",
                                     "/sub:secret",
                                     "/sub/file::$DATA",
                                     "/%",
                                     "/%zz",
                                     "/sub%2ffile",
                                     "/sub%5cfile",
                                     "/sub//file",
                                     "/./sub/file",
                                     "/sub/./file",
                                     "/sub/../sub/file",
                                     "/%2e/sub/file",
                                     "/" + std::string(300, 'a'),
                                     "/" + std::string(5000, 'a')};
    const std::string to_secret = name + "/secret";
    for (const char* up : {"..", "%2e%2e", "%2E.", ".%2e", "..%00", "..;", "...", "..%c0%af..", "%c0%ae%c0%ae",
                           "..%5c..", "%252e%252e", "..\\.."}) {
        for (const char* slash : {"/", "%2f", "%2F", "%5c", "\\", "//"}) {
            targets.push_back(std::string{"/"} + up + slash + to_secret);
            targets.push_back(std::string{"/sub/"} + up + slash + up + slash + to_secret);
        }
    }
    HttpPeer peer = connect();
    for (const std::string& target : targets) {
        const Answer answer = peer.get(target);
        EXPECT_TRUE(answer.status == 404 || answer.status == 400) << answer.status << " for " << target;
        EXPECT_EQ(answer.body.find("secret"), std::string::npos) << target;
        EXPECT_EQ(answer.field("Location"), std::nullopt) << target;
        if (answer.says_close()) peer = connect();
    }
    EXPECT_EQ(peer.get("/sub/file").body, "file");
}

TEST_P(HttpFilesTest, a_link_that_stays_within_is_followed) {
    if (!folder.has_links()) GTEST_SKIP() << no_links;
    write("data/v2/file", "two");
    folder.link("data/current", "v2");
    folder.link("data/v2/up", "../../data/v2/file");
    serve_files();
    HttpPeer peer = connect();
    EXPECT_EQ(peer.get("/data/current/file").body, "two");
    EXPECT_EQ(peer.get("/data/v2/up").body, "two");
}

TEST_P(HttpFilesTest, what_is_no_file_is_not_served) {
    static_cast<void>(make_pipe(folder / "pipe"));  // where it cannot be made, nothing is there
    if (folder.has_links()) {
        folder.link("loop", "loop");
        folder.link("dangling", "nothing");
    }
    serve_files();
    HttpPeer peer = connect();
    for (const char* target : {"/pipe", "/loop", "/dangling", "/nothing", "/pipe/"}) {
        EXPECT_EQ(peer.get(target).status, 404U) << target;
    }
}

TEST_P(HttpFilesTest, a_client_that_has_the_file_is_told_so) {
    write("file", "content");
    serve_files({.cache_control = "no-cache"});
    HttpPeer peer = connect();
    const Answer first = peer.get("/file");
    const std::string etag = first.field("ETag").value();
    const std::string date = first.field("Last-Modified").value();
    for (const std::string& fields :
         {line("If-None-Match", etag), line("If-None-Match", "\"x\", W/" + etag), line("If-None-Match", "*"),
          line("If-Modified-Since", date), line("If-None-Match", etag) + line("Range", "bytes=0-1")}) {
        const Answer answer = peer.get("/file", fields);
        EXPECT_EQ(answer.status, 304U) << fields;
        EXPECT_EQ(answer.body, "");
        EXPECT_EQ(answer.field("ETag"), etag);
        EXPECT_EQ(answer.field("Cache-Control"), "no-cache");
        EXPECT_EQ(answer.field("Content-Type"), std::nullopt);
    }
    EXPECT_EQ(peer.ask("HEAD", "/file", line("If-None-Match", etag)).status, 304U);
    for (const std::string& fields :
         {line("If-None-Match", "\"x\""), line("If-Modified-Since", "Sun, 09 Sep 2001 01:46:39 GMT"),
          line("If-None-Match", "\"x\"") + line("If-Modified-Since", date), line("If-Match", etag),
          line("If-Unmodified-Since", date)}) {
        EXPECT_EQ(peer.get("/file", fields).body, "content") << fields;
    }
    EXPECT_EQ(peer.get("/file", line("If-Match", "\"x\"")).status, 412U);
    EXPECT_EQ(peer.get("/file", line("If-Unmodified-Since", "Sun, 09 Sep 2001 01:46:39 GMT")).status, 412U);
    EXPECT_EQ(peer.get("/nothing", line("If-None-Match", "*")).status, 404U);
}

TEST_P(HttpFilesTest, a_part_of_a_file) {
    write("small", "0123456789");
    write("large", "0123456789");
    folder.write("large", std::string(100, 'x'));
    write("large", "0123456789" + std::string(90, 'x'));
    serve_files({.max_cached_file_bytes = 50});
    HttpPeer peer = connect();
    for (const char* path : {"/small", "/large"}) {
        const std::string all = peer.get(path).body;
        const auto size = std::to_string(all.size());
        const auto expect = [&](std::string_view range, std::size_t first, std::size_t count) {
            const Answer answer = peer.get(path, line("Range", range));
            EXPECT_EQ(answer.status, 206U) << range;
            EXPECT_EQ(answer.body, all.substr(first, count)) << range;
            EXPECT_EQ(answer.field("Content-Range"),
                      "bytes " + std::to_string(first) + "-" + std::to_string(first + count - 1) + "/" + size);
            EXPECT_THAT(answer.field("ETag"), Optional(testing::_));
            EXPECT_EQ(answer.field("Content-Type"), "application/octet-stream");
        };
        expect("bytes=0-0", 0, 1);
        expect("bytes=2-5", 2, 4);
        expect("bytes=0-", 0, all.size());
        expect("bytes=-3", all.size() - 3, 3);
        expect("bytes=3-4,5-6", 3, 4);
        expect("bytes=5-6,99999-", 5, 2);

        const Answer beyond = peer.get(path, "Range: bytes=100-\r\n");
        EXPECT_EQ(beyond.status, 416U);
        EXPECT_EQ(beyond.field("Content-Range"), "bytes */" + size);
        for (const char* range : {"bytes=x", "lines=1-2", "bytes=5-4", "bytes=0-0\r\nRange: bytes=1-1"}) {
            const Answer answer = peer.get(path, line("Range", range));
            EXPECT_EQ(answer.status, 200U) << range;
            EXPECT_EQ(answer.body, all) << range;
        }
    }
}

TEST_P(HttpFilesTest, a_part_of_the_state_that_the_client_has) {
    write("file", "0123456789");
    serve_files();
    HttpPeer peer = connect();
    const Answer first = peer.get("/file");
    const std::string part = "Range: bytes=2-3\r\n";
    for (const std::string& state : {first.field("ETag").value(), first.field("Last-Modified").value()}) {
        const Answer answer = peer.get("/file", part + line("If-Range", state));
        EXPECT_EQ(answer.status, 206U) << state;
        EXPECT_EQ(answer.body, "23");
    }
    for (const char* state : {"\"x\"", "Sun, 09 Sep 2001 01:46:39 GMT", "Sun, 09 Sep 2001 01:46:41 GMT", "x"}) {
        const Answer answer = peer.get("/file", part + line("If-Range", state));
        EXPECT_EQ(answer.status, 200U) << state;
        EXPECT_EQ(answer.body, "0123456789");
    }
    EXPECT_EQ(peer.get("/file", "Range: bytes=20-\r\nIf-Range: \"x\"\r\n").status, 200U);
}

TEST_P(HttpFilesTest, several_parts_of_a_file) {
    write("small.txt", "0123456789");
    write("large.txt", std::string(100, 'x'));
    serve_files({.max_cached_file_bytes = 50, .max_ranges = 3});
    HttpPeer peer = connect();
    const Answer answer = peer.get("/small.txt", "Range: bytes=8-, 0-1,4-5\r\n");
    EXPECT_EQ(answer.status, 206U);
    EXPECT_EQ(answer.field("Content-Range"), std::nullopt);
    EXPECT_EQ(answer.count("Content-Type"), 1U);
    const std::string type = answer.field("Content-Type").value();
    ASSERT_THAT(type, testing::StartsWith("multipart/byteranges; boundary="));
    const std::string boundary = type.substr(type.find('=') + 1);
    std::string expected;
    for (const auto& [range, bytes] : {std::pair{"8-9", "89"}, {"0-1", "01"}, {"4-5", "45"}}) {
        expected += "--" + boundary + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes " + range +
                    "/10\r\n\r\n" + bytes + "\r\n";
    }
    EXPECT_EQ(answer.body, expected + "--" + boundary + "--\r\n");
    EXPECT_NE(peer.get("/small.txt", "Range: bytes=0-0,9-9\r\n").field("Content-Type"), type);

    const Answer too_many = peer.get("/small.txt", "Range: bytes=0-0,2-2,4-4,6-6\r\n");
    EXPECT_EQ(too_many.status, 200U);
    EXPECT_EQ(too_many.body, "0123456789");
    const Answer streamed = peer.get("/large.txt", "Range: bytes=0-0,9-9\r\n");
    EXPECT_EQ(streamed.status, 200U);
    EXPECT_EQ(streamed.body.size(), 100U);
}

TEST_P(HttpFilesTest, random_ranges_are_what_a_model_says) {
    const std::string content = pattern(0, 300'000);
    write("small", content.substr(0, 20'000));
    write("large", content);
    serve_files({.max_cached_file_bytes = 50'000});
    HttpPeer peer = connect();
    std::mt19937 random{1};
    for (std::size_t i = 0; i < scaled(500); ++i) {
        const bool large = random() % 2 == 0;
        const std::string_view all = std::string_view{content}.substr(0, large ? 300'000 : 20'000);
        const std::size_t first = random() % all.size();
        const std::size_t last = first + random() % all.size();
        const std::string range =
            "bytes=" + std::to_string(first) + "-" + (random() % 4 == 0 ? "" : std::to_string(last));
        const Answer answer = peer.get(large ? "/large" : "/small", line("Range", range));
        ASSERT_EQ(answer.status, 206U);
        const std::size_t size = answer.body.size();
        ASSERT_TRUE(answer.body == all.substr(first, size));
        ASSERT_TRUE(size == last - first + 1 || first + size == all.size());
    }
}

TEST_P(HttpFilesTest, a_client_that_takes_gzip_gets_the_smaller_form) {
    write("app.js", "the whole content");
    write("app.js.gz", "zipped");
    serve_files();
    HttpPeer peer = connect();
    const std::string takes_gzip = "Accept-Encoding: br, gzip\r\n";
    const Answer plain = peer.get("/app.js");
    const Answer zipped = peer.get("/app.js", takes_gzip);
    EXPECT_EQ(plain.body, "the whole content");
    EXPECT_EQ(plain.field("Content-Encoding"), std::nullopt);
    EXPECT_EQ(zipped.body, "zipped");
    EXPECT_EQ(zipped.field("Content-Encoding"), "gzip");
    EXPECT_EQ(zipped.field("Content-Type"), "text/javascript; charset=utf-8");
    EXPECT_NE(zipped.field("ETag"), plain.field("ETag"));
    EXPECT_EQ(plain.field("Vary"), "Accept-Encoding");
    EXPECT_EQ(zipped.field("Vary"), "Accept-Encoding");
    EXPECT_EQ(peer.get("/app.js", "Accept-Encoding: gzip;q=0\r\n").body, "the whole content");

    const std::string etag = line("If-None-Match", zipped.field("ETag").value());
    const Answer unchanged = peer.get("/app.js", takes_gzip + etag);
    EXPECT_EQ(unchanged.status, 304U);
    EXPECT_EQ(unchanged.field("Vary"), "Accept-Encoding");
    EXPECT_EQ(peer.get("/app.js", etag).status, 200U) << "that is the tag of the other form";

    const Answer part = peer.get("/app.js", takes_gzip + "Range: bytes=1-3\r\n");
    EXPECT_EQ(part.body, "ipp");
    EXPECT_EQ(part.field("Content-Range"), "bytes 1-3/6");
    EXPECT_EQ(part.field("Content-Encoding"), "gzip");
    EXPECT_EQ(peer.get("/app.js.gz", takes_gzip).field("Content-Encoding"), std::nullopt);
}

TEST_P(HttpFilesTest, a_change_is_seen_when_its_time_to_live_is_over) {
    write("kept", "one");
    serve_files({.time_to_live = 1h});
    HttpPeer peer = connect();
    EXPECT_EQ(peer.get("/kept").body, "one");
    write("kept", "two", 1);
    EXPECT_EQ(peer.get("/kept").body, "one");
}

TEST_P(HttpFilesTest, a_change_is_seen_at_once_without_a_time_to_live) {
    write("file", "one");
    serve_files({.time_to_live = 0ms});
    HttpPeer peer = connect();
    const std::string unchanged = line("If-None-Match", peer.get("/file").field("ETag").value());
    EXPECT_EQ(peer.get("/file", unchanged).status, 304U);
    write("file", "two", 1);
    EXPECT_EQ(peer.get("/file", unchanged).body, "two");
    std::filesystem::remove(folder / "file");
    EXPECT_EQ(peer.get("/file").status, 404U);
    write("file", "three", 2);
    EXPECT_EQ(peer.get("/file").body, "three");
}

TEST_P(HttpFilesTest, a_large_file_that_changes_is_never_mixed_up) {
    write("file", std::string(1000, 'a'));
    serve_files({.time_to_live = 1h, .max_cached_file_bytes = 10});
    HttpPeer peer = connect();
    const std::string first = peer.get("/file").field("ETag").value();
    for (int i = 1; i <= 5; ++i) {
        const std::string content(1000 + static_cast<std::size_t>(i), static_cast<char>('a' + i));
        write("file", content, i);
        const Answer answer = peer.get("/file");
        EXPECT_EQ(answer.body, content);
        EXPECT_NE(answer.field("ETag"), first) << "the new content with the tag of the old one";
    }
    std::filesystem::remove(folder / "file");
    EXPECT_EQ(peer.get("/file").status, 404U);
}

}  // namespace
}  // namespace pollux::test
