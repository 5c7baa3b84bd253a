// Names resolved on threads of their own.
#include "resolver.h"

#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "platform/sockets.h"

namespace pollux {

namespace {

constexpr unsigned max_threads = 4;

}  // namespace

/// Shared with the threads, which may outlive the resolver while the system makes them wait.
struct Resolver::State {
    struct Question {
        std::string host;
        std::uint16_t port;
        Answer answer;
    };

    std::mutex mutex;
    std::mutex answer_mutex;  // held while an answer is given
    std::deque<Question> questions;
    unsigned threads = 0;
    bool closed = false;
};

Resolver::Resolver() : state_(std::make_shared<State>()) {}

Resolver::~Resolver() {
    close();
}

void Resolver::close() {
    const std::lock_guard answering{state_->answer_mutex};
    std::deque<State::Question> dropped;
    const std::lock_guard lock{state_->mutex};
    state_->closed = true;
    dropped.swap(state_->questions);
}

void Resolver::resolve(std::string host, std::uint16_t port, Answer answer) {
    std::unique_lock lock{state_->mutex};
    if (state_->closed) return;
    state_->questions.push_back({std::move(host), port, std::move(answer)});
    if (state_->threads == max_threads) return;
    ++state_->threads;
    try {
        std::thread{[state = state_] { work(state); }}.detach();
    } catch (const std::system_error& error) {
        if (--state_->threads != 0) return;  // another thread will come to it
        State::Question question = std::move(state_->questions.back());
        state_->questions.pop_back();
        lock.unlock();
        question.answer(error.code(), {});
    }
}

void Resolver::work(const std::shared_ptr<State>& state) {
    std::unique_lock lock{state->mutex};
    while (!state->questions.empty()) {
        State::Question question = std::move(state->questions.front());
        state->questions.pop_front();
        lock.unlock();
        std::vector<SocketAddress> addresses;
        const std::error_code error = platform::resolve(question.host, question.port, addresses);
        {
            const std::lock_guard answering{state->answer_mutex};
            lock.lock();
            const bool closed = state->closed;
            lock.unlock();
            if (!closed) question.answer(error, std::move(addresses));
            question.answer = nullptr;  // what it holds may not outlive `close` either
        }
        lock.lock();
    }
    --state->threads;
}

}  // namespace pollux
