// A folder of files for one test.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>

#include "common/file_calls.h"

namespace pollux::test {

/// A folder that nobody else uses; it goes with all that is in it. Paths are relative to it, and UTF-8.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::random_device random;
        const std::string name = "pollux-" + std::to_string(random()) + std::to_string(random());
        path_ = std::filesystem::temp_directory_path() / name;
        std::filesystem::create_directory(path_);
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::filesystem::path operator/(std::string_view relative) const {
        return path_ / std::u8string{relative.begin(), relative.end()};
    }

    /// Writes a file, in place if it is there, and the folders that lead to it.
    void write(std::string_view relative, std::string_view content) const {
        const std::filesystem::path file = *this / relative;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream out{file, std::ios::binary | std::ios::trunc};
        out << content;
        EXPECT_TRUE(out.flush()) << file;
    }

    /// Sets the time that a file was modified, since 1970. Systems keep multiples of 100 nanoseconds.
    void set_modified(std::string_view relative, std::int64_t seconds, long nanoseconds = 0) const {
        EXPECT_TRUE(set_modification_time(*this / relative, seconds, nanoseconds)) << relative;
    }

    void link(std::string_view relative, const std::filesystem::path& target) const {
        EXPECT_TRUE(make_link(*this / relative, target)) << relative;
    }

    /// Whether links can be made there: not on every system, nor by everybody.
    [[nodiscard]] bool has_links() const {
        const bool made = make_link(*this / "probe", "nothing");
        std::error_code ignored;
        std::filesystem::remove(*this / "probe", ignored);
        return made;
    }

private:
    std::filesystem::path path_;
};

}  // namespace pollux::test
