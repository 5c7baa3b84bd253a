// The chosen platform: Linux, epoll.
#pragma once

#include "platform/poller_epoll.h"

namespace pollux::platform {

using Poller = EpollPoller;
using Socket = EpollPoller::Socket;

}  // namespace pollux::platform
