// Stopping engines when the process is asked to end.
#include <array>
#include <atomic>
#include <mutex>
#include <thread>

#include <pollux/engine.h>

#include "platform/signals.h"

namespace pollux {

namespace {

// Process-wide as signals are. The handler may only read atomics and call Engine::stop.
std::array<std::atomic<Engine*>, 16> engines{};
std::mutex engines_mutex;
std::size_t engines_used = 0;
std::atomic<int> handlers_running{0};

void stop_all() {
    handlers_running.fetch_add(1);
    for (auto& slot : engines) {
        if (Engine* engine = slot.load()) engine->stop();
    }
    handlers_running.fetch_sub(1);
}

}  // namespace

StopOnSignal::StopOnSignal(Engine& engine) : slot_(engines.size()) {
    const std::lock_guard lock{engines_mutex};
    for (std::size_t i = 0; i < engines.size(); ++i) {
        if (engines[i].load() != nullptr) continue;
        engines[i] = &engine;
        slot_ = i;
        if (engines_used++ == 0) platform::set_stop_handler(stop_all);
        return;
    }
}

StopOnSignal::~StopOnSignal() {
    if (slot_ == engines.size()) return;
    const std::lock_guard lock{engines_mutex};
    engines[slot_] = nullptr;
    if (--engines_used == 0) platform::set_stop_handler(nullptr);
    // A handler on another thread may have read the slot already: the engine must not go before it is done. One that
    // interrupts this thread is done when this goes on.
    while (handlers_running.load() != 0) std::this_thread::yield();
}

}  // namespace pollux
