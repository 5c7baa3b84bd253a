// What `Engine::run` starts: servers and UDP sockets.
#pragma once

#include <pollux/error.h>

namespace pollux {

/// Any thread.
class Startable {
public:
    [[nodiscard]] virtual Status start() = 0;
    [[nodiscard]] virtual bool running() const noexcept = 0;

    /// Gracefully, or at once.
    virtual void stop(bool abort) = 0;

protected:
    ~Startable() = default;
};

}  // namespace pollux
