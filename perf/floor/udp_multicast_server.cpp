// UDP multicast with a call for each message, as fast as it can.
#include <vector>

#include "../common/datagram_pattern.h"
#include "udp.h"

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_multicast_options(argc, argv);
    perf_floor::pin_to(options.core);
    const int fd = perf_floor::connect_to_group(options);

    const perf::Pattern pattern{options.size};
    perf::DatagramWriter writer{pattern};
    std::vector<std::byte> message(options.size);
    for (;;) {
        writer.write(message.data());
        writer.advance();
        send(fd, message.data(), message.size(), 0);
    }
}
