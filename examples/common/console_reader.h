// The console's lines, for a program whose main thread waits for its engine.
#pragma once

#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace console {

/// Reads lines on a thread of its own, up to an empty one or the end of the input. Nothing portable wakes a thread that
/// waits for a line, so where a signal ends the program first, the thread is left behind: it then owns all it refers
/// to, and nobody is called any more once the reader is destroyed.
class Reader {
public:
    Reader(std::function<void(const std::string&)> on_line, std::function<void()> on_end)
        : state_(std::make_shared<State>(std::move(on_line), std::move(on_end))) {
        // Else the thread would hold the lock of the C library's stdin, for which the end of a program may wait.
        std::ios::sync_with_stdio(false);
        std::thread{[state = state_] { read(*state); }}.detach();
    }

    ~Reader() {
        const std::lock_guard lock{state_->mutex};
        state_->on_line = nullptr;
        state_->on_end = nullptr;
    }

    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

private:
    struct State {
        State(std::function<void(const std::string&)> for_line, std::function<void()> for_end)
            : on_line(std::move(for_line)), on_end(std::move(for_end)) {}

        std::mutex mutex;
        std::function<void(const std::string&)> on_line;
        std::function<void()> on_end;
    };

    static void read(State& state) {
        for (std::string line; std::getline(std::cin, line) && !line.empty();) {
            const std::lock_guard lock{state.mutex};
            if (!state.on_line) return;
            state.on_line(line);
        }
        const std::lock_guard lock{state.mutex};
        if (state.on_end) state.on_end();
    }

    std::shared_ptr<State> state_;
};

}  // namespace console
