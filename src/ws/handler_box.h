// A handler of the user's, made by a factory in memory of its own.
#pragma once

#include <new>

#include <pollux/detail/handler_factory.h>
#include <pollux/ws/handler.h>

namespace pollux::ws {

/// Owns it.
class HandlerBox {
public:
    explicit HandlerBox(const detail::HandlerFactory<Handler>& factory)
        : memory_(::operator new(factory.size)), handler_(factory.construct(memory_)) {}
    ~HandlerBox() {
        handler_->~Handler();
        ::operator delete(memory_);
    }
    HandlerBox(const HandlerBox&) = delete;
    HandlerBox& operator=(const HandlerBox&) = delete;

    [[nodiscard]] Handler& operator*() const noexcept { return *handler_; }
    [[nodiscard]] Handler* operator->() const noexcept { return handler_; }

private:
    void* memory_;
    Handler* handler_;
};

}  // namespace pollux::ws
