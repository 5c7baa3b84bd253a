// The recorder, the raw sockets and the networks behind the UDP tests.
#include "udp_support.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <ostream>

namespace pollux {

void PrintTo(const InetAddress& address, std::ostream* out) {
    *out << '"' << address.to_string() << '"';
}

void PrintTo(UdpBatching batching, std::ostream* out) {
    static constexpr std::array names{"automatic", "calls", "none"};
    *out << names[static_cast<std::size_t>(batching)];
}

}  // namespace pollux

namespace pollux::test {
namespace {

struct Native {
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_storage);

    [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Native to_native(const InetAddress& address) {
    Native native;
    if (address.family == SocketAddress::Family::ipv4) {
        auto* ipv4 = reinterpret_cast<sockaddr_in*>(&native.storage);
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons(address.port);
        std::memcpy(&ipv4->sin_addr, address.ip.data(), 4);
        native.size = sizeof *ipv4;
    } else {
        auto* ipv6 = reinterpret_cast<sockaddr_in6*>(&native.storage);
        ipv6->sin6_family = AF_INET6;
        ipv6->sin6_port = htons(address.port);
        ipv6->sin6_scope_id = address.scope;
        std::memcpy(&ipv6->sin6_addr, address.ip.data(), 16);
        native.size = sizeof *ipv6;
    }
    return native;
}

InetAddress from_native(const Native& native) {
    InetAddress address;
    if (native.storage.ss_family == AF_INET) {
        const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(&native.storage);
        address.family = SocketAddress::Family::ipv4;
        address.port = ntohs(ipv4->sin_port);
        std::memcpy(address.ip.data(), &ipv4->sin_addr, 4);
    } else if (native.storage.ss_family == AF_INET6) {
        const auto* ipv6 = reinterpret_cast<const sockaddr_in6*>(&native.storage);
        address.family = SocketAddress::Family::ipv6;
        address.port = ntohs(ipv6->sin6_port);
        address.scope = ipv6->sin6_scope_id;
        std::memcpy(address.ip.data(), &ipv6->sin6_addr, 16);
    }
    return address;
}

InetAddress address_of(int descriptor) {
    Native native;
    if (::getsockname(descriptor, native.get(), &native.size) < 0) return {};
    return from_native(native);
}

bool raise_loopback() {
    const RawSocket any{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    if (::ioctl(any.descriptor(), SIOCGIFFLAGS, &request) < 0) return false;
    request.ifr_flags |= IFF_UP;
    return ::ioctl(any.descriptor(), SIOCSIFFLAGS, &request) == 0;
}

}  // namespace

// The recorder.

std::size_t UdpRecorder::Seen::told(DatagramError::Kind kind) const {
    std::size_t sum = 0;
    for (const DatagramError& error : errors) {
        if (error.kind == kind) sum += error.datagrams;
    }
    return sum;
}

bool UdpRecorder::wait_for_opens(std::size_t count) {
    return wait_until([=](const Seen& seen) { return seen.opens >= count; });
}
bool UdpRecorder::wait_for_closes(std::size_t count) {
    return wait_until([=](const Seen& seen) { return seen.closes >= count; });
}
bool UdpRecorder::wait_for_drains(std::size_t count) {
    return wait_until([=](const Seen& seen) { return seen.drains >= count; });
}
bool UdpRecorder::wait_for_marks(std::size_t count) {
    return wait_until([=](const Seen& seen) { return seen.marks >= count; });
}
bool UdpRecorder::wait_for_datagrams(std::size_t count) {
    return wait_until([=](const Seen& seen) { return seen.datagrams.size() >= count; });
}
bool UdpRecorder::wait_for_truncated(std::size_t count) {
    return wait_until([=](const Seen& seen) { return seen.truncated.size() >= count; });
}
bool UdpRecorder::wait_for_errors(std::size_t count) {
    return wait_until([=](const Seen& seen) { return seen.errors.size() >= count; });
}

UdpRecorder::Seen UdpRecorder::seen() {
    std::lock_guard lock{mutex_};
    return seen_;
}

UdpSocketId UdpRecorder::id(std::size_t index) {
    std::lock_guard lock{mutex_};
    return index < seen_.ids.size() ? seen_.ids[index] : UdpSocketId{};
}

void UdpRecorder::expect_in_order(const char* whose) {
    std::lock_guard lock{mutex_};
    for (const std::string& violation : seen_.violations) ADD_FAILURE() << whose << ": " << violation;
    EXPECT_EQ(seen_.opens, seen_.closes) << whose << ": on_close must come once for each on_open";
    EXPECT_EQ(seen_.handlers, 0u) << whose << ": handlers must be destroyed";
}

/// Checks the promises around one callback.
class UdpRecording::Entered {
public:
    Entered(UdpRecording& recording, UdpSocket& socket, const char* callback, bool opening = false)
        : recording_(recording) {
        if (recording.inside_) violate(std::string{callback} + " within another callback");
        if (recording.open_ == opening) violate(std::string{callback} + (opening ? " twice" : " while not open"));
        if (!socket.reactor().is_current()) violate(std::string{callback} + " on a foreign thread");
        recording.inside_ = true;
    }
    ~Entered() { recording_.inside_ = false; }
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;

private:
    void violate(std::string what) {
        recording_.recorder_.change([&](UdpRecorder::Seen& seen) { seen.violations.push_back(std::move(what)); });
    }

    UdpRecording& recording_;
};

UdpRecording::UdpRecording(UdpRecorder& recorder, UdpHooks hooks) : recorder_(recorder), hooks_(std::move(hooks)) {
    recorder_.change([](auto& seen) { ++seen.handlers; });
}

UdpRecording::~UdpRecording() {
    recorder_.change([](auto& seen) { --seen.handlers; });
}

void UdpRecording::on_open(UdpSocket& socket) {
    const Entered entered{*this, socket, "on_open", true};
    open_ = true;
    if (hooks_.on_open) hooks_.on_open(socket);
    recorder_.change([&](auto& seen) {
        ++seen.opens;
        seen.ids.push_back(socket.id());
    });
}

void UdpRecording::on_datagram(UdpSocket& socket, const InetAddress& from, Bytes bytes) {
    const Entered entered{*this, socket, "on_datagram"};
    if (hooks_.keep) {
        recorder_.change([&](auto& seen) { seen.datagrams.push_back({from, std::string{as_text(bytes)}}); });
    }
    if (hooks_.on_datagram) hooks_.on_datagram(socket, from, bytes);
}

void UdpRecording::on_truncated(UdpSocket& socket, const InetAddress& from, Bytes beginning) {
    const Entered entered{*this, socket, "on_truncated"};
    recorder_.change([&](auto& seen) { seen.truncated.push_back({from, std::string{as_text(beginning)}}); });
    if (hooks_.on_truncated) hooks_.on_truncated(socket, from, beginning);
}

void UdpRecording::on_drain(UdpSocket& socket) {
    const Entered entered{*this, socket, "on_drain"};
    recorder_.change([](auto& seen) { ++seen.drains; });
    if (hooks_.on_drain) hooks_.on_drain(socket);
}

void UdpRecording::on_error(UdpSocket& socket, const DatagramError& error) {
    const Entered entered{*this, socket, "on_error"};
    recorder_.change([&](auto& seen) { seen.errors.push_back(error); });
    if (hooks_.on_error) hooks_.on_error(socket, error);
}

void UdpRecording::on_close(UdpSocket& socket, CloseReason reason, std::error_code error) {
    const Entered entered{*this, socket, "on_close"};
    open_ = false;
    if (hooks_.on_close) hooks_.on_close(socket, reason, error);
    recorder_.change([&](auto& seen) {
        ++seen.closes;
        seen.reasons.push_back(reason);
        seen.close_errors.push_back(error);
    });
}

void echo_datagram(UdpSocket& socket, const InetAddress& from, Bytes bytes) {
    EXPECT_EQ(socket.send_to(from, bytes), Result::ok);
}

UdpHooks echo_hooks() {
    return {.on_datagram = echo_datagram, .keep = false};
}

// Addresses.

InetAddress inet(std::string_view text) {
    InetAddress address;
    const Status status = InetAddress::parse(text, address);
    EXPECT_TRUE(status) << status;
    return address;
}

std::string endpoint_of(const InetAddress& address) {
    return "udp://" + address.to_string();
}

InetAddress at_port(std::string_view host, std::uint16_t port) {
    const bool ipv6 = host.find(':') != std::string_view::npos;
    const std::string text{host};
    return inet((ipv6 ? '[' + text + ']' : text) + ':' + std::to_string(port));
}

InetAddress closed_port(std::string_view host) {
    return RawUdp{host}.address();
}

int descriptor_bound_to(const InetAddress& address) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const int end = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 65'536));
    for (int descriptor = 0; descriptor < end; ++descriptor) {
        if (address_of(descriptor) == address) return descriptor;
    }
    return -1;
}

bool lose_some(int descriptor, double share) {
    // A classic filter: a random 32-bit number, and what is below the limit is not kept.
    const auto limit = static_cast<std::uint32_t>(share * 4294967295.0);
    std::array<sock_filter, 4> program{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, limit, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
        BPF_STMT(BPF_RET | BPF_K, 0),
    }};
    const sock_fprog filter{.len = program.size(), .filter = program.data()};
    return ::setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

// Raw sockets.

RawUdp::RawUdp(std::string_view host, std::uint16_t port, bool share_address) {
    const InetAddress address = at_port(host, port);
    const int family = address.family == SocketAddress::Family::ipv6 ? AF_INET6 : AF_INET;
    socket_ = RawSocket{::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (share_address) set_option(SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(SOL_SOCKET, SO_RCVBUF, 8 * 1024 * 1024);
    Native native = to_native(address);
    if (::bind(descriptor(), native.get(), native.size) < 0) socket_.close();
}

InetAddress RawUdp::address() const {
    return address_of(descriptor());
}

void RawUdp::connect(const InetAddress& to) const {
    Native native = to_native(to);
    EXPECT_EQ(::connect(descriptor(), native.get(), native.size), 0);
}

bool RawUdp::send_to(const InetAddress& to, std::string_view bytes) const {
    Native native = to_native(to);
    return ::sendto(descriptor(), bytes.data(), bytes.size(), 0, native.get(), native.size) >= 0;
}

std::optional<Datagram> RawUdp::receive(std::chrono::milliseconds limit) const {
    pollfd waiting{.fd = descriptor(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, static_cast<int>(limit.count())) <= 0) return std::nullopt;
    return receive_now();
}

std::optional<Datagram> RawUdp::receive_now() const {
    std::array<char, 65'536> buffer;
    Native native;
    const ssize_t size =
        ::recvfrom(descriptor(), buffer.data(), buffer.size(), MSG_DONTWAIT, native.get(), &native.size);
    if (size < 0) return std::nullopt;
    return Datagram{from_native(native), std::string{buffer.data(), static_cast<std::size_t>(size)}};
}

bool RawUdp::set_option(int level, int name, int value) const {
    return ::setsockopt(descriptor(), level, name, &value, sizeof value) == 0;
}

// Networks.

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
        return socket.set_option(IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(::if_nametoindex("cable0"))) &&
               socket.send_to(inet("[ff15::17:3]:9"), "x");
    });
}

StalledLoopback::StalledLoopback() : works_(shell("tc qdisc add dev lo root tbf rate 800bit burst 1600 limit 64mb")) {}

void StalledLoopback::flow() {
    EXPECT_TRUE(shell("tc qdisc change dev lo root tbf rate 4gbit burst 1mb limit 64mb"));
    // The device looks at its queue again when something is sent.
    const RawUdp any;
    EXPECT_TRUE(any.send_to(any.address(), "go on"));
}

// Settings.

void PrintTo(const UdpSetting& setting, std::ostream* out) {
    static constexpr std::array networks{"ipv4", "ipv6", "dual_stack"};
    PrintTo(setting.batching, out);
    *out << '_' << networks[static_cast<std::size_t>(setting.network)];
}

std::string udp_setting_name(const testing::TestParamInfo<UdpSetting>& info) {
    return testing::PrintToString(info.param);
}

std::string UdpNetTest::bind_endpoint() {
    switch (GetParam().network) {
        case Network::ipv4:
            return "udp://127.0.0.1:0";
        case Network::ipv6:
            return "udp://[::1]:0";
        case Network::dual_stack:
            break;
    }
    return "udp://*:0";
}

}  // namespace pollux::test
