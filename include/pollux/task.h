// A move-only callable for work that is posted to a reactor.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace pollux {

/// A move-only `void()` callable. Callables of up to `inline_bytes` that move without throwing are held in place, so
/// posting them makes no allocation; larger ones go to the heap. Runs at most once is not enforced: a task may be
/// invoked again by whoever owns it.
class Task {
public:
    static constexpr std::size_t inline_bytes = 48;

    Task() noexcept = default;

    template <class F>
    requires(!std::same_as<std::decay_t<F>, Task> && std::invocable<std::decay_t<F>&>)
        Task(F&& callable) {  // NOLINT(google-explicit-constructor): a lambda is a task
        using Callable = std::decay_t<F>;
        if constexpr (fits_inline<Callable>) {
            ::new (static_cast<void*>(storage_)) Callable(std::forward<F>(callable));
            operations_ = &inline_operations<Callable>;
        } else {
            ::new (static_cast<void*>(storage_)) Callable*(new Callable(std::forward<F>(callable)));
            operations_ = &heap_operations<Callable>;
        }
    }

    Task(Task&& other) noexcept { take(other); }

    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            reset();
            take(other);
        }
        return *this;
    }

    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;

    ~Task() { reset(); }

    /// True if there is something to run.
    explicit operator bool() const noexcept { return operations_ != nullptr; }

    /// Runs the callable. Must not be empty.
    void operator()() { operations_->invoke(storage_); }

private:
    struct Operations {
        void (*invoke)(void*);
        void (*move)(void* from, void* to) noexcept;  // leaves `from` without an object
        void (*destroy)(void*) noexcept;
    };

    template <class Callable>
    static constexpr bool fits_inline =
        sizeof(Callable) <= inline_bytes &&
        alignof(Callable) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<Callable>;

    template <class Callable>
    static constexpr Operations inline_operations{
        [](void* self) { (*static_cast<Callable*>(self))(); },
        [](void* from, void* to) noexcept {
            auto* source = static_cast<Callable*>(from);
            ::new (to) Callable(std::move(*source));
            source->~Callable();
        },
        [](void* self) noexcept { static_cast<Callable*>(self)->~Callable(); }};

    template <class Callable>
    static constexpr Operations heap_operations{
        [](void* self) { (**static_cast<Callable**>(self))(); },
        [](void* from, void* to) noexcept { ::new (to) Callable*(*static_cast<Callable**>(from)); },
        [](void* self) noexcept { delete *static_cast<Callable**>(self); }};

    void take(Task& other) noexcept {
        operations_ = std::exchange(other.operations_, nullptr);
        if (operations_ != nullptr) operations_->move(other.storage_, storage_);
    }

    void reset() noexcept {
        if (operations_ != nullptr) std::exchange(operations_, nullptr)->destroy(storage_);
    }

    alignas(std::max_align_t) std::byte storage_[inline_bytes];
    const Operations* operations_ = nullptr;
};

}  // namespace pollux
