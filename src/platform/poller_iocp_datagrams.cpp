// Datagrams on a completion port.
#include <cstring>
#include <new>
#include <utility>

#include "platform/datagrams_windows.h"
#include "platform/poller_iocp.h"
#include "platform/socket_address.h"

namespace pollux::platform {

std::error_code IocpPoller::attach_datagrams(Socket& socket, NativeHandle handle, UdpBatching /*batching*/) {
    if (peeked_ == nullptr) peeked_.reset(new std::byte[datagram_slot_bytes]);
    const auto native = static_cast<SOCKET>(handle);
    if (const std::error_code error = add(socket, native, SocketRecord::Role::datagrams)) return error;
    socket.system_side->is_ipv6 = is_ipv6_socket(native);
    return {};
}

IoResult IocpPoller::receive_datagrams(Socket& socket, DatagramIntake& intake) noexcept {
    SocketRecord& record = *socket.system_side;
    intake.count = 0;
    intake.overflows = 0;
    record.ready = true;
    while (intake.count < intake.arrivals.size()) {
        const int error = receive_datagram(record.handle, intake.arrivals[intake.count]);
        if (error == 0) {
            ++intake.count;
        } else if (is_datagram_fault(error)) {
            fail(record, error);
        } else {
            record.ready = false;
            if (intake.count != 0) break;
            if (error == WSAEWOULDBLOCK) return {IoStatus::would_block, 0, 0};
            return {IoStatus::failed, error, 0};
        }
    }
    return {IoStatus::done, 0, intake.count};
}

/// Keeps a datagram that the system has no room for, and sends it as an operation, which tells when there is.
bool IocpPoller::send_later(SocketRecord& record, const InetAddress& to, Bytes datagram) noexcept {
    if (record.sending.under_way) return false;
    if (record.outgoing == nullptr) record.outgoing.reset(new (std::nothrow) std::byte[datagram_slot_bytes]);
    if (record.outgoing == nullptr || datagram.size() > datagram_slot_bytes) return false;
    if (!datagram.empty()) std::memcpy(record.outgoing.get(), datagram.data(), datagram.size());
    begin(record.sending, Operation::Kind::send);
    const int error =
        send_datagram(record.handle, record.is_ipv6, to, {record.outgoing.get(), datagram.size()}, &record.sending);
    ::WSASetLastError(error);
    return begun(record.sending, error == 0);
}

IoResult IocpPoller::send_datagrams(Socket& socket, std::span<const OutgoingRun> runs) noexcept {
    SocketRecord& record = *socket.system_side;
    std::size_t taken = 0;
    for (const OutgoingRun& run : runs) {
        const std::size_t count = run.datagrams();
        for (std::size_t i = 0; i < count; ++i) {
            const Bytes datagram = datagram_at(run, i * run.segment_bytes);
            if (record.sending.under_way) return {IoStatus::would_block, 0, taken};
            const int error = send_datagram(record.handle, record.is_ipv6, run.to, datagram, nullptr);
            if (error == WSAEWOULDBLOCK || error == WSAENOBUFS) {
                if (!send_later(record, run.to, datagram)) return {IoStatus::would_block, 0, taken};
            } else if (error != 0) {
                return {IoStatus::failed, error, taken};
            }
            ++taken;
        }
    }
    return {IoStatus::done, 0, taken};
}

bool IocpPoller::take_datagram_error(Socket& socket, DatagramFault& out) noexcept {
    const int error = std::exchange(socket.system_side->error, 0);
    if (error == 0) return false;
    out.error = system_error(error);
    out.peer = {};
    return true;
}

}  // namespace pollux::platform
