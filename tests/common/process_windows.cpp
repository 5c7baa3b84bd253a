// Windows' answers.
#include "common/process.h"

#include <windows.h>

#include <cstdint>
#include <ratio>

namespace pollux::test {

unsigned long process_number() {
    return ::GetCurrentProcessId();
}

std::size_t open_descriptors() {
    DWORD count = 0;
    ::GetProcessHandleCount(::GetCurrentProcess(), &count);
    return count;
}

std::chrono::nanoseconds processor_time() {
    using Ticks = std::chrono::duration<std::int64_t, std::ratio<1, 10'000'000>>;
    const auto to_duration = [](const FILETIME& time) {
        return Ticks{static_cast<std::int64_t>(std::uint64_t{time.dwHighDateTime} << 32 | time.dwLowDateTime)};
    };
    FILETIME began{};
    FILETIME ended{};
    FILETIME system{};
    FILETIME user{};
    ::GetProcessTimes(::GetCurrentProcess(), &began, &ended, &system, &user);
    return to_duration(system) + to_duration(user);
}

}  // namespace pollux::test
