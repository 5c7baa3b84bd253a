// What a perf program speaks.
#pragma once

#include <pollux/address.h>

namespace perf {

/// Bytes over TCP or a Unix socket, as they are or encrypted, or HTTP in them, or what begins as HTTP; or datagrams.
struct Wire {
    pollux::Transport transport = pollux::Transport::tcp;
    bool tls = false;
    bool http = false;
};

inline constexpr Wire tcp{};
inline constexpr Wire uds{.transport = pollux::Transport::unix_domain};
inline constexpr Wire ssl{.tls = true};
inline constexpr Wire http{.http = true};
inline constexpr Wire https{.tls = true, .http = true};
inline constexpr Wire udp{.transport = pollux::Transport::udp};

}  // namespace perf
