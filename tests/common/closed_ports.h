// Whether the system tells of closed ports at all.
#pragma once

namespace pollux::test {

/// It may not: it limits how often it tells, and a machine may be so set up. With plain calls, so that what is tested
/// does not answer for itself.
[[nodiscard]] bool tells_of_closed_ports();

}  // namespace pollux::test
