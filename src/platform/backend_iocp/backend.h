// The chosen platform: Windows, I/O completion ports.
#pragma once

#include "platform/poller_iocp.h"

namespace pollux::platform {

using Poller = IocpPoller;
using Socket = IocpPoller::Socket;

}  // namespace pollux::platform
