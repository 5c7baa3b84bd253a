// Multicast groups for one process alone.
#pragma once

#include <string>

#include "common/process.h"

namespace pollux::test {

/// An IPv4 group that begins with `prefix`, two numbers, and that tests beside this one do not join: Wine gives every
/// socket what any has joined.
inline std::string own_group(const std::string& prefix) {
    const unsigned long number = process_number();
    return prefix + '.' + std::to_string(number / 250 % 250) + '.' + std::to_string(number % 250 + 1);
}

}  // namespace pollux::test
