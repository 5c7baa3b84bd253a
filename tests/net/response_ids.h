// Answers that handlers put off, for the threads that give them.
#pragma once

#include <pollux/http/response.h>

#include <condition_variable>
#include <deque>
#include <mutex>

#include "common/raw_socket.h"

namespace pollux::test {

/// A queue of ids. Any thread may put and take.
class ResponseIds {
public:
    void put(http::ResponseId id) {
        {
            const std::lock_guard lock{mutex_};
            ids_.push_back(id);
        }
        changed_.notify_one();
    }

    /// Waits for one. None if none comes, or if all were taken and no more will come.
    [[nodiscard]] http::ResponseId take() {
        std::unique_lock lock{mutex_};
        changed_.wait_for(lock, patience, [&] { return ended_ || !ids_.empty(); });
        if (ids_.empty()) return {};
        const http::ResponseId id = ids_.front();
        ids_.pop_front();
        return id;
    }

    /// No more will be put.
    void end() {
        {
            const std::lock_guard lock{mutex_};
            ended_ = true;
        }
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<http::ResponseId> ids_;
    bool ended_ = false;
};

}  // namespace pollux::test
