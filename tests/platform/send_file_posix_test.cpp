// Files straight to a socket, and the signal that comes with it elsewhere.
#include <signal.h>

#include "platform/send_file_support.h"

namespace pollux::platform::test {
namespace {

class SendFileSignalTest : public SendFileTest {};

POLLUX_ON_EACH_TRANSPORT(SendFileSignalTest);

TEST_P(SendFileSignalTest, a_peer_that_has_gone_is_no_signal) {
    const File file = make(100'000);
    loop.close(server);
    IoResult result;
    const Time deadline = Poller::now() + patience;
    do {
        result = loop.poller.send_file(client, file.handle(), 0, 100'000);
        loop.turn(Poller::now() + 1ms);
    } while (result.status != IoStatus::failed && Poller::now() < deadline);
    ASSERT_EQ(result.status, IoStatus::failed);
    // The first failure may tell of the reset; from the second on it is the broken pipe, whose signal would come.
    for (int i = 0; i < 3; ++i) result = loop.poller.send_file(client, file.handle(), 0, 100'000);
    EXPECT_EQ(system_error(result.error), std::errc::broken_pipe);
    sigset_t pending;
    ::sigpending(&pending);
    EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
    sigset_t blocked;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    EXPECT_EQ(sigismember(&blocked, SIGPIPE), 0);
}

TEST_P(SendFileSignalTest, who_blocks_the_signal_goes_on_blocking_it) {
    sigset_t pipe;
    sigset_t former;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, &former);
    const File file = make(10);
    ASSERT_EQ(loop.poller.send_file(client, file.handle(), 0, 10).bytes, 10U);
    sigset_t blocked;
    ::pthread_sigmask(SIG_SETMASK, &former, &blocked);
    EXPECT_EQ(sigismember(&blocked, SIGPIPE), 1);
}

}  // namespace
}  // namespace pollux::platform::test
