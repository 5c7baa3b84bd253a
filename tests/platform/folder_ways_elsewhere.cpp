// How files beneath a folder are opened: a segment at a time.
#include "platform/file_support.h"

namespace pollux::platform::test {

std::vector<FolderWay> folder_ways() {
    return {{"by_segments", false, open_at_once}};
}

}  // namespace pollux::platform::test
