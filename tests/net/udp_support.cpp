// The recorder, the raw sockets and the networks behind the UDP tests.
#include "udp_support.h"

#include <array>
#include <ostream>

#include "backend.h"
#include "common/closed_ports.h"

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

SocketAddress to_socket_address(const InetAddress& address) {
    SocketAddress wide;
    wide.family = address.family;
    wide.port = address.port;
    wide.scope = address.scope;
    wide.ip = address.ip;
    return wide;
}

InetAddress to_inet_address(const SocketAddress& address) {
    return {address.family, address.port, address.scope, address.ip};
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

bool tells_unconnected_of_closed_ports() {
    return platform::Poller::datagram_errors() == platform::DatagramErrors::of_all && tells_of_closed_ports();
}

bool has_sockets_on_all_reactors() {
    return platform::Poller::spreads_datagrams();
}

SocketHandle socket_bound_to(const InetAddress& address) {
    SocketHandle found = no_socket;
    for_each_socket([&](SocketHandle handle) {
        if (to_inet_address(name_of(handle)) == address) found = handle;
    });
    return found;
}

// Raw sockets.

RawUdp::RawUdp(std::string_view host, std::uint16_t port, bool share_address) {
    const SocketAddress address = to_socket_address(at_port(host, port));
    socket_ = RawSocket{open_socket(address.family, SocketKind::datagram)};
    if (share_address) set_option(handle(), SocketOption::reuse_address, 1);
    set_option(handle(), SocketOption::receive_buffer, 8 * 1024 * 1024);
    if (!bind_socket(handle(), address)) socket_.close();
}

InetAddress RawUdp::address() const {
    return to_inet_address(name_of(handle()));
}

void RawUdp::connect(const InetAddress& to) const {
    EXPECT_TRUE(connect_socket(handle(), to_socket_address(to)));
}

bool RawUdp::send_to(const InetAddress& to, std::string_view bytes) const {
    return send_datagram(handle(), to_socket_address(to), bytes) >= 0;
}

std::optional<Datagram> RawUdp::receive(std::chrono::milliseconds limit) const {
    if (!wait_readable(handle(), limit)) return std::nullopt;
    std::array<char, 65'536> buffer;
    SocketAddress from;
    const std::ptrdiff_t size = receive_datagram(handle(), from, buffer);
    if (size < 0) return std::nullopt;
    return Datagram{to_inet_address(from), std::string{buffer.data(), static_cast<std::size_t>(size)}};
}

std::optional<Datagram> RawUdp::receive_now() const {
    return receive(std::chrono::milliseconds{0});
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
