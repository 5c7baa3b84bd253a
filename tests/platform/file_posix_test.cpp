// Files where they have descriptors, and where a name may be that of a pipe or of a device.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/file_support.h"

namespace pollux::platform::test {
namespace {

class FilePosixTest : public FileTest {};

TEST_F(FilePosixTest, is_closed_when_it_goes_and_not_inherited) {
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

TEST_F(FilePosixTest, only_regular_files_are_opened) {
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

class FolderPosixTest : public FolderTest {};

POLLUX_BY_EACH_FOLDER_WAY(FolderPosixTest);

TEST_P(FolderPosixTest, pipes_and_sockets_are_not_opened) {
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    EXPECT_EQ(open("pipe"), message(std::errc::no_such_device_or_address));
    NativeHandle listener = invalid_handle;
    ASSERT_FALSE(listen(unix_address((folder / "socket").string()), listen_options(), listener));
    EXPECT_EQ(open("socket"), message(std::errc::no_such_device_or_address));
    close_handle(listener);
}

TEST_P(FolderPosixTest, descriptors_are_given_back) {
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

}  // namespace
}  // namespace pollux::platform::test
