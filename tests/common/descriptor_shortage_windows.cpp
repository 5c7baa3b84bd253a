// A process has as many handles as there is memory for.
#include "common/descriptor_shortage.h"

namespace pollux::test {

struct DescriptorShortage::State {};

bool DescriptorShortage::possible() {
    return false;
}

DescriptorShortage::DescriptorShortage(std::size_t /*unused*/) {}

DescriptorShortage::~DescriptorShortage() = default;

bool DescriptorShortage::complete() const {
    return false;
}

void DescriptorShortage::give_back(std::size_t /*count*/) {}

}  // namespace pollux::test
