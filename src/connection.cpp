// The public face of a connection.
#include <pollux/connection.h>

#include "reactor_core.h"
#include "stream_connection.h"

namespace pollux {

namespace {

StreamConnection& stream(Connection& connection) noexcept {
    return static_cast<StreamConnection&>(connection);
}
const StreamConnection& stream(const Connection& connection) noexcept {
    return static_cast<const StreamConnection&>(connection);
}

}  // namespace

Result Connection::send(Bytes bytes) {
    return stream(*this).send_bytes(bytes);
}
void Connection::close() {
    stream(*this).close_gracefully(CloseReason::local_close);
}
void Connection::abort() {
    stream(*this).abort_with(CloseReason::aborted);
}
void Connection::close_send() {
    stream(*this).close_sending();
}
void Connection::pause_receiving() {
    stream(*this).pause();
}
void Connection::resume_receiving() {
    stream(*this).resume();
}
bool Connection::receiving_paused() const noexcept {
    return stream(*this).paused();
}
ConnectionId Connection::id() const noexcept {
    return stream(*this).identity();
}
ConnectionState Connection::state() const noexcept {
    return stream(*this).phase();
}
bool Connection::is_open() const noexcept {
    return stream(*this).accepts();
}
std::size_t Connection::bytes_pending() const noexcept {
    return stream(*this).pending();
}
ConnectionCounters Connection::counters() const noexcept {
    return stream(*this).read_counters();
}
SocketAddress Connection::local_address() const {
    return stream(*this).read_local_address();
}
SocketAddress Connection::peer_address() const {
    return stream(*this).read_peer_address();
}
Transport Connection::transport() const noexcept {
    return stream(*this).owner().transport();
}
bool Connection::is_secure() const noexcept {
    return stream(*this).owner().secure();
}
std::optional<TlsInfo> Connection::tls() const {
    return stream(*this).read_tls();
}
Reactor& Connection::reactor() const noexcept {
    return stream(*this).home();
}
ServerBase* Connection::server() const noexcept {
    return stream(*this).owner().server();
}

}  // namespace pollux
