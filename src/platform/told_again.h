// Sockets whose readiness is known without asking the system: the next wait tells of them again.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace pollux::platform {

/// For back ends of edges. An edge is told once, so a socket that is known to hold more (a full receive, an accept that
/// was not the last, data that came while disarmed) is put on a list; each turn tells of those that were put there
/// before it. A socket has a member `bool listed`, which is the list's.
template <class Socket>
class ToldAgain {
public:
    ToldAgain() {
        // So that a first busy turn, which may come late, is no call to the allocator.
        constexpr std::size_t usual = 256;
        next_.reserve(usual);
        told_.reserve(usual);
    }

    /// Whether the next turn has something to tell.
    [[nodiscard]] bool waiting() const noexcept { return !next_.empty(); }

    void add(Socket& socket) noexcept {
        if (socket.listed) return;
        socket.listed = true;
        next_.push_back(&socket);
    }

    /// Begins a turn. How many it tells of.
    std::size_t begin_turn() noexcept {
        told_.clear();
        told_.swap(next_);
        return told_.size();
    }

    /// One that this turn tells of; null if it was closed since.
    [[nodiscard]] Socket* tell(std::size_t index) noexcept {
        Socket* const socket = told_[index];
        if (socket != nullptr) socket->listed = false;
        return socket;
    }

    void remove(const Socket& socket) noexcept {
        if (!socket.listed) return;
        const auto forget = [&](std::vector<Socket*>& list) {
            std::replace(list.begin(), list.end(), const_cast<Socket*>(&socket), static_cast<Socket*>(nullptr));
        };
        forget(next_);
        forget(told_);
    }

private:
    std::vector<Socket*> next_;
    std::vector<Socket*> told_;
};

}  // namespace pollux::platform
