// Datagram batch.
#include "datagram_batch.h"

#include <algorithm>
#include <cstring>

namespace pollux {

bool DatagramBatch::begin_run(const InetAddress& to, const DatagramRun& run) noexcept {
    const Bytes bytes = run.bytes();
    if (bytes.size() > capacity_bytes - used_bytes_ || runs_used_ == capacity_runs) return false;
    const std::size_t count = run.size();
    const std::size_t segment = std::min(run.segment_bytes(), bytes.size());
    std::byte* place = memory_.data() + used_bytes_;
    if (!bytes.empty()) std::memcpy(place, bytes.data(), bytes.size());
    runs_[runs_used_++] = {place, static_cast<std::uint32_t>(bytes.size()), static_cast<std::uint32_t>(segment), to};
    used_bytes_ += bytes.size();
    bytes_ += bytes.size();
    datagrams_ += count;
    // Nothing can follow a shorter one.
    const bool open = segment != 0 && bytes.size() % segment == 0 && count < platform::max_run_datagrams;
    open_segment_ = open ? segment : 0;
    open_datagrams_ = platform::max_run_datagrams - count;
    open_bytes_ = std::min(max_datagram_bytes - bytes.size(), capacity_bytes - used_bytes_);
    return true;
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
}

}  // namespace pollux
