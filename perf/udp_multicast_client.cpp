// Multicast load over UDP: members of a group receive what the server sends to it; every byte is checked, and what is
// missing is counted.
#include <cstdio>
#include <optional>
#include <string>

#include "common/datagram_window.h"
#include "common/load.h"

namespace perf {
namespace {

class Member final : public DatagramLoadHandler {
public:
    using DatagramLoadHandler::DatagramLoadHandler;

    // What was lost before everybody had joined does not count.
    void begin(pollux::UdpSocket& /*socket*/) override { stream_.forget_losses(); }

    void on_datagram(pollux::UdpSocket& /*socket*/, const pollux::InetAddress& /*from*/, pollux::Bytes bytes) override {
        receive(bytes);
    }

    void on_run(pollux::UdpSocket& /*socket*/, const pollux::InetAddress& /*from*/,
                const pollux::DatagramRun& run) override {
        for (std::size_t i = 0; i < run.size(); ++i) receive(run[i]);
    }

    void on_close(pollux::UdpSocket& socket, pollux::CloseReason reason, std::error_code error) override {
        shard().lost += lost_;
        DatagramLoadHandler::on_close(socket, reason, error);
    }

private:
    void receive(pollux::Bytes bytes) {
        const std::optional<DatagramIndex> index = read_datagram(load().pattern(), bytes.data(), bytes.size());
        const bool good = index && stream_.received(*index);
        if (!load().measuring()) return;
        if (good) {
            shard().bytes += bytes.size();
            lost_ = stream_.lost();
        } else {
            ++shard().errors;
        }
    }

    DatagramStream stream_;
    std::uint64_t lost_ = 0;  // while it measured
};

int run(int argc, char** argv) {
    Options options{.address = "239.255.0.1", .port = 3334};
    parse_options(argc, argv,
                  {group_options(options),
                   engine_options(options),
                   batching_options(options),
                   {{"-c", "--clients", &options.clients, "members of the group"},
                    {"-s", "--size", &options.size, "bytes of a message, as the server's"},
                    {"-z", "--seconds", &options.seconds, "how long to measure"}}});
    require_datagram_size(argv[0], options.size);

    print_endpoint(options, udp);
    std::printf("Working threads: %zu\nWorking clients: %zu\nMessage size: %zu\nSeconds to benchmarking: %g\n\n",
                options.threads, options.clients, options.size, options.seconds);
    const bool ipv6 = options.address.find(':') != std::string::npos;
    return Load{options, udp}.run<Member>(
        {.bind = (ipv6 ? "udp://[::]:" : "udp://0.0.0.0:") + std::to_string(options.port),
         .reuse_address = true,
         .multicast = {.groups = {{.group = options.address, .interface_name = options.interface_name}}},
         .batching = options.batching});
}

}  // namespace
}  // namespace perf

int main(int argc, char** argv) {
    return perf::run(argc, argv);
}
