// The public face of a UDP socket.
#include <pollux/udp_socket.h>

#include "reactor_core.h"
#include "udp_shard.h"

namespace pollux {

namespace {

UdpShard& shard(UdpSocket& socket) noexcept {
    return static_cast<UdpShard&>(socket);
}
const UdpShard& shard(const UdpSocket& socket) noexcept {
    return static_cast<const UdpShard&>(socket);
}

}  // namespace

Result UdpSocket::send(Bytes bytes) {
    return shard(*this).send_bytes({}, bytes);
}
Result UdpSocket::send_to(const InetAddress& to, Bytes bytes) {
    return to ? shard(*this).send_bytes(to, bytes) : Result::wrong_peer;
}
Result UdpSocket::send_run(const InetAddress& to, const DatagramRun& run) {
    return to ? shard(*this).send_run(to, run) : Result::wrong_peer;
}
Result UdpSocket::send_run(const DatagramRun& run) {
    return shard(*this).send_run({}, run);
}
void UdpSocket::close() {
    shard(*this).close_gracefully(CloseReason::local_close);
}
void UdpSocket::abort() {
    shard(*this).abort_with(CloseReason::aborted);
}
Status UdpSocket::join(const MulticastGroup& group) {
    return shard(*this).change_membership(group, true);
}
Status UdpSocket::leave(const MulticastGroup& group) {
    return shard(*this).change_membership(group, false);
}
UdpSocketId UdpSocket::id() const noexcept {
    return shard(*this).identity();
}
bool UdpSocket::is_open() const noexcept {
    return shard(*this).accepts();
}
std::size_t UdpSocket::bytes_pending() const noexcept {
    return shard(*this).pending();
}
UdpCounters UdpSocket::counters() const noexcept {
    return shard(*this).counters().read();
}
InetAddress UdpSocket::local_address() const {
    return shard(*this).read_local_address();
}
InetAddress UdpSocket::peer_address() const noexcept {
    return shard(*this).peer();
}
Reactor& UdpSocket::reactor() const noexcept {
    return shard(*this).home();
}

}  // namespace pollux
