// Threads: where they run and what they are called.
#pragma once

#include <string>
#include <system_error>
#include <vector>

namespace pollux::platform {

/// The cores this process may run on, in ascending order. Never empty.
[[nodiscard]] std::vector<unsigned> available_cores();

/// Binds the calling thread to one core.
[[nodiscard]] std::error_code pin_current_thread(unsigned core);

/// Names the calling thread for debuggers and `top`; long names are cut.
void name_current_thread(const std::string& name);

}  // namespace pollux::platform
