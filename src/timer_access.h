// The reactor's way into the public timer.
#pragma once

#include <pollux/timer.h>

namespace pollux {

class TimerAccess {
public:
    static void fire(detail::TimerNode& node);
};

}  // namespace pollux
