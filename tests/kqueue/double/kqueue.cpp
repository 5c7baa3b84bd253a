// The two calls of kqueue(2).
#include <sys/epoll.h>
#include <sys/event.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <memory>
#include <mutex>

#include "event_queue.h"

namespace {

using pollux::kqueue_double::EventQueue;
using pollux::kqueue_double::refuse;
using Clock = std::chrono::steady_clock;

/// By descriptor. A queue is let go when its descriptor is made again, since nobody tells that it was closed.
constexpr std::size_t most_descriptors = 1 << 16;
std::array<std::atomic<EventQueue*>, most_descriptors> queues;

EventQueue* find_queue(int descriptor) noexcept {
    const auto index = static_cast<std::size_t>(descriptor);
    return index < queues.size() ? queues[index].load() : nullptr;
}

bool only_triggers(const struct kevent& change) noexcept {
    return change.filter == EVFILT_USER && change.flags == 0 && change.fflags == NOTE_TRIGGER;
}

/// How many of `out` tell of changes that failed or ask for a receipt; -1 with errno if there was no room for one.
int apply_changes(EventQueue& queue, const struct kevent* changes, int count, struct kevent* out, int room) {
    int told = 0;
    for (int i = 0; i < count; ++i) {
        const struct kevent change = changes[i];  // the lists may be one
        const int error = only_triggers(change) ? queue.trigger(change.ident) : queue.apply(change);
        if (error == 0 && (change.flags & EV_RECEIPT) == 0) continue;
        if (told < room) {
            out[told] = change;
            out[told].flags = static_cast<std::uint16_t>(change.flags | EV_ERROR);
            out[told++].data = error;
        } else if (error != 0) {
            errno = error;
            return -1;
        }
    }
    return told;
}

timespec to_timespec(std::chrono::nanoseconds duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    return {seconds.count(), (duration - seconds).count()};
}

/// The next that happens, at the latest at the end. -1 with errno.
int wait_for_events(int descriptor, EventQueue& queue, struct kevent* out, int room, Clock::time_point end) {
    std::array<epoll_event, 256> told;
    for (bool last = false;;) {
        // What has happened by now comes in the order in which it did, however much that is.
        int count = ::epoll_wait(descriptor, told.data(), static_cast<int>(told.size()), 0);
        if (count < 0) return -1;
        queue.note({told.data(), static_cast<std::size_t>(count)});
        if (count == static_cast<int>(told.size())) continue;
        const std::size_t fetched = queue.fetch({out, static_cast<std::size_t>(room)});
        if (fetched != 0 || last) return static_cast<int>(fetched);
        const timespec left = to_timespec(std::max(end - Clock::now(), Clock::duration{}));
        count = ::epoll_pwait2(descriptor, told.data(), static_cast<int>(told.size()),
                               end == Clock::time_point::max() ? nullptr : &left, nullptr);
        if (count < 0) return -1;
        queue.note({told.data(), static_cast<std::size_t>(count)});
        last = count == 0;
    }
}

}  // namespace

int kqueue() {
    static std::mutex mutex;
    const int descriptor = ::epoll_create1(0);
    if (descriptor < 0) return -1;
    if (static_cast<std::size_t>(descriptor) >= queues.size()) refuse("a descriptor with too high a number");
    const std::lock_guard lock{mutex};
    const std::unique_ptr<EventQueue> former{queues[static_cast<std::size_t>(descriptor)].exchange(nullptr)};
    queues[static_cast<std::size_t>(descriptor)] = std::make_unique<EventQueue>(descriptor).release();
    return descriptor;
}

int kevent(int kq, const struct kevent* changelist, int nchanges, struct kevent* eventlist, int nevents,
           const struct timespec* timeout) {
    if (nchanges < 0 || nevents < 0) refuse("a list of less than nothing");
    if ((nchanges > 0 && changelist == nullptr) || (nevents > 0 && eventlist == nullptr)) refuse("a list is missing");
    if (timeout != nullptr && (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1'000'000'000)) {
        refuse("a timeout that is none");
    }
    EventQueue* const queue = find_queue(kq);
    if (queue == nullptr) {
        errno = EBADF;
        return -1;
    }
    const int told = apply_changes(*queue, changelist, nchanges, eventlist, nevents);
    if (told != 0 || nevents == 0) return told;
    Clock::time_point end = Clock::time_point::max();
    if (timeout != nullptr) {
        end = Clock::now() + std::chrono::seconds{timeout->tv_sec} + std::chrono::nanoseconds{timeout->tv_nsec};
    }
    return wait_for_events(kq, *queue, eventlist, nevents, end);
}
