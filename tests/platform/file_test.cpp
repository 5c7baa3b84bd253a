// Files: what is opened and what is not, what is told of them, and that nothing leads out of a folder.
#include <limits>
#include <optional>

#include "platform/file_support.h"

namespace pollux::platform::test {
namespace {

TEST_F(FileTest, is_none_at_first) {
    const File file;
    EXPECT_FALSE(file.is_open());
    EXPECT_EQ(file.handle(), invalid_handle);
}

TEST_F(FileTest, reads_from_any_place) {
    const std::string content = pattern(0, 100'000);
    folder.write("file", content);
    std::error_code error;
    const File file = File::open(folder / "file", error);
    ASSERT_TRUE(file.is_open()) << error;
    std::array<std::byte, 1000> buffer;
    for (const std::size_t offset : {0U, 1U, 50'000U, 99'999U, 99'000U}) {
        const IoResult result = file.read_at(buffer, offset);
        ASSERT_EQ(result.status, IoStatus::done);
        EXPECT_EQ(as_text(Bytes{buffer}.first(result.bytes)), content.substr(offset, result.bytes));
    }
    EXPECT_EQ(file.read_at(buffer, 100'000).status, IoStatus::end);
    EXPECT_EQ(file.read_at(buffer, std::uint64_t{1} << 60).status, IoStatus::end);
    EXPECT_EQ(file.read_at(buffer, std::numeric_limits<std::uint64_t>::max()).status, IoStatus::failed);
}

TEST_F(FileTest, moves) {
    folder.write("a", "one");
    folder.write("b", "two");
    std::error_code error;
    File first = File::open(folder / "a", error);
    File second = File::open(folder / "b", error);
    second = std::move(first);
    EXPECT_EQ(content_of(second), "one");
    const File third{std::move(second)};
    EXPECT_FALSE(second.is_open());  // NOLINT: that is what is tested
    EXPECT_EQ(content_of(third), "one");
}

TEST_F(FileTest, a_file_is_opened_and_nothing_else) {
    folder.write("file", "content");
    std::filesystem::create_directory(folder / "folder");
    EXPECT_EQ(open(folder / "file"), "content");
    EXPECT_EQ(open(folder / "nothing"), message(std::errc::no_such_file_or_directory));
    EXPECT_EQ(open(folder / "nothing" / "file"), message(std::errc::no_such_file_or_directory));
    EXPECT_EQ(open(folder / "folder"), message(std::errc::is_a_directory));
}

TEST_F(FileTest, facts_tell_one_state_from_another) {
    folder.write("file", "content");
    std::error_code error;
    const File file = File::open(folder / "file", error);
    FileFacts first;
    ASSERT_TRUE(file.facts(first, error)) << error;
    EXPECT_EQ(first.size, 7U);
    EXPECT_NE(first.inode, 0U);

    FileFacts again;
    ASSERT_TRUE(file.facts(again, error));
    EXPECT_EQ(again, first);

    folder.write("file", "longer content");
    FileFacts longer;
    ASSERT_TRUE(file.facts(longer, error));
    EXPECT_EQ(longer.size, 14U);
    EXPECT_NE(longer, first);

    folder.set_modified("file", 1'000'000'000, 123'456'700);
    ASSERT_TRUE(file.facts(longer, error));
    EXPECT_EQ(longer.modified_nanoseconds, 1'000'000'000'123'456'700);
}

TEST_F(FileTest, facts_tell_a_file_from_one_that_took_its_place) {
    folder.write("file", "content");
    folder.write("other", "content");
    std::error_code error;
    FileFacts first;
    ASSERT_TRUE(File::open(folder / "file", error).facts(first, error));
    std::filesystem::rename(folder / "other", folder / "file");
    FileFacts other;
    ASSERT_TRUE(File::open(folder / "file", error).facts(other, error));
    EXPECT_NE(other.inode, first.inode);
}

POLLUX_BY_EACH_FOLDER_WAY(FolderTest);

TEST_P(FolderTest, opens_what_is_beneath) {
    EXPECT_EQ(open("file"), "content");
    EXPECT_EQ(open("a/b/c"), "deep");
    EXPECT_EQ(open("nothing"), message(std::errc::no_such_file_or_directory));
    EXPECT_EQ(open("a/nothing/c"), message(std::errc::no_such_file_or_directory));
    EXPECT_EQ(open("file/file"), message(std::errc::not_a_directory));
    EXPECT_EQ(open("a"), message(std::errc::is_a_directory));
    EXPECT_EQ(open("a/b"), message(std::errc::is_a_directory));
}

TEST_P(FolderTest, no_path_leads_out) {
    const std::string to_secret = "../" + outside.path().filename().string() + "/secret";
    for (const std::string& path :
         {to_secret, "a/../" + to_secret, "a/b/../../" + to_secret, "./" + to_secret, (outside / "secret").string(),
          "/" + (outside / "secret").string(), "../" + folder.path().filename().string() + "/file",
          std::string{"/etc/passwd"}, std::string{".."}, std::string{"../.."}, std::string{""}, std::string{"/"}}) {
        EXPECT_TRUE(refuses(path)) << path;
    }
}

TEST_P(FolderTest, no_link_leads_out) {
    if (!folder.has_links()) GTEST_SKIP() << pollux::test::no_links;
    folder.link("absolute", outside / "secret");
    folder.link("relative", "../" + outside.path().filename().string() + "/secret");
    folder.link("to_folder", outside.path());
    folder.link("a/up", "../..");
    folder.link("root", "/");
    folder.link("magic", "/proc/self/root");
    folder.link("chain", "relative");
    EXPECT_EQ(outside.path().parent_path(), folder.path().parent_path());
    for (const std::string& path : {std::string{"absolute"}, std::string{"relative"}, std::string{"to_folder/secret"},
                                    std::string{"chain"}, "a/up/" + outside.path().filename().string() + "/secret",
                                    "root" + (outside / "secret").string(), "magic" + (outside / "secret").string()}) {
        EXPECT_TRUE(refuses(path)) << path;
    }
}

TEST_P(FolderTest, a_link_that_stays_within_is_followed_where_it_can_be_confined) {
    if (!folder.has_links()) GTEST_SKIP() << pollux::test::no_links;
    folder.link("link", "a/b/c");
    folder.link("folder", "a");
    folder.link("a/b/up", "../../file");
    EXPECT_EQ(open("link") == "deep", GetParam().follows_links);
    EXPECT_EQ(open("folder/b/c") == "deep", GetParam().follows_links);
    EXPECT_EQ(open("a/b/up") == "content", GetParam().follows_links);
}

TEST_P(FolderTest, a_path_has_a_bound_and_no_nul) {
    EXPECT_TRUE(refuses(std::string{"file\0", 5}));
    EXPECT_TRUE(refuses(std::string{"file\0.txt", 9}));
    EXPECT_TRUE(refuses(std::string(300, 'a')));
    EXPECT_TRUE(refuses(std::string(100'000, 'a')));
    std::string deep;
    for (int i = 0; i < 20'000; ++i) deep += "a/";
    EXPECT_TRUE(refuses(deep + "a"));
}

TEST_P(FolderTest, stays_the_same_when_another_takes_its_name) {
    const std::filesystem::path moved = folder.path().string() + "-moved";
    std::filesystem::rename(folder.path(), moved);
    std::filesystem::create_directory(folder.path());
    folder.write("file", "of another one");
    EXPECT_EQ(open("file"), "content");
    std::filesystem::remove_all(moved);
    EXPECT_EQ(open("file"), message(std::errc::no_such_file_or_directory));
}

TEST(FolderOpenTest, must_be_a_folder) {
    const TemporaryFolder folder;
    folder.write("file", "content");
    std::error_code error;
    EXPECT_FALSE(Folder::open(folder / "file", error).is_open());
    EXPECT_EQ(error, std::errc::not_a_directory);
    EXPECT_FALSE(Folder::open(folder / "nothing", error).is_open());
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
    EXPECT_FALSE(Folder{}.is_open());
    EXPECT_TRUE(Folder::open(folder.path(), error).is_open());
    EXPECT_FALSE(error);
}

}  // namespace
}  // namespace pollux::platform::test
