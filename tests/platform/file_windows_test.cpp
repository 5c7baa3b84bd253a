// Files where names may mean devices, streams and pipes.
#include <windows.h>

#include "platform/file_support.h"

namespace pollux::platform::test {
namespace {

class FileWindowsTest : public FileTest {};

TEST_F(FileWindowsTest, is_not_inherited) {
    folder.write("a", "one");
    std::error_code error;
    const File file = File::open(folder / "a", error);
    DWORD flags = 0;
    ASSERT_NE(::GetHandleInformation(reinterpret_cast<HANDLE>(file.handle()), &flags), 0);
    EXPECT_EQ(flags & HANDLE_FLAG_INHERIT, 0U);
}

TEST_F(FileWindowsTest, may_be_renamed_while_it_is_open) {
    folder.write("a", "one");
    std::error_code error;
    const File file = File::open(folder / "a", error);
    ASSERT_NE(::MoveFileExW((folder / "a").c_str(), (folder / "b").c_str(), 0), 0);
    EXPECT_EQ(content_of(file), "one");
    EXPECT_EQ(open(folder / "b"), "one");
}

TEST_F(FileWindowsTest, devices_and_pipes_are_not_opened) {
    EXPECT_EQ(open(L"\\\\.\\NUL"), message(std::errc::no_such_device_or_address));
    const wchar_t* const name = L"\\\\.\\pipe\\pollux-file-test";
    const HANDLE pipe = ::CreateNamedPipeW(name, PIPE_ACCESS_DUPLEX, 0, 1, 1000, 1000, 0, nullptr);
    ASSERT_NE(pipe, INVALID_HANDLE_VALUE);
    EXPECT_EQ(open(name), message(std::errc::no_such_device_or_address));
    ::CloseHandle(pipe);
}

class FolderWindowsTest : public FolderTest {};

POLLUX_BY_EACH_FOLDER_WAY(FolderWindowsTest);

TEST_P(FolderWindowsTest, no_name_leads_to_a_device_a_stream_or_out) {
    for (const char* path : {"NUL", "con", "a/NUL", "file:stream", "file::$DATA", "a\\..\\..\\secret", "C:", "C:/",
                             "\\\\?\\C:\\windows\\win.ini", "..\\secret", "fil?", "fil*", "a\\b\\c"}) {
        EXPECT_TRUE(refuses(path)) << path;
    }
}

TEST_P(FolderWindowsTest, names_are_utf_8) {
    std::filesystem::create_directory(folder.path() / std::u8string_view{u8"grün"});
    folder.write("plain", "content");
    std::filesystem::rename(folder / "plain",
                            folder.path() / std::u8string_view{u8"grün"} / std::u8string_view{u8"äß€"});
    EXPECT_EQ(open("gr\xc3\xbcn/\xc3\xa4\xc3\x9f\xe2\x82\xac"), "content");
    EXPECT_TRUE(refuses("gr\xfcn")) << "that is no UTF-8";
}

}  // namespace
}  // namespace pollux::platform::test
