// The reactor's way into the public timer.
#pragma once

#include <pollux/timer.h>

namespace pollux {

class TimerAccess {
public:
    /// Without a delay. `expiry` is what the timer tells.
    static void arm_next(Timer& timer, std::chrono::steady_clock::time_point expiry);

    static void fire(detail::TimerNode& node);
};

}  // namespace pollux
