// Sets of methods, and how `Allow` tells them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <pollux/http/method.h>

namespace pollux::http {

/// How many methods a route can be for: those before `connect`.
inline constexpr std::size_t routable_methods = static_cast<std::size_t>(Method::connect);

[[nodiscard]] constexpr bool is_routable(Method method) noexcept {
    return method < Method::connect;
}

/// Of methods that a route can be for.
class MethodSet {
public:
    constexpr void add(Method method) noexcept { bits_ = static_cast<std::uint8_t>(bits_ | bit(method)); }
    constexpr void add(MethodSet others) noexcept { bits_ = static_cast<std::uint8_t>(bits_ | others.bits_); }

    [[nodiscard]] constexpr bool contains(Method method) const noexcept { return (bits_ & bit(method)) != 0; }
    [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }

    friend constexpr bool operator==(MethodSet, MethodSet) = default;

private:
    static_assert(routable_methods <= 8, "the bits of a byte");
    static constexpr unsigned bit(Method method) noexcept { return 1U << static_cast<unsigned>(method); }

    std::uint8_t bits_ = 0;
};

/// The value of an `Allow` field (RFC 9110, 10.2.1), without an allocation.
class AllowText {
public:
    explicit AllowText(MethodSet methods) noexcept {
        for (std::size_t i = 0; i < routable_methods; ++i) {
            if (const auto method = static_cast<Method>(i); methods.contains(method)) append(to_string(method));
        }
    }

    [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }

private:
    void append(std::string_view name) noexcept {
        if (size_ > 0) size_ += std::string_view{", "}.copy(text_.data() + size_, 2);
        size_ += name.copy(text_.data() + size_, text_.size() - size_);
    }

    std::array<char, 64> text_{};  // all of them take 52
    std::size_t size_ = 0;
};

}  // namespace pollux::http
