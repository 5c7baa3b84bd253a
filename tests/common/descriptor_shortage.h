// A process with no descriptors left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace pollux::test {

/// Lowers the number of descriptors that the process may have, and takes all of them. The number is as before when this
/// is gone.
class DescriptorShortage {
public:
    /// False where the system sets no such number.
    [[nodiscard]] static bool possible();

    /// Some are taken that were never used before: the system keeps its tables for as many.
    explicit DescriptorShortage(std::size_t unused);
    ~DescriptorShortage();
    DescriptorShortage(const DescriptorShortage&) = delete;
    DescriptorShortage& operator=(const DescriptorShortage&) = delete;

    /// True if none is left.
    [[nodiscard]] bool complete() const;

    /// Gives so many back.
    void give_back(std::size_t count = SIZE_MAX);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace pollux::test
