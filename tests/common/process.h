// What a process is told about itself.
#pragma once

#include <chrono>
#include <cstddef>

namespace pollux::test {

[[nodiscard]] unsigned long process_number();

/// How many descriptors or handles the process has open.
[[nodiscard]] std::size_t open_descriptors();

/// The time that processors have worked for the process.
[[nodiscard]] std::chrono::nanoseconds processor_time();

}  // namespace pollux::test
