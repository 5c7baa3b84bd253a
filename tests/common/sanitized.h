// Whether a sanitizer makes everything ten times slower, and how much work is reasonable then.
#pragma once

#include <cstddef>

namespace pollux::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

/// A heavy count, made lighter where there is a sanitizer.
constexpr std::size_t scaled(std::size_t count) {
    return sanitized ? count / 10 + 1 : count;
}

}  // namespace pollux::test
