// What the tests of datagram batches and queues share: datagrams as plain values, and what runs say that they are.
#pragma once

#include <pollux/udp_socket.h>

#include <span>
#include <string>
#include <vector>

#include "datagram_batch.h"
#include "unit/support.h"

namespace pollux::test {

struct Datagram {
    InetAddress to;
    std::string bytes;

    friend bool operator==(const Datagram&, const Datagram&) = default;
};

inline void PrintTo(const Datagram& datagram, std::ostream* out) {
    *out << datagram.bytes.size() << " bytes to \"" << datagram.to.to_string() << '"';
}

/// 10.0.0.1 with this port; for 0 none.
inline InetAddress peer(std::uint16_t port) {
    if (port == 0) return {};
    return {SocketAddress::Family::ipv4, port, 0, {10, 0, 0, 1}};
}

/// The datagrams of runs, one by one. Checks on the way what the system relies on.
inline std::vector<Datagram> datagrams_of(std::span<const platform::OutgoingRun> runs) {
    std::vector<Datagram> datagrams;
    for (const platform::OutgoingRun& run : runs) {
        EXPECT_LE(run.datagrams(), platform::max_run_datagrams);
        EXPECT_LE(run.bytes, max_datagram_bytes);
        const std::string_view all = as_text(Bytes{run.data, run.bytes});
        EXPECT_TRUE(!all.empty() || run.datagrams() == 1) << "a datagram without bytes is a run of its own";
        for (std::size_t i = 0; i < run.datagrams(); ++i) {
            const std::string_view datagram = all.empty() ? all : all.substr(i * run.segment_bytes, run.segment_bytes);
            datagrams.push_back({run.to, std::string{datagram}});
        }
    }
    return datagrams;
}

/// Draws datagrams of which some make runs and some do not: few sizes, few peers, and they tend to stay the same.
class DatagramSource {
public:
    explicit DatagramSource(Random& random) : random_(random) {}

    Datagram next() {
        if (random_.one_in(20)) to_ = peer(static_cast<std::uint16_t>(random_.up_to(3)));
        if (random_.one_in(40)) size_ = static_cast<std::size_t>(random_.magnitude(random_.one_in(20) ? 16 : 10));
        std::size_t size = std::min(size_, max_datagram_bytes);
        if (random_.one_in(15)) size = random_.size_up_to(size);
        if (random_.one_in(60)) size = 0;
        return {to_, pattern(random_.up_to(1'000'000), size)};
    }

private:
    Random& random_;
    InetAddress to_;
    std::size_t size_ = 100;
};

}  // namespace pollux::test
