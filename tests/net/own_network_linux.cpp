// Network namespaces, virtual devices, queues and socket filters.
#include <linux/filter.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "own_network.h"
#include "udp_support.h"

namespace pollux::test {
namespace {

bool raise_loopback() {
    const RawSocket any{open_socket(SocketAddress::Family::ipv4, SocketKind::datagram)};
    const auto descriptor = static_cast<int>(any.handle());
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    if (::ioctl(descriptor, SIOCGIFFLAGS, &request) < 0) return false;
    request.ifr_flags |= IFF_UP;
    return ::ioctl(descriptor, SIOCSIFFLAGS, &request) == 0;
}

}  // namespace

bool shell(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

bool in_own_network(const std::function<void()>& body) {
    bool made = false;
    std::thread{[&] {
        made = ::unshare(CLONE_NEWNET) == 0 && raise_loopback();
        if (made) body();
    }}.join();
    return made;
}

bool make_cable() {
    // Nodad: else nothing could be sent from the address before the network was asked who else has it.
    const bool made = shell(
        "ip link add cable0 type veth peer name cable1 && ip addr add 10.77.0.1/24 dev cable0 && "
        "ip -6 addr add fd77::1/64 dev cable0 nodad && ip link set cable0 up && ip link set cable1 up");
    if (!made) return false;
    // The routes come a while after the device.
    return eventually([] {
        const RawUdp socket{"fd77::1"};
        const auto cable = static_cast<int>(::if_nametoindex("cable0"));
        return set_option(socket.handle(), SocketOption::multicast_interface_v6, cable) &&
               socket.send_to(inet("[ff15::17:3]:9"), "x");
    });
}

bool leave_one_port(std::uint16_t port) {
    std::ofstream range{"/proc/sys/net/ipv4/ip_local_port_range"};
    range << port << ' ' << port << std::flush;
    return range.good();
}

StalledLoopback::StalledLoopback() : works_(shell("tc qdisc add dev lo root tbf rate 800bit burst 1600 limit 64mb")) {}

void StalledLoopback::flow() {
    EXPECT_TRUE(shell("tc qdisc change dev lo root tbf rate 4gbit burst 1mb limit 64mb"));
    // The device looks at its queue again when something is sent.
    const RawUdp any;
    EXPECT_TRUE(any.send_to(any.address(), "go on"));
}

bool lose_some(SocketHandle handle, double share) {
    // A classic filter: a random 32-bit number, and what is below the limit is not kept.
    const auto limit = static_cast<std::uint32_t>(share * 4294967295.0);
    std::array<sock_filter, 4> program{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, limit, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
        BPF_STMT(BPF_RET | BPF_K, 0),
    }};
    const sock_fprog filter{.len = program.size(), .filter = program.data()};
    const auto descriptor = static_cast<int>(handle);
    return ::setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

}  // namespace pollux::test
