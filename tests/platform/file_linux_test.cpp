// Files beneath a folder that is changed meanwhile.
#include <fcntl.h>
#include <stdio.h>

#include <atomic>
#include <thread>

#include "platform/file_support.h"

namespace pollux::platform::test {
namespace {

class FolderRaceTest : public FolderTest {};

POLLUX_BY_EACH_FOLDER_WAY(FolderRaceTest);

TEST_P(FolderRaceTest, leads_nowhere_else_while_it_is_changed) {
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

}  // namespace
}  // namespace pollux::platform::test
