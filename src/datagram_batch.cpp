// Datagram batch.
#include "datagram_batch.h"

#include <algorithm>
#include <cstring>

namespace pollux {

bool DatagramBatch::begin_run(const InetAddress& to, const DatagramRun& run) noexcept {
    const Bytes bytes = run.bytes();
    if (bytes.size() > capacity_bytes - used_bytes_ || runs_used_ == capacity_runs) return false;
    std::byte* place = memory_.data() + used_bytes_;
    if (!bytes.empty()) std::memcpy(place, bytes.data(), bytes.size());
    used_bytes_ += bytes.size();
    last_is_borrowed_ = false;
    add_run(to, place, run, capacity_bytes - used_bytes_);
    return true;
}

bool DatagramBatch::borrow_run(const InetAddress& to, const DatagramRun& run) noexcept {
    if (runs_used_ == capacity_runs) return false;
    last_is_borrowed_ = true;
    borrows_ = true;
    add_run(to, run.bytes().data(), run, max_datagram_bytes);
    return true;
}

/// `room`: for datagrams that go on with it.
void DatagramBatch::add_run(const InetAddress& to, const std::byte* place, const DatagramRun& run,
                            std::size_t room) noexcept {
    const std::size_t size = run.bytes().size();
    const std::size_t count = run.size();
    const std::size_t segment = std::min(run.segment_bytes(), size);
    runs_[runs_used_++] = {place, static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(segment), to};
    bytes_ += size;
    datagrams_ += count;
    // Nothing can follow a shorter one.
    const bool open = segment != 0 && size % segment == 0 && count < platform::max_run_datagrams;
    open_segment_ = open ? segment : 0;
    open_datagrams_ = platform::max_run_datagrams - count;
    open_bytes_ = std::min(max_datagram_bytes - size, room);
}

std::size_t DatagramBatch::bytes_of(std::size_t count) const noexcept {
    std::size_t bytes = 0;
    for (const platform::OutgoingRun& run : runs()) {
        const std::size_t in_run = run.datagrams();
        if (count < in_run) return bytes + count * run.segment_bytes;
        bytes += run.bytes;
        count -= in_run;
    }
    return bytes;
}

InetAddress DatagramBatch::address_of(std::size_t index) const noexcept {
    for (const platform::OutgoingRun& run : runs()) {
        const std::size_t in_run = run.datagrams();
        if (index < in_run) return run.to;
        index -= in_run;
    }
    return {};
}

void DatagramBatch::consume(std::size_t count) noexcept {
    datagrams_ -= count;
    while (count != 0) {
        platform::OutgoingRun& front = runs_[first_];
        const std::size_t in_front = front.datagrams();
        const std::size_t passed = std::min(count, in_front);
        const auto passed_bytes =
            passed == in_front ? front.bytes : static_cast<std::uint32_t>(passed * front.segment_bytes);
        front.data += passed_bytes;
        front.bytes -= passed_bytes;
        bytes_ -= passed_bytes;
        count -= passed;
        if (passed == in_front) ++first_;
    }
    if (first_ != runs_used_) return;
    first_ = runs_used_ = used_bytes_ = open_segment_ = 0;
    borrows_ = false;
}

}  // namespace pollux
