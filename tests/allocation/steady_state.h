// What the tests of the steady state share: work that is done until it is warm, and then once more while it counts.
#pragma once

#include <gtest/gtest.h>
#include <pollux/error.h>

#include <cstddef>
#include <thread>

#include "counting_allocator.h"

namespace pollux::test {

/// A base of fixtures. All that happens in the work must not allocate, on the test's side either: no strings, no
/// containers, no assertions.
class SteadyState {
protected:
    /// Runs `work` until it has warmed up everything it needs, then counts what it allocates.
    template <class Work>
    void expect_no_allocation(Work&& work) {
        for (int round = 0; round < 3; ++round) work();
        start_counting();
        work();
        const std::size_t count = stop_counting();
        EXPECT_EQ(count, 0u) << "allocations in the steady state; where the first one came from is above";
        EXPECT_EQ(failures_, 0u) << "the work itself went wrong";
    }

    /// Repeats `call` while it answers `would_block`.
    template <class Call>
    void insist(Call&& call) {
        Result result = Result::would_block;
        while ((result = call()) == Result::would_block) std::this_thread::yield();
        check(result == Result::ok);
    }

    void check(bool succeeded) {
        if (!succeeded) ++failures_;
    }

    [[nodiscard]] bool went_wrong() const { return failures_ != 0; }

private:
    std::size_t failures_ = 0;
};

}  // namespace pollux::test
