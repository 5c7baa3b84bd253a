// Timer wheel: set, move and cancel in O(1), without allocation.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <pollux/detail/timer_node.h>

namespace pollux {

/// A hierarchical wheel of eight levels of 64 slots. A timer is linked at the level of the highest six-bit digit in
/// which its tick differs from the current one; when time reaches its slot it moves down a level, at most seven times.
/// Bitmaps of occupied slots let time jump straight to the next one, so the tick may be short at no cost. One thread.
class TimerWheel {
public:
    using Node = detail::TimerNode;
    using Time = std::chrono::steady_clock::time_point;

    /// 2^16 ns: fine enough for micro-second work, and six digits reach decades.
    static constexpr unsigned tick_shift = 16;

    explicit TimerWheel(Time start) noexcept : current_(floor_tick(start)) {}
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;

    /// Arms or moves a timer: due at the first tick that is not before `when`.
    void arm(Node& node, Time when) noexcept;

    /// Arms or moves a timer to be due with the next `advance`, whatever its time. One that is under way leaves it.
    void arm_next(Node& node) noexcept;

    /// Disarms a timer. True if it was armed.
    bool cancel(Node& node) noexcept;

    /// Takes every timer due at `now` out of the wheel and hands it to `fire(Node&)`: first those of `arm_next`, in the
    /// order they were armed in, then the others in the order of their ticks. `fire` may arm, cancel and destroy any
    /// timer, its own too.
    template <class Fire>
    void advance(Time now, Fire&& fire) {
        const std::uint64_t target = floor_tick(now);
        make_next_due();
        while (Node* node = next_due(target)) fire(*node);
    }

    /// True if the next `advance` has a timer to fire at any time.
    [[nodiscard]] bool has_next() const noexcept { return heads_[next_slot] != nullptr; }

    /// A time not after the next expiry, at which `advance` makes progress; `Time::max()` if nothing is armed.
    [[nodiscard]] Time next_event() const noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    static constexpr unsigned level_bits = 6;
    static constexpr unsigned slots_per_level = 1U << level_bits;
    static constexpr unsigned levels = 8;
    static constexpr unsigned due_slot = levels * slots_per_level;  // what `advance` is firing
    static constexpr unsigned next_slot = due_slot + 1;             // what `arm_next` armed
    /// The last tick whose time the clock can tell. A timer for the end of time waits in it.
    static constexpr std::uint64_t last_tick = (std::uint64_t{1} << (63 - tick_shift)) - 1;
    static_assert(last_tick >> (levels * level_bits) == 0);

    struct Slot {
        unsigned index;
        std::uint64_t tick;  // the first tick it covers
    };

    [[nodiscard]] static std::uint64_t floor_tick(Time time) noexcept;
    [[nodiscard]] static std::uint64_t ceil_tick(Time time) noexcept;

    /// The next timer with a tick of at most `target`, unlinked; null when there is none and time stands at `target`.
    Node* next_due(std::uint64_t target) noexcept;
    [[nodiscard]] bool next_occupied(Slot& out) const noexcept;
    void open_slot(unsigned slot) noexcept;
    void make_next_due() noexcept;
    void begin_arming(Node& node) noexcept;
    void link(Node& node, unsigned slot) noexcept;
    void place(Node& node) noexcept;
    void unlink(Node& node) noexcept;

    std::uint64_t current_;
    std::size_t size_ = 0;
    std::array<std::uint64_t, levels> occupied_{};
    std::array<Node*, next_slot + 1> heads_{};
};

}  // namespace pollux
