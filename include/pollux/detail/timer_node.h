// The links of a timer in its reactor's wheel. Embedded in `Timer` and in connections, so arming never allocates.
#pragma once

#include <cstdint>

namespace pollux::detail {

/// One timer of a wheel. Owned by whoever embeds it; the wheel links it while it is armed.
struct TimerNode {
    TimerNode* next = nullptr;
    TimerNode** previous_link = nullptr;  ///< Whatever points at this node; null while not armed.
    std::uint64_t tick : 48 = 0;  ///< When it is due, in ticks of the wheel.
    std::uint64_t slot : 12 = 0;  ///< The list it is linked in.
    std::uint64_t kind : 4 = 0;   ///< What embeds it; chosen by the engine.

    [[nodiscard]] bool armed() const noexcept { return previous_link != nullptr; }
};

}  // namespace pollux::detail
