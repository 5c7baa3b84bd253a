// How files beneath a folder are opened: by one call that confines the lookup, and by segments.
#include "platform/folder_segments_posix.h"

namespace pollux::platform::test {

std::vector<FolderWay> folder_ways() {
    return {{"at_once", true, open_at_once}, {"by_segments", false, open_by_segments_from}};
}

}  // namespace pollux::platform::test
