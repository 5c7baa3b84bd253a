// sendfile(2), which knows no way of its own not to raise SIGPIPE.
#include <signal.h>
#include <sys/sendfile.h>

#include <cerrno>

#include "platform/stream_posix.h"

namespace pollux::platform {

namespace {

/// Holds SIGPIPE back from the calling thread, which is the one that it is aimed at, until what was raised meanwhile is
/// taken away. Two small calls beside one that moves as much as a socket holds.
class PipeSignalBlock {
public:
    PipeSignalBlock() noexcept {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &former_);
    }
    ~PipeSignalBlock() {
        if (!sigismember(&former_, SIGPIPE)) ::pthread_sigmask(SIG_SETMASK, &former_, nullptr);
    }
    PipeSignalBlock(const PipeSignalBlock&) = delete;
    PipeSignalBlock& operator=(const PipeSignalBlock&) = delete;

    /// Takes away the signal of a peer that is gone. Whoever had blocked it before keeps it.
    void take() noexcept {
        if (sigismember(&former_, SIGPIPE)) return;
        const int saved = errno;
        const timespec at_once{};
        ::sigtimedwait(&pipe_, nullptr, &at_once);
        errno = saved;
    }

private:
    sigset_t pipe_;
    sigset_t former_;
};

}  // namespace

IoResult send_file(int socket, NativeHandle file, std::uint64_t offset, std::size_t count) noexcept {
    PipeSignalBlock signal;
    for (;;) {
        auto from = static_cast<off_t>(offset);
        const ssize_t sent = ::sendfile(socket, static_cast<int>(file), &from, count);
        // It sends piece by piece: the signal may have come for one after those that it tells of.
        if (sent < 0 || static_cast<std::size_t>(sent) < count) signal.take();
        if (sent > 0) return {IoStatus::done, 0, static_cast<std::size_t>(sent)};
        if (sent == 0) return {IoStatus::end, 0, 0};
        if (errno == EINTR) continue;
        if (errno == EAGAIN) return {IoStatus::would_block, 0, 0};
        return {IoStatus::failed, errno, 0};
    }
}

}  // namespace pollux::platform
