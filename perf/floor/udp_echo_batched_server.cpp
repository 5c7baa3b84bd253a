// UDP echo with as few system calls as there can be: one receive for all that is there, in runs where the kernel has
// put datagrams together, and one send for all the answers, in runs again.
#include "udp.h"

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_options(argc, argv, {.port = 3333});
    perf_floor::pin_to(options.core);
    const int fd = perf_floor::bind_udp(options);
    perf_floor::set_option(fd, IPPROTO_UDP, UDP_GRO, 1, "UDP_GRO");

    perf_floor::Intake intake;
    perf_floor::Outgoing answers;
    for (;;) {
        const std::size_t arrivals = intake.receive(fd);
        for (std::size_t i = 0; i < arrivals; ++i) answers.add(intake.at(i));
        answers.send(fd);
    }
}
