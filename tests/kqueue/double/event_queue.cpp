// A kqueue, over an epoll descriptor.
#include "event_queue.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "socket_state.h"

namespace pollux::kqueue_double {

namespace {

constexpr unsigned kept_flags = EV_CLEAR | EV_ONESHOT | EV_DISPATCH;
constexpr unsigned actions = EV_ADD | EV_DELETE | EV_ENABLE | EV_DISABLE;
constexpr std::uint64_t user_mark = ~std::uint64_t{0};

/// It is always readable: changing its registration makes an edge. One for all queues, made before any test counts
/// descriptors: a real kqueue has none beside its own.
const int always_ready = ::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);

void check_flags(const struct kevent& change) {
    if ((change.flags & ~(kept_flags | actions | EV_RECEIPT)) != 0) refuse("flags that the double does not know");
    if ((change.flags & EV_ADD) != 0 && (change.flags & EV_DELETE) != 0) refuse("EV_ADD together with EV_DELETE");
    if ((change.flags & EV_ENABLE) != 0 && (change.flags & EV_DISABLE) != 0) refuse("EV_ENABLE and EV_DISABLE");
}

}  // namespace

void refuse(const char* what) noexcept {
    std::fprintf(stderr, "the double of kqueue: %s\n", what);
    std::abort();
}

int EventQueue::apply(const struct kevent& change) {
    check_flags(change);
    const std::lock_guard lock{mutex_};
    switch (change.filter) {
        case EVFILT_USER:
            return apply_to_user_event(change);
        case EVFILT_READ:
        case EVFILT_WRITE:
            if (change.fflags != 0) refuse("a filter of sockets has no fflags here");
            return apply_to_socket(change);
        default:
            refuse("a filter that the double does not know");
    }
}

// User events.

int EventQueue::apply_to_user_event(const struct kevent& change) {
    if ((change.fflags & ~unsigned{NOTE_TRIGGER}) != 0) refuse("user events have NOTE_TRIGGER only");
    auto found = std::find_if(user_events_.begin(), user_events_.end(),
                              [&](const UserEvent& event) { return event.present && event.ident == change.ident; });
    if (found == user_events_.end()) {
        if ((change.flags & EV_ADD) == 0) return ENOENT;
        found = std::find_if(user_events_.begin(), user_events_.end(),
                             [](const UserEvent& event) { return !event.present; });
        if (found == user_events_.end()) refuse("more user events than the double has room for");
        epoll_event event{};
        event.events = EPOLLIN | EPOLLET;
        event.data.u64 = user_mark;
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, always_ready, &event) != 0 && errno != EEXIST) return errno;
        found->ident = change.ident;
        found->flags = static_cast<std::uint16_t>(change.flags & kept_flags);
        found->triggered = false;
    } else if ((change.flags & EV_ADD) != 0 && (change.flags & kept_flags) != found->flags) {
        refuse("adding again with other flags: not every system takes them over");
    }
    if ((change.flags & EV_ADD) != 0) found->udata = change.udata;
    if ((change.flags & (EV_ADD | EV_ENABLE)) != 0) found->enabled = true;
    if ((change.flags & EV_DISABLE) != 0) found->enabled = false;
    found->present = (change.flags & EV_DELETE) == 0;
    return (change.fflags & NOTE_TRIGGER) != 0 ? trigger(change.ident) : 0;
}

int EventQueue::trigger(std::uintptr_t ident) noexcept {
    for (UserEvent& event : user_events_) {
        if (!event.present || event.ident != ident) continue;
        event.triggered = true;
        epoll_event edge{};
        edge.events = EPOLLIN | EPOLLET;
        edge.data.u64 = user_mark;
        return ::epoll_ctl(epoll_, EPOLL_CTL_MOD, always_ready, &edge) == 0 ? 0 : errno;
    }
    return ENOENT;
}

bool EventQueue::fetch_user_event(UserEvent& event, struct kevent& out) {
    if (!event.present || !event.enabled || !event.triggered) return false;
    if ((event.flags & (EV_CLEAR | EV_DISPATCH)) != 0) event.triggered = false;
    if ((event.flags & EV_DISPATCH) != 0) event.enabled = false;
    if ((event.flags & EV_ONESHOT) != 0) event.present = false;
    out = {event.ident, EVFILT_USER, event.flags, 0, 0, event.udata};
    return true;
}

// Sockets.

/// What was registered of a descriptor went with the file that it then was of, and another may have its number now.
EventQueue::Watched& EventQueue::watched(int descriptor, ino_t file) {
    const auto index = static_cast<std::size_t>(descriptor);
    if (index >= watched_.size()) watched_.resize(index + 1);
    Watched& entry = watched_[index];
    if (entry.file != file) {
        entry = {};
        entry.file = file;
        std::erase_if(active_, [&](const Activation& other) { return other.descriptor == descriptor; });
    }
    return entry;
}

void EventQueue::remove(Knote& knote, int descriptor, std::int16_t filter) {
    knote = {};
    std::erase_if(active_,
                  [&](const Activation& other) { return other.descriptor == descriptor && other.filter == filter; });
}

int EventQueue::apply_to_socket(const struct kevent& change) {
    const int descriptor = static_cast<int>(change.ident);
    const ino_t file = file_number(descriptor);
    if (file == 0) return EBADF;
    Watched& entry = watched(descriptor, file);
    Knote& knote = change.filter == EVFILT_READ ? entry.read : entry.write;
    if (!knote.present && (change.flags & EV_ADD) == 0) return ENOENT;
    if ((change.flags & EV_DELETE) != 0) {
        remove(knote, descriptor, change.filter);
        return ask_epoll(descriptor, entry);
    }
    const auto flags = static_cast<std::uint16_t>(change.flags & kept_flags);
    if ((change.flags & EV_ADD) != 0) {
        if (knote.present && knote.flags != flags) {
            refuse("adding again with other flags: not every system takes them over");
        }
        knote.present = true;
        knote.flags = flags;
        knote.udata = change.udata;
    }
    if ((change.flags & (EV_ADD | EV_ENABLE)) != 0) knote.enabled = true;
    if ((change.flags & EV_DISABLE) != 0) knote.enabled = false;
    // Its filter is run anew, which for the double is when it is fetched.
    if (knote.enabled) activate(knote, descriptor, change.filter);
    return ask_epoll(descriptor, entry);
}

/// An edge of epoll's comes for everything that is ready then, so that a change here may activate what has not changed.
int EventQueue::ask_epoll(int descriptor, Watched& entry) {
    std::uint32_t wanted = 0;
    if (entry.read.present) wanted |= EPOLLIN | EPOLLRDHUP;
    if (entry.write.present) wanted |= EPOLLOUT;
    if (wanted == entry.asked) return 0;
    const bool was_asked = std::exchange(entry.asked, wanted) != 0;
    epoll_event event{};
    event.events = wanted | EPOLLET;
    event.data.u64 = static_cast<std::uint64_t>(descriptor);
    int operation = was_asked ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (entry.asked == 0) operation = EPOLL_CTL_DEL;
    return ::epoll_ctl(epoll_, operation, descriptor, &event) == 0 ? 0 : errno;
}

void EventQueue::activate(Knote& knote, int descriptor, std::int16_t filter) {
    if (!knote.present || knote.active) return;
    knote.active = true;
    active_.push_back({descriptor, filter});
}

void EventQueue::note(std::span<const epoll_event> told) {
    const std::lock_guard lock{mutex_};
    for (const epoll_event& event : told) {
        if (event.data.u64 == user_mark) continue;
        const int descriptor = static_cast<int>(event.data.u64);
        Watched& entry = watched_[event.data.u64];
        const std::uint32_t both = EPOLLERR | EPOLLHUP;
        if ((event.events & (EPOLLIN | EPOLLRDHUP | both)) != 0) activate(entry.read, descriptor, EVFILT_READ);
        if ((event.events & (EPOLLOUT | both)) != 0) activate(entry.write, descriptor, EVFILT_WRITE);
    }
}

bool EventQueue::fetch_socket_event(const Activation& activation, struct kevent& out) {
    const int descriptor = activation.descriptor;
    Watched& entry = watched_[static_cast<std::size_t>(descriptor)];
    Knote& knote = activation.filter == EVFILT_READ ? entry.read : entry.write;
    if (!knote.present || !knote.active) return false;
    if (file_number(descriptor) != entry.file) {  // closed since
        entry = {};
        return false;
    }
    if (!knote.enabled) {
        kept_.push_back(activation);
        return false;
    }
    const FilterResult result =
        activation.filter == EVFILT_READ ? run_read_filter(descriptor) : run_write_filter(descriptor);
    knote.active = false;
    if (!result.ready) return false;
    const auto flags = static_cast<std::uint16_t>(knote.flags | (result.eof ? EV_EOF : 0));
    out = {static_cast<std::uintptr_t>(descriptor), activation.filter, flags, result.error, result.data, knote.udata};
    if ((knote.flags & EV_DISPATCH) != 0) knote.enabled = false;
    if ((knote.flags & EV_ONESHOT) != 0) {
        knote = {};
        static_cast<void>(ask_epoll(descriptor, entry));
    } else if ((knote.flags & (EV_CLEAR | EV_DISPATCH)) == 0) {
        knote.active = true;  // as long as the filter says so
        kept_.push_back(activation);
    }
    return true;
}

std::size_t EventQueue::fetch(std::span<struct kevent> out) {
    const std::lock_guard lock{mutex_};
    std::size_t count = 0;
    for (UserEvent& event : user_events_) {
        if (count < out.size() && fetch_user_event(event, out[count])) ++count;
    }
    std::size_t looked_at = 0;
    for (; looked_at < active_.size() && count < out.size(); ++looked_at) {
        if (fetch_socket_event(active_[looked_at], out[count])) ++count;
    }
    // Those that nobody came to are first in the next round.
    active_.erase(active_.begin(), active_.begin() + static_cast<std::ptrdiff_t>(looked_at));
    active_.insert(active_.end(), kept_.begin(), kept_.end());
    kept_.clear();
    return count;
}

}  // namespace pollux::kqueue_double
