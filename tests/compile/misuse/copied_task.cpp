// A task is moved to its reactor; a copy would run twice.
// error: bind|conver|deleted|no matching
#include <utility>

#include <pollux/engine.h>

pollux::Result run(pollux::Engine& engine) {
    pollux::Task task{[] {}};
#ifdef POLLUX_MISUSE
    return engine.post(0, task);
#else
    return engine.post(0, std::move(task));
#endif
}
