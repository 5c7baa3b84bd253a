// Staged sends: what several connections have sent in their callbacks, handed to the kernel one after the other.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>

#include <pollux/bytes.h>

#include "cork.h"

namespace pollux {

class StreamConnection;

/// Between two calls to the kernel, the processor has forgotten most of our code: where many connections are ready at
/// once, each with little to say, answering a few of them before the first answer is sent is worth 3 % of an HTTP
/// request. So while a turn's events are handled, short answers stay in the cork until there are enough of them, or
/// they have waited for too long. Nobody sees a difference: whatever is done to a connection sends first what it has
/// staged.
class StagedSends {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// How many connections wait for each other, and what each may have staged.
    static constexpr std::size_t most_connections = 32;
    static constexpr std::size_t most_bytes_each = 4096;
    static constexpr std::size_t most_bytes = most_connections * most_bytes_each;

    /// The cork is where all of it lies.
    explicit StagedSends(Cork& cork) noexcept : cork_(&cork) {}

    /// From here on they are staged, if there is more than one event to handle; `now` is about the time.
    void begin(bool several, Time now) noexcept {
        active_ = several;
        since_ = now;
    }

    /// Sends them all, and stages no more.
    void end() {
        active_ = false;
        if (count_ != 0) send_all();
    }

    /// Takes what the connection, whose callback has ended, has in the cork. False if it is to send it itself.
    [[nodiscard]] bool add(StreamConnection& connection) {
        if (!active_ || cork_->size() > most_bytes_each) return false;
        entries_[count_++] = {&connection, cork_->stage()};
        return true;
    }

    /// To be called after each `add`, when the cork is nobody's: sends them all if it is time.
    void send_if_due();

    /// Sends what one of them has staged.
    void send(const StreamConnection& connection);

    [[nodiscard]] std::size_t bytes_of(const StreamConnection& connection) const noexcept;

private:
    struct Entry {
        StreamConnection* connection;  // null if it has sent by itself
        Bytes bytes;
    };

    /// Handlers that take their time are looked at with each few of them: a look costs as much as a short callback.
    static constexpr std::chrono::microseconds longest_wait{50};
    static constexpr std::size_t connections_per_look = 4;

    void send_all();

    Cork* cork_;
    std::array<Entry, most_connections> entries_;
    std::size_t count_ = 0;
    Time since_{};
    bool active_ = false;
};

}  // namespace pollux
