// What the HTTP programs say to GET.
#pragma once

#include <string_view>

namespace perf {

inline constexpr std::string_view greeting = "Hello, World!";

}  // namespace perf
