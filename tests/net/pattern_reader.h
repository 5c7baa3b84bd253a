// A peer that reads all the time.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>

#include "support.h"

namespace pollux::test {

/// Reads the pattern on a thread of its own and keeps count.
template <class Peer>
class PatternReader {
public:
    explicit PatternReader(Peer peer) : peer_(std::move(peer)), thread_([this] { read(); }) {}
    ~PatternReader() { join(); }
    PatternReader(const PatternReader&) = delete;
    PatternReader& operator=(const PatternReader&) = delete;

    [[nodiscard]] std::uint64_t received() const { return received_; }
    [[nodiscard]] bool intact() const { return intact_; }
    void join() {
        if (thread_.joinable()) thread_.join();
    }

private:
    void read() {
        for (;;) {
            const std::string bytes = peer_.receive_some(64 * kibibyte);
            if (bytes.empty()) return peer_.close();
            if (!matches_pattern(bytes, received_)) intact_ = false;
            received_ += bytes.size();
        }
    }

    Peer peer_;
    std::atomic<std::uint64_t> received_{0};
    std::atomic<bool> intact_{true};
    std::thread thread_;
};

}  // namespace pollux::test
