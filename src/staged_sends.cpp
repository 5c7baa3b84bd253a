// Staged sends: what several connections have sent in their callbacks, handed to the kernel one after the other.
#include "staged_sends.h"

#include <algorithm>
#include <utility>

#include "platform/platform.h"
#include "stream_connection.h"

namespace pollux {

void StagedSends::send_if_due() {
    const bool look = count_ % connections_per_look == 0;
    if (count_ == most_connections || (look && platform::Poller::now() - since_ > longest_wait)) {
        send_all();
        since_ = platform::Poller::now();
    }
}

void StagedSends::send_all() {
    for (std::size_t i = 0; i < count_; ++i) {
        const Entry& entry = entries_[i];
        if (entry.connection != nullptr) entry.connection->send_staged(entry.bytes);
    }
    count_ = 0;
    cork_->unstage();
}

void StagedSends::send(const StreamConnection& connection) {
    for (std::size_t i = 0; i < count_; ++i) {
        if (entries_[i].connection != &connection) continue;
        std::exchange(entries_[i].connection, nullptr)->send_staged(entries_[i].bytes);
        return;
    }
}

std::size_t StagedSends::bytes_of(const StreamConnection& connection) const noexcept {
    const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(count_);
    const auto entry = std::find_if(entries_.begin(), end,
                                    [&](const Entry& candidate) { return candidate.connection == &connection; });
    return entry != end ? entry->bytes.size() : 0;
}

}  // namespace pollux
