// Files straight to a socket, and the signal that comes with it elsewhere.
#include <signal.h>

#include "platform/send_file_support.h"

namespace pollux::platform::test {
namespace {

class SendFileSignalTest : public SendFileTest {};

POLLUX_ON_EACH_TRANSPORT(SendFileSignalTest);

TEST_P(SendFileSignalTest, a_peer_that_has_gone_is_no_signal) {
    ASSERT_NO_FATAL_FAILURE(expect_broken_pipe_when_the_peer_has_gone());
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
