// Rounding sizes.
#pragma once

#include <cstddef>

namespace pollux {

/// The smallest multiple of `multiple` that is not below `value`.
[[nodiscard]] constexpr std::size_t round_up(std::size_t value, std::size_t multiple) noexcept {
    return (value + multiple - 1) / multiple * multiple;
}

}  // namespace pollux
