// UDP multicast with as few system calls as there can be, as fast as it can: messages are laid down one by one, and one
// call sends some dozens of runs of them.
#include <vector>

#include "../common/datagram_pattern.h"
#include "udp.h"

namespace {

// The best of the sizes measured; what is laid down for one call stays in the second-level cache.
constexpr std::size_t turn_bytes = 128 * 1024;

/// The messages of one call.
class Turn {
public:
    explicit Turn(std::size_t message_bytes)
        : pattern_(message_bytes),
          run_messages_(std::min(perf_floor::max_run_datagrams(), perf::max_datagram_bytes / message_bytes)),
          run_bytes_(run_messages_ * message_bytes),
          memory_(std::max(turn_bytes / run_bytes_, std::size_t{1}) * run_bytes_),
          vectors_(memory_.size() / run_bytes_),
          headers_(vectors_.size()) {
        for (std::size_t i = 0; i < headers_.size(); ++i) {
            vectors_[i] = {memory_.data() + i * run_bytes_, run_bytes_};
            headers_[i].msg_hdr.msg_iov = &vectors_[i];
            headers_[i].msg_hdr.msg_iovlen = 1;
        }
    }

    void produce() {
        const std::size_t size = pattern_.message_bytes();
        perf::DatagramWriter writer = writer_;  // in registers: what is written below could alias a member
        for (std::size_t at = 0; at < memory_.size(); at += size) {
            writer.write(memory_.data() + at);
            writer.advance();
        }
        writer_ = writer;
    }

    // What the system refuses is lost, as datagrams are.
    void send(int fd) { sendmmsg(fd, headers_.data(), static_cast<unsigned>(headers_.size()), 0); }

private:
    perf::Pattern pattern_;
    perf::DatagramWriter writer_{pattern_};
    std::size_t run_messages_;
    std::size_t run_bytes_;
    std::vector<std::byte> memory_;
    std::vector<iovec> vectors_;
    std::vector<mmsghdr> headers_;
};

}  // namespace

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_multicast_options(argc, argv);
    perf_floor::pin_to(options.core);
    const int fd = perf_floor::connect_to_group(options);
    perf_floor::set_option(fd, IPPROTO_UDP, UDP_SEGMENT, static_cast<int>(options.size), "UDP_SEGMENT");

    Turn turn{options.size};
    for (;;) {
        turn.produce();
        turn.send(fd);
    }
}
