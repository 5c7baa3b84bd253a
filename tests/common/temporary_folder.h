// A folder of files for one test.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>

namespace pollux::test {

/// A folder that nobody else uses; it goes with all that is in it. Paths are relative to it.
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
    [[nodiscard]] std::filesystem::path operator/(std::string_view relative) const { return path_ / relative; }

    /// Writes a file, in place if it is there, and the folders that lead to it.
    void write(std::string_view relative, std::string_view content) const {
        const std::filesystem::path file = path_ / relative;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream out{file, std::ios::binary | std::ios::trunc};
        out << content;
        EXPECT_TRUE(out.flush()) << file;
    }

    /// Sets the time that a file was modified, since 1970.
    void set_modified(std::string_view relative, std::int64_t seconds, long nanoseconds = 0) const {
        const timespec time{seconds, nanoseconds};
        const timespec times[2] = {time, time};
        EXPECT_EQ(::utimensat(AT_FDCWD, (path_ / relative).c_str(), times, 0), 0) << relative;
    }

    void link(std::string_view relative, const std::filesystem::path& target) const {
        std::filesystem::create_symlink(target, path_ / relative);
    }

private:
    std::filesystem::path path_;
};

}  // namespace pollux::test
