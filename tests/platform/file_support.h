// What tests of files share: the ways to open them, and what comes of it.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/temporary_folder.h"
#include "platform/files.h"
#include "platform/support.h"

namespace pollux::platform::test {

using pollux::test::TemporaryFolder;

inline std::string content_of(const File& file) {
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

/// The content, or what the error means.
template <class Open>
std::string opened(Open&& open) {
    std::error_code error = make_error_code(std::errc::io_error);  // of a former call
    const File file = open(error);
    EXPECT_EQ(file.is_open(), !error) << error;
    return file.is_open() ? content_of(file) : error.default_error_condition().message();
}

inline std::string message(std::errc error) {
    return std::make_error_code(error).message();
}

class FileTest : public testing::Test {
protected:
    static std::string open(const std::filesystem::path& path) {
        return opened([&](std::error_code& error) { return File::open(path, error); });
    }

    TemporaryFolder folder;
};

/// A way in which the system opens files beneath a folder, of which it may have several.
struct FolderWay {
    using Opener = std::function<File(std::string_view relative, std::error_code& error)>;

    const char* name;
    bool follows_links;  // that stay within
    Opener (*begin)(const std::filesystem::path& folder);
};
[[nodiscard]] std::vector<FolderWay> folder_ways();

/// The one that every system has.
[[nodiscard]] inline FolderWay::Opener open_at_once(const std::filesystem::path& path) {
    std::error_code error;
    const auto folder = std::make_shared<Folder>(Folder::open(path, error));
    EXPECT_TRUE(folder->is_open()) << error;
    return [folder](std::string_view relative, std::error_code& why) { return folder->open_beneath(relative, why); };
}

class FolderTest : public testing::TestWithParam<FolderWay> {
protected:
    FolderTest() {
        outside.write("secret", "secret");
        folder.write("file", "content");
        folder.write("a/b/c", "deep");
        opener = GetParam().begin(folder.path());
    }

    [[nodiscard]] std::string open(std::string_view path) const {
        return opened([&](std::error_code& error) { return opener(path, error); });
    }

    [[nodiscard]] bool refuses(std::string_view path) const {
        const std::string got = open(path);
        return got != "secret" && got != "content" && got != "deep";
    }

    TemporaryFolder outside;
    TemporaryFolder folder;
    FolderWay::Opener opener;
};

}  // namespace pollux::platform::test

// One line in each file with tests of folders.
#define POLLUX_BY_EACH_FOLDER_WAY(suite)                                    \
    INSTANTIATE_TEST_SUITE_P(Ways, suite, testing::ValuesIn(folder_ways()), \
                             [](const auto& way) { return std::string{way.param.name}; })
