// Timer wheel: set, move and cancel in O(1), without allocation.
#include "timer_wheel.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace pollux {

std::uint64_t TimerWheel::floor_tick(Time time) noexcept {
    const auto nanoseconds = std::max<std::int64_t>(time.time_since_epoch().count(), 0);
    return static_cast<std::uint64_t>(nanoseconds) >> tick_shift;
}

std::uint64_t TimerWheel::ceil_tick(Time time) noexcept {
    constexpr std::uint64_t tick_mask = (std::uint64_t{1} << tick_shift) - 1;
    const auto nanoseconds = std::max<std::int64_t>(time.time_since_epoch().count(), 0);
    return (static_cast<std::uint64_t>(nanoseconds) + tick_mask) >> tick_shift;
}

void TimerWheel::arm(Node& node, Time when) noexcept {
    begin_arming(node);
    // A tick that has begun is over for `advance`: what is due now fires with the next one.
    node.tick = std::clamp(ceil_tick(when), current_ + 1, last_tick) & last_tick;
    place(node);
}

void TimerWheel::arm_next(Node& node) noexcept {
    begin_arming(node);
    node.tick = current_ & last_tick;
    link(node, next_slot);
}

bool TimerWheel::cancel(Node& node) noexcept {
    if (!node.armed()) return false;
    unlink(node);
    --size_;
    return true;
}

/// Counts the timer and leaves it unlinked.
void TimerWheel::begin_arming(Node& node) noexcept {
    if (node.armed()) {
        unlink(node);
    } else {
        ++size_;
    }
}

void TimerWheel::place(Node& node) noexcept {
    if (node.tick <= current_) {
        link(node, due_slot);
        return;
    }
    const auto highest_difference = static_cast<unsigned>(63 - std::countl_zero(node.tick ^ current_));
    const unsigned level = highest_difference / level_bits;
    const auto digit = static_cast<unsigned>(node.tick >> (level * level_bits)) % slots_per_level;
    link(node, level * slots_per_level + digit);
}

void TimerWheel::link(Node& node, unsigned slot) noexcept {
    Node*& head = heads_[slot];
    node.slot = slot & 0xfff;
    node.next = head;
    node.previous_link = &head;
    if (head != nullptr) head->previous_link = &node.next;
    head = &node;
    if (slot < due_slot) occupied_[slot / slots_per_level] |= std::uint64_t{1} << (slot % slots_per_level);
}

void TimerWheel::unlink(Node& node) noexcept {
    *node.previous_link = node.next;
    if (node.next != nullptr) node.next->previous_link = node.previous_link;
    node.previous_link = nullptr;
    node.next = nullptr;
    if (heads_[node.slot] == nullptr && node.slot < due_slot) {
        occupied_[node.slot / slots_per_level] &= ~(std::uint64_t{1} << (node.slot % slots_per_level));
    }
}

bool TimerWheel::next_occupied(Slot& out) const noexcept {
    // A lower level lies wholly before the next slot of the level above it, so the first hit is the earliest.
    for (unsigned level = 0; level < levels; ++level) {
        const unsigned shift = level * level_bits;
        const auto digit = static_cast<unsigned>(current_ >> shift) % slots_per_level;
        // Slots up to the current digit are in the past of this level and empty.
        const std::uint64_t later =
            digit + 1 < slots_per_level ? occupied_[level] & (~std::uint64_t{0} << (digit + 1)) : 0;
        if (later == 0) continue;
        const auto slot = static_cast<unsigned>(std::countr_zero(later));
        const std::uint64_t above = current_ >> shift >> level_bits << level_bits << shift;
        out = {level * slots_per_level + slot, above | (std::uint64_t{slot} << shift)};
        return true;
    }
    return false;
}

void TimerWheel::open_slot(unsigned slot) noexcept {
    while (Node* node = heads_[slot]) {
        unlink(*node);
        place(*node);
    }
}

/// Each list has the timer first that was linked last, so this turns their order round.
void TimerWheel::make_next_due() noexcept {
    while (Node* node = heads_[next_slot]) {
        unlink(*node);
        link(*node, due_slot);
    }
}

TimerWheel::Node* TimerWheel::next_due(std::uint64_t target) noexcept {
    for (;;) {
        if (Node* node = heads_[due_slot]) {
            unlink(*node);
            --size_;
            return node;
        }
        Slot slot;
        if (!next_occupied(slot) || slot.tick > target) {
            current_ = std::max(current_, target);
            return nullptr;
        }
        current_ = slot.tick;
        open_slot(slot.index);
    }
}

TimerWheel::Time TimerWheel::next_event() const noexcept {
    if (heads_[due_slot] != nullptr || has_next()) return Time{};
    Slot slot;
    if (!next_occupied(slot)) return Time::max();
    return Time{std::chrono::nanoseconds{static_cast<std::int64_t>(slot.tick << tick_shift)}};
}

}  // namespace pollux
