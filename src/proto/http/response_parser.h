// Parses and checks the answers of one connection, one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <pollux/bytes.h>
#include <pollux/http/fields.h>

#include "proto/http/message_parser.h"

namespace pollux::http {

/// Bytes in, events out, however the bytes are cut: heads and trailers are put together here, up to their limit; bodies
/// stay where they are. Interim answers (RFC 9110, 15.2) are left out, but for 101, which is a final one here: the
/// bytes behind it belong to another protocol. On top of llhttp it refuses what makes an answer mean different things
/// to different readers (RFC 9112, 6.3).
class ResponseParser {
public:
    struct Limits {
        std::size_t max_head_bytes = 64 * 1024;  ///< Of each head, and of the trailers.
        std::size_t max_fields = 200;            ///< Of a head, and of the trailers.
    };

    struct Event {
        enum class Kind : std::uint8_t {
            more,    ///< All of the input was taken, and nothing further follows from it.
            head,    ///< A head is there; see the functions below.
            body,    ///< `body` is a part of the body, in the input.
            end,     ///< The answer is complete. `begin` comes next.
            failed,  ///< It is no answer, or too large: `too_large()`. Nothing further.
        };
        Kind kind = Kind::more;
        std::size_t consumed = 0;  ///< Bytes of the input that are done with.
        Bytes body{};
    };

    explicit ResponseParser(const Limits& limits);

    /// What is next is the answer to a HEAD request, or to another one.
    void begin(bool to_head) noexcept;

    /// Goes on with bytes that follow those consumed before. To be called until it wants more.
    [[nodiscard]] Event next(Bytes input);

    /// The connection has ended. True if that completes the answer: its body lasts until then.
    [[nodiscard]] bool finish();

    /// True if some of an answer was there, be it an interim one.
    [[nodiscard]] bool begun() const noexcept { return begun_; }

    /// True if it failed because of a limit.
    [[nodiscard]] bool too_large() const noexcept { return too_large_; }

    // The head. The text and the fields are valid until `next` is called again, the rest until `begin` is.

    [[nodiscard]] unsigned status() const noexcept { return status_; }
    [[nodiscard]] unsigned minor_version() const noexcept { return minor_version_; }
    [[nodiscard]] std::string_view reason() const noexcept { return reason_; }
    [[nodiscard]] Fields headers() const noexcept { return {head_, message_.fields()}; }
    [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept { return message_.content_length(); }

    /// True if another answer may follow this one on the connection.
    [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }

    /// Valid from `end` on, until `next` or `begin` is called.
    [[nodiscard]] Fields trailers() const noexcept { return message_.trailers(); }

private:
    enum class State : std::uint8_t { head, body, failed };

    [[nodiscard]] Event next_head(Bytes input);
    [[nodiscard]] bool parse_head(std::string_view head);
    [[nodiscard]] bool parse_status_line(std::string_view line) noexcept;
    [[nodiscard]] bool check_framing() const noexcept;
    [[nodiscard]] Event next_body(Bytes input);
    [[nodiscard]] Event fail(bool too_large = false) noexcept;
    void keep(Bytes input);

    Limits limits_;
    MessageParser message_;
    HeadScanner scanner_;
    std::string kept_;  // a head or trailers that are not complete
    const char* head_ = nullptr;
    std::string_view reason_;
    unsigned status_ = 0;
    unsigned minor_version_ = 1;
    State state_ = State::head;
    bool to_head_ = false;
    bool begun_ = false;
    bool keep_alive_ = false;
    bool too_large_ = false;
};

}  // namespace pollux::http
