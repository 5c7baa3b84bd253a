// What becomes of datagrams: those of an echo that are under way, and those of a stream that did not come.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "datagram_pattern.h"

namespace perf {

/// The messages of one echo client. What seems lost is written off and makes room for new messages; should its echo
/// come after all, it is a message that came back, and lost no more.
class EchoWindow {
public:
    enum class Echo : std::uint8_t {
        expected,
        late,       ///< It was written off.
        forgotten,  ///< It was written off so long ago that it stays lost.
        wrong,      ///< It came before, or such a message was never sent.
    };

    explicit EchoWindow(std::size_t size)
        : size_(size), states_(std::bit_ceil(std::max(remembered_windows * size, least_remembered))) {}

    /// How many more messages it has room for.
    [[nodiscard]] std::size_t room() const { return size_ - in_flight_; }

    /// Messages are sent in the order of their indices.
    void sent(std::size_t messages) {
        for (std::size_t i = 0; i < messages; ++i) state(next_++) = State::in_flight;
        in_flight_ += messages;
    }

    /// Its echo came. It was sent a whole window after those that are a window older, so these are written off: that
    /// much of disorder is no loss.
    [[nodiscard]] Echo echoed(DatagramIndex index) {
        const std::int32_t age = distance(index, next_);
        if (age <= 0) return Echo::wrong;
        if (static_cast<std::size_t>(age) > states_.size()) return Echo::forgotten;
        const State before = state(index);
        state(index) = State::echoed;
        if (before == State::in_flight) {
            --in_flight_;
            write_off_before(index + 1 - static_cast<DatagramIndex>(size_));
            return Echo::expected;
        }
        if (before == State::echoed) return Echo::wrong;
        --lost_;
        return Echo::late;
    }

    /// Everything that is under way.
    void write_off_all() { write_off_before(next_); }

    /// What was written off and did not come.
    [[nodiscard]] std::uint64_t lost() const { return lost_; }

private:
    enum class State : std::uint8_t { echoed, in_flight, written_off };

    // Two hold what is in flight, with the gaps in it; the rest is for what comes late.
    static constexpr std::size_t remembered_windows = 4;
    static constexpr std::size_t least_remembered = 1024;

    [[nodiscard]] State& state(DatagramIndex index) { return states_[index & (states_.size() - 1)]; }

    void write_off_before(DatagramIndex limit) {
        for (; distance(oldest_, limit) > 0; ++oldest_) {
            if (state(oldest_) != State::in_flight) continue;
            state(oldest_) = State::written_off;
            --in_flight_;
            ++lost_;
        }
    }

    std::size_t size_;
    std::vector<State> states_;  // of the last indices, in a ring
    std::size_t in_flight_ = 0;
    std::uint64_t lost_ = 0;
    DatagramIndex next_ = 0;
    DatagramIndex oldest_ = 0;  // nothing before it is in flight
};

/// A stream of messages, as one who joined at some time receives it.
class DatagramStream {
public:
    /// False if the message came before, or far too late; that cannot be told apart.
    [[nodiscard]] bool received(DatagramIndex index) {
        const std::int32_t ahead = began_ ? distance(next_, index) : 0;
        began_ = true;
        if (ahead < 0) return received_late(static_cast<std::size_t>(-ahead) - 1);
        lost_ += static_cast<std::uint64_t>(ahead);
        seen_ = ahead < 63 ? (seen_ << (ahead + 1)) | 1 : 1;
        next_ = index + 1;
        return true;
    }

    /// The messages that are missing between those that came.
    [[nodiscard]] std::uint64_t lost() const { return lost_; }

    /// From now on it counts anew.
    void forget_losses() { lost_ = 0; }

private:
    bool received_late(std::size_t age) {
        if (age >= 64 || (seen_ >> age & 1) != 0) return false;
        seen_ |= std::uint64_t{1} << age;
        if (lost_ > 0) --lost_;
        return true;
    }

    bool began_ = false;
    DatagramIndex next_ = 0;
    std::uint64_t seen_ = ~std::uint64_t{0};  // bit i: the message i before the last one came; all, before the first
    std::uint64_t lost_ = 0;
};

}  // namespace perf
