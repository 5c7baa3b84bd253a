// What Linux knows of a socket, in the words of kqueue's filters.
#pragma once

#include <sys/types.h>
#include <cstdint>

namespace pollux::kqueue_double {

/// What a filter says of a socket.
struct FilterResult {
    bool ready = false;
    bool eof = false;
    std::uint32_t error = 0;
    std::intptr_t data = 0;
};

[[nodiscard]] FilterResult run_read_filter(int descriptor);
[[nodiscard]] FilterResult run_write_filter(int descriptor);

/// The number of the file behind a descriptor, which no other open socket has; 0 if there is none.
[[nodiscard]] ino_t file_number(int descriptor);

}  // namespace pollux::kqueue_double
