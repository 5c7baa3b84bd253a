// Writes the head of a request, and the frame of a body in chunks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <pollux/bytes.h>
#include <pollux/http/fields.h>

namespace pollux::http {

/// True for a method that a request can have: a token, but not CONNECT, whose answer is no message.
[[nodiscard]] bool is_request_method(std::string_view method) noexcept;

/// True for a field that somebody may add to a request, with nothing in it that could end its line. Those that frame
/// the message or rule its connection are made here and nowhere else.
[[nodiscard]] bool is_request_field(Field field) noexcept;

/// The same for a trailer, which cannot route the message or say what its body is either (RFC 9110, 6.5.1).
[[nodiscard]] bool is_request_trailer(Field field) noexcept;

/// Appends a head to a text, line by line in the order of the calls. What it is given was checked.
class RequestHeadWriter {
public:
    RequestHeadWriter(std::string& out, std::string_view method, std::string_view target, std::string_view host);

    void field(std::string_view name, std::string_view value);
    void content_length(std::uint64_t length);
    void chunked() { field("Transfer-Encoding", "chunked"); }
    void upgrade(std::string_view protocol);

    /// The empty line.
    void finish() { out_ += "\r\n"; }

private:
    std::string& out_;
};

/// Appends a chunk. An empty one would be the last, so there must be bytes in it.
void append_chunk(std::string& out, Bytes bytes);

/// Appends the end of a body in chunks. The trailers were checked.
void append_last_chunk(std::string& out, std::span<const Field> trailers);

}  // namespace pollux::http
