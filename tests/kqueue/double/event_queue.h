// A kqueue, over an epoll descriptor.
#pragma once

#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <span>
#include <vector>

namespace pollux::kqueue_double {

/// Knotes by descriptor and filter. Epoll, edge-triggered, says what may have become ready; a knote that it means is
/// activated, and its filter is run when somebody comes to fetch it, as on a real kqueue.
class EventQueue {
public:
    /// `descriptor` is of epoll, and is the queue's for those who use it.
    explicit EventQueue(int descriptor) : epoll_(descriptor) {
        // A real one has its memory in the kernel, where tests of the allocator do not see it.
        active_.reserve(256);
        kept_.reserve(256);
    }
    EventQueue(const EventQueue&) = delete;
    EventQueue& operator=(const EventQueue&) = delete;

    /// Applies a change. 0, or the error a real kqueue would tell of.
    [[nodiscard]] int apply(const struct kevent& change);

    /// Triggers a user event: without a lock, since signal handlers do it. 0 or the error.
    [[nodiscard]] int trigger(std::uintptr_t ident) noexcept;

    /// Takes note of what epoll told.
    void note(std::span<const epoll_event> told);

    /// Fetches active events whose filters say so still. How many.
    [[nodiscard]] std::size_t fetch(std::span<struct kevent> out);

private:
    struct Knote {
        bool present = false;
        bool enabled = false;
        bool active = false;
        std::uint16_t flags = 0;  // of EV_CLEAR, EV_ONESHOT, EV_DISPATCH
        void* udata = nullptr;
    };
    struct Watched {
        ino_t file = 0;           // 0: nothing is registered
        std::uint32_t asked = 0;  // of epoll
        Knote read;
        Knote write;
    };
    struct Activation {
        int descriptor;
        std::int16_t filter;
    };
    struct UserEvent {
        std::atomic<bool> present{false};
        std::atomic<bool> triggered{false};
        std::atomic<std::uintptr_t> ident{0};
        std::uint16_t flags = 0;
        bool enabled = false;
        void* udata = nullptr;
    };

    [[nodiscard]] int apply_to_user_event(const struct kevent& change);
    [[nodiscard]] int apply_to_socket(const struct kevent& change);
    [[nodiscard]] Watched& watched(int descriptor, ino_t file);
    [[nodiscard]] int ask_epoll(int descriptor, Watched& watched);
    void remove(Knote& knote, int descriptor, std::int16_t filter);
    void activate(Knote& knote, int descriptor, std::int16_t filter);
    [[nodiscard]] bool fetch_user_event(UserEvent& event, struct kevent& out);
    [[nodiscard]] bool fetch_socket_event(const Activation& activation, struct kevent& out);

    int epoll_;
    std::mutex mutex_;
    std::vector<Watched> watched_;  // by descriptor
    std::vector<Activation> active_;
    std::vector<Activation> kept_;
    std::array<UserEvent, 8> user_events_;
};

/// Ends the process: the back end did what a real kqueue would refuse, or what systems differ in.
[[noreturn]] void refuse(const char* what) noexcept;

}  // namespace pollux::kqueue_double
