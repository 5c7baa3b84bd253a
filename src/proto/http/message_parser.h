// Parses one HTTP/1.1 message, a request or a response: llhttp, pulled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <llhttp.h>

#include <pollux/bytes.h>
#include <pollux/http/fields.h>

#include "proto/http/head_scanner.h"

namespace pollux::http {

/// A head is given whole, as `HeadScanner` found it; the body behind it in whatever pieces it comes. llhttp does the
/// parsing, with none of its lenient flags. What it calls back is only noted, and handed out when it has returned: so
/// whoever uses this may do anything with an event. One thread.
class MessageParser {
public:
    enum class Direction : std::uint8_t { request, response };

    /// A message without a body is complete when its head is parsed, whatever its fields say: a response to HEAD.
    enum class Body : std::uint8_t { as_told, none };

    struct Limits {
        std::size_t max_fields = 100;  ///< Of the head, and of the trailers.
        std::size_t max_trailer_bytes = 32 * 1024;
    };

    enum class Failure : std::uint8_t { none, bad_message, too_many_fields, trailers_too_large };

    struct Event {
        enum class Kind : std::uint8_t {
            more,    ///< Nothing further without more bytes.
            body,    ///< `body` is a part of the body, in the input.
            end,     ///< The message is complete. Trailers are there; they lie in the input.
            failed,  ///< `failure()` tells why. Nothing further.
        };
        Kind kind = Kind::more;
        std::size_t consumed = 0;  ///< Bytes of the input that are done with; the others are given again.
        Bytes body{};
    };

    explicit MessageParser(Direction direction) noexcept;
    MessageParser(const MessageParser&) = delete;
    MessageParser& operator=(const MessageParser&) = delete;

    /// Begins a message: parses its whole head. True if it is one. The positions of `fields` count from the head's
    /// beginning.
    [[nodiscard]] bool parse_head(std::string_view head, const Limits& limits, Body body = Body::as_told);

    /// Goes on with what follows the head. A message that is complete gives `end` again and again, without consuming.
    [[nodiscard]] Event next(Bytes input);

    /// The connection has ended. True if that completes the message: a response whose body lasts until then.
    [[nodiscard]] bool finish();

    /// True once everything of it was there.
    [[nodiscard]] bool complete() const noexcept { return complete_; }

    [[nodiscard]] const std::vector<Fields::Position>& fields() const noexcept { return fields_; }
    [[nodiscard]] Fields trailers() const noexcept { return {trailer_bytes_, trailers_}; }

    /// What `Content-Length` tells; none without one.
    [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept {
        if ((flags_ & F_CONTENT_LENGTH) == 0) return std::nullopt;
        return content_length_;
    }
    [[nodiscard]] bool chunked() const noexcept { return (flags_ & F_CHUNKED) != 0; }

    /// True if there may be another message behind this one.
    [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }

    [[nodiscard]] Failure failure() const noexcept { return failure_; }

    /// What is wrong, for logs. Static storage.
    [[nodiscard]] const char* reason() const noexcept;

private:
    struct Callbacks;

    enum class Noted : std::uint8_t { nothing, body, last_chunk };

    [[nodiscard]] Event pull(Bytes input);
    [[nodiscard]] Event pull_trailers(Bytes input);
    [[nodiscard]] Event fail(Failure failure, const char* reason) noexcept;
    [[nodiscard]] bool add_name(const char* at, std::size_t size);
    void add_value(const char* at, std::size_t size) noexcept;

    llhttp_t llhttp_;
    Direction direction_;
    Body body_mode_ = Body::as_told;
    Noted noted_ = Noted::nothing;
    Failure failure_ = Failure::none;
    bool complete_ = false;
    bool keep_alive_ = false;
    bool in_trailers_ = false;
    std::uint16_t flags_ = 0;  // llhttp's own are gone when the message is complete
    std::uint64_t content_length_ = 0;
    std::size_t extension_bytes_ = 0;
    Limits limits_;
    const char* bytes_ = nullptr;  // where the head or the trailers begin that are being parsed
    const char* trailer_bytes_ = nullptr;
    const char* reason_ = nullptr;
    Bytes part_;
    HeadScanner trailer_scanner_;
    std::vector<Fields::Position> fields_;
    std::vector<Fields::Position> trailers_;
};

}  // namespace pollux::http
