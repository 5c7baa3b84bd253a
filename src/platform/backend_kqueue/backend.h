// The chosen platform: macOS and FreeBSD, kqueue.
#pragma once

#include "platform/poller_kqueue.h"

namespace pollux::platform {

using Poller = KqueuePoller;
using Socket = KqueuePoller::Socket;

}  // namespace pollux::platform
