// Connections that break while something is left to receive, which no operation would tell.
#pragma once

#include "system_sockets.h"

namespace pollux::platform {

/// A packet without an operation comes to the port, with `key`, when one of the sockets added may have broken: which
/// one, each is to be asked. One event of the system's serves all of a poller's, and is made when the first is added.
class IocpHangUps {
public:
    static constexpr ULONG_PTR key = 1;

    IocpHangUps() = default;
    ~IocpHangUps() { stop(); }
    IocpHangUps(const IocpHangUps&) = delete;
    IocpHangUps& operator=(const IocpHangUps&) = delete;

    /// False if the system has no resources for it.
    [[nodiscard]] bool add(SOCKET socket, HANDLE port) noexcept;

    /// From then on no packet comes: to be called before the port is closed.
    void stop() noexcept;

    /// The error that has broken a socket that was added; 0 if it has not, or if its peer has just finished.
    [[nodiscard]] static int error_of(SOCKET socket) noexcept;

private:
    [[nodiscard]] bool open(HANDLE port) noexcept;

    HANDLE event_ = nullptr;
    HANDLE wait_ = nullptr;  // of a thread of the system's pool
};

}  // namespace pollux::platform
