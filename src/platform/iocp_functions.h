// The functions of Winsock's extensions, which are asked for at run time.
#pragma once

#include <system_error>

#include "system_sockets.h"

namespace pollux::platform {

struct IocpFunctions {
    LPFN_ACCEPTEX accept_ex = nullptr;
    LPFN_CONNECTEX connect_ex = nullptr;
    LPFN_GETACCEPTEXSOCKADDRS get_accept_ex_sockaddrs = nullptr;

    /// Those of the system's own providers, which are the same for every family.
    [[nodiscard]] std::error_code load() noexcept;
};

}  // namespace pollux::platform
