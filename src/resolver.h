// Names resolved on threads of their own: asking the system for a name blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <pollux/address.h>

namespace pollux {

/// Any thread. Up to four names are looked up at once, so that one whose servers do not answer holds up few others. The
/// threads end when there is nothing to do. A lookup cannot be called off: after `close` its result is dropped.
class Resolver {
public:
    using Answer = std::function<void(std::error_code, std::vector<SocketAddress>)>;

    Resolver();
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// Looks up `host`; `answer` is called on a thread of the resolver. It must not block.
    void resolve(std::string host, std::uint16_t port, Answer answer);

    /// After this no `answer` is called, and none is running.
    void close();

private:
    struct State;
    static void work(const std::shared_ptr<State>& state);
    std::shared_ptr<State> state_;
};

}  // namespace pollux
