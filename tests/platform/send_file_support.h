// What tests of sending files share.
#pragma once

#include "common/temporary_folder.h"
#include "platform/files.h"
#include "platform/support.h"

namespace pollux::platform::test {

class SendFileTest : public PairTest {
protected:
    void make_ends() override {
        PairTest::make_ends();
        const File file = make(1);
        const IoResult result = loop.poller.send_file(client, file.handle(), 1, 1);
        if (result.status == IoStatus::failed && system_error(result.error) == std::errc::operation_not_supported) {
            GTEST_SKIP() << "this platform has no such call that does not wait for the peer";
        }
    }

    /// A file with the pattern in it.
    File make(std::size_t size) {
        folder.write("file", pattern(0, size));
        std::error_code error;
        File file = File::open(folder / "file", error);
        EXPECT_TRUE(file.is_open()) << error;
        return file;
    }

    /// Sends until nothing more is taken; how far that went.
    std::size_t fill_from(const File& file, std::size_t size) {
        std::size_t sent = 0;
        for (;;) {
            const IoResult result = loop.poller.send_file(client, file.handle(), sent, size - sent);
            if (result.status == IoStatus::would_block) return sent;
            EXPECT_EQ(result.status, IoStatus::done);
            if (result.status != IoStatus::done) return sent;
            sent += result.bytes;
        }
    }

    pollux::test::TemporaryFolder folder;
};

}  // namespace pollux::platform::test
