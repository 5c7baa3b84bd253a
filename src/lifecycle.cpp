// Lifecycle.
#include "lifecycle.h"

#include "engine_core.h"

namespace pollux {

Status Lifecycle::check_startable(const std::string& what) const {
    if (phase_.load(std::memory_order_acquire) != Phase::stopped) {
        return {make_error_code(Errc::already_started), "cannot start " + what};
    }
    if (engine_->core().reactor(0).ended()) {
        return {make_error_code(Errc::stopped), "cannot start " + what + ": the engine"};
    }
    return {};
}

void Lifecycle::wait_stopped(std::uint64_t begins) {
    engine_->core().wait_until(mutex_, ended_,
                               [this, begins] { return phase_.load() == Phase::stopped || begins_ != begins; });
}

}  // namespace pollux
