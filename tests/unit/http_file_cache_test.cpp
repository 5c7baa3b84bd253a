// Files that are kept: what is loaded, when it is looked at again, what goes, and files that change.
#include "http/file_cache.h"

#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <regex>
#include <thread>

#include "common/descriptor_shortage.h"
#include "common/temporary_folder.h"
#include "proto/http/date.h"
#include "unit/support.h"

namespace pollux::test {
namespace {

using namespace std::chrono_literals;

using http::FileCache;
using http::FileLoader;
using http::FileOptions;
using http::LoadedFile;
using http::Representation;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t some_time = 1'000'000'000;

class FileCacheTest : public testing::Test {
protected:
    /// Begins again with other options.
    void serve(FileOptions options) {
        cache.reset();
        loader = std::make_unique<FileLoader>(folder.path(), std::move(options));
        ASSERT_TRUE(loader->status()) << loader->status();
        cache = std::make_unique<FileCache>(*loader);
    }

    /// Writes a file that was modified so many seconds after `some_time`, which is long ago.
    void write(const char* path, std::string_view content, std::int64_t seconds = 0) const {
        folder.write(path, content);
        set_time(path, seconds);
    }

    void set_time(const char* path, std::int64_t seconds) const { folder.set_modified(path, some_time + seconds); }

    const LoadedFile* find(std::string_view path) { return cache->find(path, now, error); }

    /// The file as it is; null if there is none.
    const Representation* plain(std::string_view path) {
        const LoadedFile* const file = find(path);
        return file != nullptr ? &file->plain : nullptr;
    }

    std::string content(std::string_view path) {
        const Representation* const form = plain(path);
        if (form == nullptr) return error.message();
        return form->body ? *form->body : "(streamed)";
    }

    /// The memory that the content is in: another one after it was loaded again.
    const std::string* memory(std::string_view path) { return plain(path)->body.get(); }

    TemporaryFolder folder;
    std::unique_ptr<FileLoader> loader;
    std::unique_ptr<FileCache> cache;
    FileCache::Time now{1h};
    std::error_code error;
};

TEST_F(FileCacheTest, a_file_is_kept_until_it_is_looked_at_again) {
    serve({.time_to_live = 1s});
    write("a.txt", "one");
    EXPECT_EQ(content("a.txt"), "one");
    const std::string* const kept = memory("a.txt");

    write("a.txt", "two", 1);
    now += 999ms;
    EXPECT_EQ(memory("a.txt"), kept);
    now += 1ms;
    EXPECT_EQ(content("a.txt"), "two");
    EXPECT_EQ(cache->size(), 1U);
}

TEST_F(FileCacheTest, a_file_that_has_not_changed_is_not_loaded_again) {
    serve({.time_to_live = 1s});
    write("a.txt", "one");
    const std::string* const kept = memory("a.txt");
    for (int i = 0; i < 5; ++i) {
        now += 1s;
        EXPECT_EQ(memory("a.txt"), kept);
    }
}

TEST_F(FileCacheTest, without_a_time_to_live_each_change_is_seen) {
    serve({.time_to_live = 0ms});
    for (int i = 0; i < 5; ++i) {
        write("a.txt", std::to_string(i), i);
        EXPECT_EQ(content("a.txt"), std::to_string(i));
    }
}

TEST_F(FileCacheTest, every_kind_of_change_is_seen) {
    serve({.time_to_live = 0ms});
    write("a.txt", "one");
    EXPECT_EQ(content("a.txt"), "one");
    write("a.txt", "four");
    EXPECT_EQ(content("a.txt"), "four") << "another size at the same time";
    write("a.txt", "five", 1);
    EXPECT_EQ(content("a.txt"), "five") << "another time of the same size";
    write("b.txt", "nine", 1);
    std::filesystem::rename(folder / "b.txt", folder / "a.txt");
    EXPECT_EQ(content("a.txt"), "nine") << "another file of the same size and time";
    std::filesystem::remove(folder / "a.txt");
    EXPECT_EQ(find("a.txt"), nullptr);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    EXPECT_EQ(cache->size(), 0U);
    EXPECT_EQ(cache->bytes(), 0U);
    write("a.txt", "back", 1);
    EXPECT_EQ(content("a.txt"), "back");
}

TEST_F(FileCacheTest, a_file_that_was_just_modified_is_loaded_again) {
    serve({.time_to_live = 1s});
    folder.write("a.txt", "now");
    const std::shared_ptr<const std::string> first = plain("a.txt")->body;
    EXPECT_EQ(memory("a.txt"), first.get());
    now += 1s;
    EXPECT_NE(memory("a.txt"), first.get()) << "it could have changed without another time";

    // One that comes from the future changes its time with its content.
    set_time("a.txt", 2'000'000'000);
    now += 1s;
    const std::shared_ptr<const std::string> kept = plain("a.txt")->body;
    now += 1s;
    EXPECT_EQ(memory("a.txt"), kept.get());
}

TEST_F(FileCacheTest, what_is_missing_is_looked_for_each_time) {
    serve({.time_to_live = 1h});
    EXPECT_EQ(find("a.txt"), nullptr);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    write("a.txt", "there");
    EXPECT_EQ(content("a.txt"), "there");
}

TEST_F(FileCacheTest, folders_and_what_is_outside_are_not_found) {
    serve({});
    write("sub/a.txt", "deep");
    const TemporaryFolder outside;
    outside.write("secret", "secret");
    if (folder.has_links()) folder.link("out", outside / "secret");
    EXPECT_EQ(find("sub"), nullptr);
    EXPECT_EQ(error, std::errc::is_a_directory);
    EXPECT_EQ(find("out"), nullptr);
    EXPECT_EQ(find("../" + outside.path().filename().string() + "/secret"), nullptr);
    EXPECT_EQ(content("sub/a.txt"), "deep");
    EXPECT_EQ(cache->size(), 1U);
}

TEST_F(FileCacheTest, a_larger_file_is_streamed) {
    serve({.time_to_live = 1h, .max_cached_file_bytes = 10});
    write("small", "0123456789");
    write("large", "0123456789a");
    write("empty", "");
    EXPECT_EQ(content("small"), "0123456789");
    EXPECT_EQ(content("large"), "(streamed)");
    EXPECT_EQ(content("empty"), "");
    EXPECT_EQ(plain("large")->facts.size, 11U);
    EXPECT_TRUE(loader->open(*plain("large")).is_open());

    write("large", "0123456789ab");
    EXPECT_FALSE(loader->open(*plain("large")).is_open()) << "it is another one now";
    cache->forget("large");
    EXPECT_TRUE(loader->open(*plain("large")).is_open());
    cache->forget("nothing");
}

TEST_F(FileCacheTest, what_was_used_longest_ago_goes) {
    serve({.time_to_live = 1h, .max_cached_bytes = 60'000});
    const std::string block(10'000, 'x');
    std::map<std::string, std::shared_ptr<const std::string>> first;
    for (const char* path : {"a", "b", "c", "d", "e"}) {
        write(path, block);
        first[path] = plain(path)->body;
    }
    EXPECT_EQ(cache->size(), 5U);
    EXPECT_LE(cache->bytes(), 60'000U);
    EXPECT_EQ(memory("a"), first["a"].get());  // so "b" is the oldest now
    write("f", block);
    EXPECT_EQ(content("f"), block);
    EXPECT_EQ(cache->size(), 5U);
    for (const char* path : {"a", "c", "d", "e"}) EXPECT_EQ(memory(path), first[path].get()) << path;
    EXPECT_NE(memory("b"), first["b"].get()) << "it was kept though there was no room for it";
    EXPECT_EQ(cache->size(), 5U);
}

TEST_F(FileCacheTest, stays_within_its_bound) {
    constexpr std::size_t bound = 200'000;
    serve({.time_to_live = 1s, .max_cached_file_bytes = 50'000, .max_cached_bytes = bound});
    Random random{1};
    for (int i = 0; i < 40; ++i) {
        write(("f" + std::to_string(i)).c_str(), pattern(static_cast<unsigned>(i), random.size_up_to(60'000)), i);
    }
    for (std::size_t i = 0; i < scaled(5'000); ++i) {
        const std::uint64_t which = random.up_to(39);
        const std::string path = "f" + std::to_string(which);
        if (random.one_in(20)) write(path.c_str(), pattern(which, random.size_up_to(60'000)), static_cast<int>(i) + 99);
        if (random.one_in(10)) now += 1s;
        if (random.one_in(30)) cache->forget(path);
        const Representation* const form = plain(path);
        ASSERT_NE(form, nullptr);
        ASSERT_LE(cache->bytes(), bound);
        if (form->body) {
            ASSERT_TRUE(*form->body == pattern(which, form->body->size()));
        }
    }
    EXPECT_GT(cache->size(), 3U);
}

TEST_F(FileCacheTest, nothing_is_kept_without_room) {
    serve({.time_to_live = 1h, .max_cached_bytes = 0});
    write("a", "one");
    write("b", "two");
    EXPECT_EQ(content("a"), "(streamed)");
    EXPECT_EQ(content("b"), "(streamed)");
    EXPECT_EQ(cache->size(), 1U) << "but the one that is asked for is known";
}

TEST_F(FileCacheTest, without_descriptors_what_is_there_does) {
    if (!DescriptorShortage::possible()) GTEST_SKIP() << "the system bounds no process's descriptors";
    if (sanitized) GTEST_SKIP() << "UBSan needs descriptors to look at objects";
    serve({.time_to_live = 0ms});
    write("a", "one");
    write("b", "another");
    EXPECT_EQ(content("a"), "one");
    write("a", "two", 1);
    {
        const DescriptorShortage shortage{0};
        EXPECT_EQ(content("a"), "one");
        EXPECT_EQ(find("b"), nullptr);
        EXPECT_EQ(error, std::errc::too_many_files_open);
        EXPECT_FALSE(http::is_missing(error));
    }
    EXPECT_EQ(content("a"), "two");
    EXPECT_EQ(content("b"), "another");
}

TEST_F(FileCacheTest, tells_what_the_answer_says) {
    serve({.cache_control = "max-age=60", .mime_types = {{"odd", "application/odd"}}});
    write("a.odd", "0123456789");
    const LoadedFile* const file = find("a.odd");
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(file->type, "application/odd");
    EXPECT_EQ(file->plain.modified, some_time);
    EXPECT_EQ(file->plain.validator_fields, "ETag: " + file->plain.etag +
                                                "\r\nLast-Modified: Sun, 09 Sep 2001 01:46:40 GMT\r\n"
                                                "Cache-Control: max-age=60\r\n");
    EXPECT_EQ(file->plain.content_fields, "Accept-Ranges: bytes\r\n");
}

TEST_F(FileCacheTest, a_tag_is_of_one_state_of_one_file) {
    serve({.time_to_live = 0ms});
    write("a", "one");
    const std::string first = plain("a")->etag;
    EXPECT_TRUE(std::regex_match(first, std::regex{"\"[0-9a-f]+-3-[0-9a-f]+\""})) << first;
    EXPECT_EQ(plain("a")->etag, first);
    cache->forget("a");
    EXPECT_EQ(plain("a")->etag, first);
    write("a", "one", 1);
    EXPECT_NE(plain("a")->etag, first);
    write("a", "one");
    EXPECT_EQ(plain("a")->etag, first);
    write("a", "four");
    EXPECT_NE(plain("a")->etag, first);
    write("b", "one");
    EXPECT_NE(plain("b")->etag, first);
}

TEST_F(FileCacheTest, a_file_from_the_future_is_told_to_be_of_now) {
    serve({});
    write("a", "one", 3'000'000'000);
    const auto before = std::chrono::system_clock::now().time_since_epoch();
    const std::int64_t modified = plain("a")->modified;
    EXPECT_GE(modified, std::chrono::floor<std::chrono::seconds>(before).count());
    EXPECT_LE(modified, std::chrono::ceil<std::chrono::seconds>(before).count() + 5);
}

TEST_F(FileCacheTest, a_time_before_1970_is_rounded_down) {
    serve({});
    folder.write("a", "one");
    folder.set_modified("a", -2, 500'000'000);
    EXPECT_THAT(plain("a")->validator_fields, HasSubstr("Last-Modified: Wed, 31 Dec 1969 23:59:58 GMT\r\n"));
}

TEST_F(FileCacheTest, a_gzip_form_stands_beside_the_file) {
    serve({.time_to_live = 1h});
    write("app.js", "content");
    write("app.js.gz", "smaller", 1);
    const LoadedFile* const file = find("app.js");
    ASSERT_TRUE(file->gzip);
    EXPECT_EQ(*file->plain.body, "content");
    EXPECT_EQ(*file->gzip->body, "smaller");
    EXPECT_EQ(file->type, "text/javascript; charset=utf-8");
    EXPECT_NE(file->gzip->etag, file->plain.etag);
    EXPECT_EQ(file->gzip->content_fields, "Accept-Ranges: bytes\r\nContent-Encoding: gzip\r\n");
    EXPECT_THAT(file->gzip->validator_fields, HasSubstr("Vary: Accept-Encoding\r\n"));
    EXPECT_THAT(file->plain.validator_fields, HasSubstr("Vary: Accept-Encoding\r\n"));
    EXPECT_EQ(file->plain.content_fields, "Accept-Ranges: bytes\r\n");
    EXPECT_EQ(cache->size(), 1U);

    const LoadedFile* const itself = find("app.js.gz");
    EXPECT_FALSE(itself->gzip);
    EXPECT_EQ(itself->type, "application/gzip");
    EXPECT_THAT(itself->plain.validator_fields, Not(HasSubstr("Vary")));
}

TEST_F(FileCacheTest, the_same_file_in_both_forms_has_two_tags) {
    serve({});
    write("a", "content");
    std::filesystem::create_hard_link(folder / "a", folder / "a.gz");
    const LoadedFile* const file = find("a");
    ASSERT_TRUE(file->gzip);
    EXPECT_NE(file->gzip->etag, file->plain.etag);
}

TEST_F(FileCacheTest, a_gzip_form_that_comes_changes_or_goes_is_seen) {
    serve({.time_to_live = 0ms});
    write("a", "content");
    EXPECT_FALSE(find("a")->gzip);
    write("a.gz", "first");
    ASSERT_TRUE(find("a")->gzip);
    EXPECT_EQ(*find("a")->gzip->body, "first");
    write("a.gz", "second", 1);
    EXPECT_EQ(*find("a")->gzip->body, "second");
    std::filesystem::remove(folder / "a.gz");
    EXPECT_FALSE(find("a")->gzip);
    EXPECT_THAT(find("a")->plain.validator_fields, Not(HasSubstr("Vary")));
}

TEST_F(FileCacheTest, a_gzip_form_that_is_older_is_of_another_state) {
    serve({.time_to_live = 0ms});
    write("a", "content", 1);
    write("a.gz", "of before", 0);
    const std::shared_ptr<const std::string> kept = plain("a")->body;
    EXPECT_FALSE(find("a")->gzip);
    EXPECT_EQ(memory("a"), kept.get()) << "it is known, and not loaded each time";
    set_time("a.gz", 1);
    EXPECT_TRUE(find("a")->gzip);
}

TEST_F(FileCacheTest, a_gzip_form_is_not_looked_for_if_it_is_not_wanted) {
    serve({.time_to_live = 0ms, .gzip_siblings = false});
    write("a", "content");
    write("a.gz", "smaller");
    EXPECT_FALSE(find("a")->gzip);
    const std::shared_ptr<const std::string> kept = plain("a")->body;
    EXPECT_EQ(memory("a"), kept.get());
}

TEST_F(FileCacheTest, a_large_file_may_have_a_small_gzip_form) {
    serve({.max_cached_file_bytes = 10});
    write("a", "a large content");
    write("a.gz", "smaller");
    const LoadedFile* const file = find("a");
    EXPECT_EQ(file->plain.body, nullptr);
    ASSERT_TRUE(file->gzip);
    EXPECT_EQ(*file->gzip->body, "smaller");
}

TEST_F(FileCacheTest, a_gzip_form_that_is_a_folder_or_leads_out_is_none) {
    serve({});
    const TemporaryFolder outside;
    outside.write("secret", "secret");
    write("a", "content");
    if (folder.has_links()) folder.link("a.gz", outside / "secret");
    write("b", "content");
    std::filesystem::create_directory(folder / "b.gz");
    EXPECT_FALSE(find("a")->gzip);
    EXPECT_FALSE(find("b")->gzip);
}

TEST_F(FileCacheTest, a_file_is_never_seen_half_written) {
    serve({.time_to_live = 0ms, .gzip_siblings = false});
    // Each state has another size: their times may be the same, where the kernel's clock of files is slow.
    const auto state = [](char c) { return std::string(300'000 + static_cast<std::size_t>(c), c); };
    folder.write("a", state('a'));
    std::atomic<bool> stop{false};
    std::thread writer{[&] {
        for (char c = 'a'; !stop; c = c == 'z' ? 'a' : static_cast<char>(c + 1)) folder.write("a", state(c));
    }};
    for (std::size_t i = 0; i < scaled(2'000); ++i) {
        const Representation* const form = plain("a");
        ASSERT_NE(form, nullptr);
        // A writer that pauses leaves a file that is steady, and cut off.
        if (form->body && !form->body->empty()) {
            ASSERT_EQ(form->body->find_first_not_of(form->body->front()), std::string::npos);
        }
    }
    stop = true;
    writer.join();
    EXPECT_GE(content("a").size(), 300'000U);
}

TEST(FileLoaderTest, tells_what_is_wrong) {
    const TemporaryFolder folder;
    folder.write("file", "");
    const auto status = [&](FileOptions options) { return FileLoader{folder.path(), std::move(options)}.status(); };
    EXPECT_TRUE(status({}));
    EXPECT_TRUE(status({.index = ""}));
    EXPECT_EQ(status({.time_to_live = -1ms}).error(), Errc::invalid_option);
    for (const char* index : {"../x", "a/b", ".hidden", "..", "a\\b"}) {
        EXPECT_EQ(status({.index = index}).error(), Errc::invalid_option) << index;
        EXPECT_THAT(status({.index = index}).message(), HasSubstr(index));
    }
    EXPECT_EQ(status({.cache_control = "a\r\nb"}).error(), Errc::invalid_option);
    EXPECT_EQ(status({.mime_types = {{"a", "b\r\nc: d"}}}).error(), Errc::invalid_option);
    EXPECT_EQ(status({.mime_types = {{"", "text/plain"}}}).error(), Errc::invalid_option);
    EXPECT_EQ(status({.mime_types = {{"a", ""}}}).error(), Errc::invalid_option);

    const FileLoader missing{folder / "nothing", {}};
    EXPECT_EQ(missing.status().error(), std::errc::no_such_file_or_directory);
    EXPECT_THAT(missing.status().message(), HasSubstr((folder / "nothing").string()));
    EXPECT_EQ((FileLoader{folder / "file", {}}.status().error()), std::errc::not_a_directory);
}

}  // namespace
}  // namespace pollux::test
