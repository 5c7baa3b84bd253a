// Whether Windows is Wine's, whose sockets are those of the system beneath it.
#pragma once

namespace pollux::test {

[[nodiscard]] bool under_wine();

}  // namespace pollux::test
