// Files beneath a folder on macOS and the BSDs, whose lookups cannot all be confined: no link is followed.
#include "platform/files_posix.h"

namespace pollux::platform {

File Folder::open_beneath(std::string_view relative, std::error_code& error) const noexcept {
    return take_regular_file(open_by_segments(static_cast<int>(handle_), relative), error);
}

}  // namespace pollux::platform
