// What tests of sending files share.
#pragma once

#include <chrono>

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

    /// Closes the other end, and sends until that has been noticed.
    void expect_broken_pipe_when_the_peer_has_gone() {
        const File file = make(100'000);
        loop.close(server);
        IoResult result;
        const Time deadline = Poller::now() + patience;
        do {
            result = loop.poller.send_file(client, file.handle(), 0, 100'000);
            loop.turn(Poller::now() + std::chrono::milliseconds{1});
        } while (result.status != IoStatus::failed && Poller::now() < deadline);
        ASSERT_EQ(result.status, IoStatus::failed);
        // The first failure may tell of the reset; from the second on it is the broken pipe, whose signal would come.
        for (int i = 0; i < 3; ++i) result = loop.poller.send_file(client, file.handle(), 0, 100'000);
        EXPECT_EQ(system_error(result.error), std::errc::broken_pipe);
    }

    pollux::test::TemporaryFolder folder;
};

}  // namespace pollux::platform::test
