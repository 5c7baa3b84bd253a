// Control queue: the few things that must reach a reactor whatever its mailboxes hold.
#pragma once

#include <atomic>
#include <utility>

#include <pollux/task.h>

namespace pollux {

/// A lock-free stack that any thread pushes to and one takes from. Starting and stopping, new mailboxes and resolved
/// names come this way: they are rare, so a node each is no burden, and they must never be refused.
class ControlQueue {
    struct Node {
        Node* next;
        Task task;
    };

public:
    /// What was taken out, in the order it was pushed.
    class Batch {
    public:
        Batch(const Batch&) = delete;
        Batch& operator=(const Batch&) = delete;
        ~Batch() {
            while (first_ != nullptr) delete std::exchange(first_, first_->next);
        }

        [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

        /// Runs the tasks.
        void run() {
            while (first_ != nullptr) {
                first_->task();
                delete std::exchange(first_, first_->next);
            }
        }

    private:
        friend class ControlQueue;
        explicit Batch(Node* newest) noexcept {
            while (newest != nullptr) {
                Node* older = std::exchange(newest->next, first_);
                first_ = std::exchange(newest, older);
            }
        }
        Node* first_ = nullptr;
    };

    ControlQueue() = default;
    ControlQueue(const ControlQueue&) = delete;
    ControlQueue& operator=(const ControlQueue&) = delete;
    ~ControlQueue() { take(); }

    /// Adds a task. Any thread. Ordered before the caller's next look at whether the reactor sleeps.
    void push(Task&& task) {
        auto* node = new Node{head_.load(std::memory_order_relaxed), std::move(task)};
        while (!head_.compare_exchange_weak(node->next, node, std::memory_order_seq_cst, std::memory_order_relaxed)) {
        }
    }

    /// True if there is nothing. Ordered after the reactor's announcement that it is about to sleep.
    [[nodiscard]] bool empty() const noexcept { return head_.load(std::memory_order_seq_cst) == nullptr; }

    /// Takes everything out; what is not run is destroyed. One thread.
    Batch take() noexcept { return Batch{head_.exchange(nullptr, std::memory_order_acquire)}; }

private:
    std::atomic<Node*> head_{nullptr};
};

}  // namespace pollux
