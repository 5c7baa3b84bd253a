// Outbox: the part of an answer that its connection has not accepted yet.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <pollux/bytes.h>
#include <pollux/connection.h>

#include "platform/files.h"
#include "stream_connection.h"

namespace pollux::http {

/// Bytes, and behind them those of a string that is kept, or a stretch of a file. A connection accepts all of a span or
/// nothing, and not more than its limits allow at a time: what one answer has beyond that waits here. Only one answer
/// of a connection is in the works at a time, so this is bounded by what its handler gave.
class Outbox {
public:
    [[nodiscard]] bool empty() const noexcept { return copied_at_ == copied_.size() && !kept_ && !file_.is_open(); }

    /// Bytes that are copied.
    void append(Bytes bytes) { copied_.append(as_text(bytes)); }

    /// The last part: bytes of a string that is kept.
    void append(std::shared_ptr<const std::string> text, std::size_t from) {
        kept_ = std::move(text);
        kept_at_ = from;
    }

    /// The last part: `length` bytes of a file.
    void append(platform::File file, std::uint64_t offset, std::uint64_t length) {
        file_ = std::move(file);
        file_at_ = offset;
        file_left_ = length;
    }

    /// Gives the connection what it accepts, in pieces of at most `max_send_bytes`. False if the file turned out to be
    /// shorter than was promised: then the answer cannot be completed.
    [[nodiscard]] bool flush(Connection& connection, std::size_t max_send_bytes);

    void clear() noexcept;

private:
    [[nodiscard]] bool flush_copied(Connection& connection, std::size_t max_send_bytes);
    [[nodiscard]] bool flush_kept(Connection& connection, std::size_t max_send_bytes);
    [[nodiscard]] bool flush_file(Connection& connection, std::size_t max_send_bytes);
    [[nodiscard]] StreamConnection::FileSent send_read(Connection& connection, std::size_t size);

    std::string copied_;
    std::size_t copied_at_ = 0;
    std::shared_ptr<const std::string> kept_;
    std::size_t kept_at_ = 0;
    platform::File file_;
    std::uint64_t file_at_ = 0;
    std::uint64_t file_left_ = 0;
};

}  // namespace pollux::http
