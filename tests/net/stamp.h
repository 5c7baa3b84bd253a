// Messages that say where they come from.
#pragma once

#include <cstdint>
#include <string_view>

namespace pollux::test {

/// A fixed-size message that says who sent it and which of his it is.
struct Stamp {
    std::uint32_t sender = 0;
    std::uint32_t number = 0;
};

[[nodiscard]] inline std::string_view as_text_of(const Stamp& stamp) {
    return {reinterpret_cast<const char*>(&stamp), sizeof stamp};
}

}  // namespace pollux::test
