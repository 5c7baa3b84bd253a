// POSIX's answers.
#include "common/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

namespace pollux::test {

unsigned long process_number() {
    return static_cast<unsigned long>(::getpid());
}

std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{"/dev/fd"}) ++count;
    return count - 1;  // the one that reads the directory
}

std::chrono::nanoseconds processor_time() {
    const auto to_duration = [](const timeval& time) {
        return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
    };
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return to_duration(usage.ru_utime) + to_duration(usage.ru_stime);
}

}  // namespace pollux::test
