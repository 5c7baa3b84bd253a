// Files: what is opened and what is not, what is told of them, and that nothing leads out of a folder.
#include "platform/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <limits>
#include <optional>
#include <thread>

#include "common/temporary_folder.h"
#include "platform/files_posix.h"
#include "platform/support.h"

namespace pollux::platform::test {
namespace {

using pollux::test::TemporaryFolder;

std::string content_of(const File& file) {
    std::string text;
    std::array<std::byte, 7> buffer;
    for (;;) {
        const IoResult result = file.read_at(buffer, text.size());
        if (result.status != IoStatus::done) {
            EXPECT_EQ(result.status, IoStatus::end);
            return text;
        }
        text += as_text(Bytes{buffer}.first(result.bytes));
    }
}

/// The content, or the message of the error.
template <class Open>
std::string opened(Open&& open) {
    std::error_code error = make_error_code(std::errc::io_error);  // of a former call
    const File file = open(error);
    EXPECT_EQ(file.is_open(), !error) << error;
    return file.is_open() ? content_of(file) : error.message();
}

std::string message(std::errc error) {
    return std::make_error_code(error).message();
}

class FileTest : public testing::Test {
protected:
    static std::string open(const std::filesystem::path& path) {
        return opened([&](std::error_code& error) { return File::open(path, error); });
    }

    TemporaryFolder folder;
};

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

TEST_F(FileTest, is_closed_when_it_goes_and_not_inherited) {
    folder.write("a", "one");
    int descriptor = -1;
    {
        std::error_code error;
        const File file = File::open(folder / "a", error);
        descriptor = static_cast<int>(file.handle());
        EXPECT_NE(::fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
    }
    EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1);
}

TEST_F(FileTest, only_regular_files_are_opened) {
    folder.write("file", "content");
    folder.link("link", "file");
    folder.link("dangling", "nothing");
    folder.link("loop", "loop");
    std::filesystem::create_directory(folder / "folder");
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    EXPECT_EQ(open(folder / "file"), "content");
    EXPECT_EQ(open(folder / "link"), "content");
    EXPECT_EQ(open(folder / "nothing"), message(std::errc::no_such_file_or_directory));
    EXPECT_EQ(open(folder / "dangling"), message(std::errc::no_such_file_or_directory));
    EXPECT_EQ(open(folder / "loop"), message(std::errc::too_many_symbolic_link_levels));
    EXPECT_EQ(open(folder / "file/file"), message(std::errc::not_a_directory));
    EXPECT_EQ(open(folder / "folder"), message(std::errc::is_a_directory));
    EXPECT_EQ(open(folder / "pipe"), message(std::errc::no_such_device_or_address)) << "and it does not block";
    EXPECT_EQ(open("/dev/zero"), message(std::errc::no_such_device_or_address));
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

    folder.set_modified("file", 1'000'000'000, 123'456'789);
    ASSERT_TRUE(file.facts(longer, error));
    EXPECT_EQ(longer.modified_nanoseconds, 1'000'000'000'123'456'789);

    folder.write("other", "content");
    std::filesystem::rename(folder / "other", folder / "file");
    FileFacts other;
    ASSERT_TRUE(File::open(folder / "file", error).facts(other, error));
    EXPECT_NE(other.inode, first.inode);
}

/// Both ways in which a file beneath a folder is opened: by one call that confines the lookup, and by segments.
class FolderTest : public testing::TestWithParam<bool> {
protected:
    void SetUp() override {
        outside.write("secret", "secret");
        folder.write("file", "content");
        folder.write("a/b/c", "deep");
        std::error_code error;
        root = Folder::open(folder.path(), error);
        ASSERT_TRUE(root.is_open()) << error;
        descriptor = ::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    void TearDown() override { ::close(descriptor); }

    [[nodiscard]] static bool by_segments() { return GetParam(); }

    [[nodiscard]] std::string open(std::string_view path) const {
        return opened([&](std::error_code& error) {
            if (by_segments()) return take_regular_file(open_by_segments(descriptor, path), error);
            return root.open_beneath(path, error);
        });
    }

    [[nodiscard]] bool refuses(std::string_view path) const {
        const std::string got = open(path);
        return got != "secret" && got != "content" && got != "deep";
    }

    TemporaryFolder outside;
    TemporaryFolder folder;
    Folder root;
    int descriptor = -1;
};

INSTANTIATE_TEST_SUITE_P(Ways, FolderTest, testing::Bool(),
                         [](const auto& way) { return std::string{way.param ? "by_segments" : "at_once"}; });

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
    folder.link("link", "a/b/c");
    folder.link("folder", "a");
    folder.link("a/b/up", "../../file");
    EXPECT_EQ(open("link") == "deep", !by_segments());
    EXPECT_EQ(open("folder/b/c") == "deep", !by_segments());
    EXPECT_EQ(open("a/b/up") == "content", !by_segments());
}

TEST_P(FolderTest, pipes_and_sockets_are_not_opened) {
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    EXPECT_EQ(open("pipe"), message(std::errc::no_such_device_or_address));
    NativeHandle listener = invalid_handle;
    ASSERT_FALSE(listen(unix_address((folder / "socket").string()), listen_options(), listener));
    EXPECT_EQ(open("socket"), message(std::errc::no_such_device_or_address));
    close_handle(listener);
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

TEST_P(FolderTest, descriptors_are_given_back) {
    const auto next_descriptor = [] {
        const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        ::close(next);
        return next;
    };
    const int before = next_descriptor();
    for (const char* path : {"file", "a/b/c", "a/b", "a/b/nothing", "a/b/c/d", "a//b", "a/../file"}) {
        EXPECT_NE(open(path), "secret");
        EXPECT_EQ(next_descriptor(), before) << path;
    }
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

TEST_P(FolderTest, leads_nowhere_else_while_it_is_changed) {
    // A folder turns into a link that leads out and back, as fast as it can.
    folder.write("real/secret", "mine");
    std::filesystem::create_directory_symlink(outside.path(), folder / "link");
    std::atomic<bool> stop{false};
    std::thread changer{[&] {
        while (!stop) {
            ::renameat2(AT_FDCWD, (folder / "real").c_str(), AT_FDCWD, (folder / "link").c_str(), RENAME_EXCHANGE);
        }
    }};
    int mine = 0;
    const Time deadline = Poller::now() + patience;
    for (int i = 0; (i < (sanitized ? 5'000 : 50'000) || mine == 0) && Poller::now() < deadline; ++i) {
        const std::string got = open("real/secret");
        if (got == "secret") ADD_FAILURE() << "it was led out";
        if (got == "mine") ++mine;
    }
    stop = true;
    changer.join();
    EXPECT_GT(mine, 0);
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
