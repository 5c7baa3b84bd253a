// Outbox: the part of an answer that its connection has not accepted yet.
#include "http/outbox.h"

#include <algorithm>
#include <array>

namespace pollux::http {

namespace {

/// Read from a file at a time where the kernel does not send from it: what TLS makes four records of.
constexpr std::size_t read_bytes = 64 * 1024;

/// Asked of the kernel at a time, so that a fast reader does not hold the reactor.
constexpr std::uint64_t send_file_bytes = 1024 * 1024;

}  // namespace

bool Outbox::flush(Connection& connection, std::size_t max_send_bytes) {
    if (!flush_copied(connection, max_send_bytes) || !flush_kept(connection, max_send_bytes)) return true;
    return flush_file(connection, max_send_bytes);
}

/// True if all of it was accepted.
bool Outbox::flush_copied(Connection& connection, std::size_t max_send_bytes) {
    while (copied_at_ != copied_.size()) {
        const auto piece = std::string_view{copied_}.substr(copied_at_, max_send_bytes);
        if (connection.send(piece) != Result::ok) return false;
        copied_at_ += piece.size();
    }
    copied_.clear();
    copied_at_ = 0;
    return true;
}

bool Outbox::flush_kept(Connection& connection, std::size_t max_send_bytes) {
    while (kept_) {
        const auto piece = std::string_view{*kept_}.substr(kept_at_, max_send_bytes);
        if (connection.send(piece) != Result::ok) return false;
        kept_at_ += piece.size();
        if (kept_at_ == kept_->size()) kept_.reset();
    }
    return true;
}

bool Outbox::flush_file(Connection& connection, std::size_t max_send_bytes) {
    using Outcome = StreamConnection::FileSent::Outcome;
    auto& stream = static_cast<StreamConnection&>(connection);
    while (file_.is_open()) {
        const auto piece = static_cast<std::size_t>(std::min(file_left_, send_file_bytes));
        StreamConnection::FileSent sent = stream.send_file(file_.handle(), file_at_, piece);
        if (sent.outcome == Outcome::unsupported) sent = send_read(connection, std::min(piece, max_send_bytes));
        if (sent.outcome == Outcome::ended) return false;
        if (sent.outcome != Outcome::sent) return true;
        file_at_ += sent.bytes;
        file_left_ -= sent.bytes;
        if (file_left_ == 0) file_ = {};
    }
    return true;
}

/// Reads a piece of the file and sends it. What is refused is read again later: the page cache keeps it.
StreamConnection::FileSent Outbox::send_read(Connection& connection, std::size_t size) {
    using Outcome = StreamConnection::FileSent::Outcome;
    std::array<std::byte, read_bytes> buffer;
    const platform::IoResult read = file_.read_at(MutableBytes{buffer}.first(std::min(size, read_bytes)), file_at_);
    if (read.status != platform::IoStatus::done) return {Outcome::ended};
    switch (connection.send(Bytes{buffer}.first(read.bytes))) {
        case Result::ok:
            return {Outcome::sent, read.bytes};
        case Result::would_block:
            return {Outcome::would_block};
        default:
            return {Outcome::closed};
    }
}

void Outbox::clear() noexcept {
    copied_.clear();
    copied_at_ = 0;
    kept_.reset();
    file_ = {};
}

}  // namespace pollux::http
