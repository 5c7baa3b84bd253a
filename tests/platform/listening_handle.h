// A listening socket in no poller.
#pragma once

#include <utility>

#include "platform/support.h"

namespace pollux::platform::test {

class ListeningHandle {
public:
    ListeningHandle() = default;
    ~ListeningHandle() { close(); }
    ListeningHandle(const ListeningHandle&) = delete;
    ListeningHandle& operator=(const ListeningHandle&) = delete;

    std::error_code listen(const SocketAddress& address, const ListenOptions& options = listen_options()) {
        return platform::listen(address, options, value);
    }
    void close() { close_handle(std::exchange(value, invalid_handle)); }
    [[nodiscard]] SocketAddress address() const { return local_address(value); }

    NativeHandle value = invalid_handle;
};

}  // namespace pollux::platform::test
