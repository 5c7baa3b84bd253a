// What an HTTP server allows a client. Every limit is on by default.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace pollux::http {

/// Limits and deadlines of an HTTP server, for each connection. Checked by `Server::start`. A client that passes one is
/// answered at once, also while it is still sending, and the connection is closed.
struct Options {
    std::size_t max_request_line_bytes = 8 * 1024;  ///< Method, target and version; beyond: 414.
    std::size_t max_header_bytes = 32 * 1024;       ///< Request line and header fields together; beyond: 431.
    std::size_t max_headers = 100;                  ///< Header fields, and trailer fields; beyond: 431.
    std::uint64_t max_body_bytes = 1024 * 1024;     ///< Beyond: 413. A route or `Handler::on_head` may change it.
    std::uint64_t max_requests = 1'000'000;         ///< Of a connection: the answer to the last one closes it.

    /// From the first byte of a request (of the first one: from `on_open`) to the end of its head. Beyond: 408, or just
    /// a close if nothing came at all. Here and below 0 means never.
    std::chrono::milliseconds header_timeout{std::chrono::seconds{10}};

    /// For a whole body. Beyond: 408.
    std::chrono::milliseconds body_timeout{std::chrono::minutes{5}};

    /// In each such time `min_body_progress_bytes` of the body must arrive, or its rest. Else: 408.
    std::chrono::milliseconds body_progress_timeout{std::chrono::seconds{10}};
    std::size_t min_body_progress_bytes = 1024;

    /// From the end of a request to the beginning of its answer. Beyond: 503. Raise it for answers that are long in
    /// coming on purpose.
    std::chrono::milliseconds answer_timeout{std::chrono::seconds{60}};

    /// Between an answer and the next request.
    std::chrono::milliseconds keep_alive_timeout{std::chrono::seconds{60}};

    /// The value of the `Server` field of answers; none if empty.
    std::string server_name{};
};

}  // namespace pollux::http
