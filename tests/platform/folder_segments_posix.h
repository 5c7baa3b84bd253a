// The way to open files beneath a folder that every POSIX system has.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "platform/file_support.h"
#include "platform/files_posix.h"

namespace pollux::platform::test {

[[nodiscard]] inline FolderWay::Opener open_by_segments_from(const std::filesystem::path& path) {
    const std::shared_ptr<int> folder{new int{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)},
                                      [](const int* descriptor) {
                                          ::close(*descriptor);
                                          delete descriptor;
                                      }};
    return [folder](std::string_view relative, std::error_code& error) {
        return take_regular_file(open_by_segments(*folder, relative), error);
    };
}

}  // namespace pollux::platform::test
