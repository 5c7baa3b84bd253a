// A process with few descriptors left.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>

namespace pollux::test {

/// Lowers the number of descriptors the process may have, and puts it back.
class DescriptorLimit {
public:
    explicit DescriptorLimit(std::size_t limit) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit lower{.rlim_cur = limit, .rlim_max = before_.rlim_max};
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &lower), 0);
    }
    ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    DescriptorLimit(const DescriptorLimit&) = delete;
    DescriptorLimit& operator=(const DescriptorLimit&) = delete;

private:
    rlimit before_{};
};

/// The highest descriptor that is open.
inline int highest_descriptor() {
    const int next = ::dup(0);
    ::close(next);
    int highest = next;
    for (int descriptor = next; descriptor < next + 4096; ++descriptor) {
        if (::fcntl(descriptor, F_GETFD) >= 0) highest = descriptor;
    }
    return highest;
}

}  // namespace pollux::test
