// An exchange: a request that is being answered.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <pollux/http/request.h>
#include <pollux/http/response.h>

#include "arena.h"
#include "http/context.h"
#include "http/outbox.h"
#include "http/text_buffer.h"
#include "proto/http/request_parser.h"
#include "proto/http/response_head.h"

namespace pollux::http {

class Session;

/// What a session needs while it has a request, and idle connections have not: the parser, the request, the answer.
/// Taken from the reactor's context for each request and given back after it, with what its members have grown to. Its
/// reactor's thread.
class Exchange {
public:
    explicit Exchange(Context& context) noexcept;
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    [[nodiscard]] static Exchange& of(Response& response) noexcept { return response.exchange_; }
    [[nodiscard]] static Exchange& of(const Request& request) noexcept { return *request.exchange_; }

    // What the session does.

    /// Begins with the request of that number, whose head is given.
    [[nodiscard]] Refusal begin(Session& session, std::uint64_t number, std::string_view head, std::size_t first_line);

    /// Begins without a request: one that could not be read.
    void begin(Session& session, std::uint64_t number) noexcept;

    /// The bytes of the head will not be there for long: keeps them, if somebody is still to look at them.
    void keep_head(bool body_follows);

    /// A part of the body that `on_request` wants whole.
    void collect(Bytes part);

    /// All of the request was there.
    void request_complete() noexcept;

    /// Hands on what waits, as far as the connection takes it.
    void flush();

    /// Tells the client that its body is awaited.
    void send_continue();

    /// Answers in the place of the handler, whatever that has prepared. The answer must not have begun.
    void answer_instead(unsigned status);

    /// Over: nobody may use it until the next `begin`.
    void end() noexcept;

    /// It ends without having been answered.
    void abandon() noexcept;

    [[nodiscard]] Request& request() noexcept { return request_; }
    [[nodiscard]] Response& response() noexcept { return response_; }
    [[nodiscard]] RequestParser& parser() noexcept { return parser_; }
    [[nodiscard]] Arena& arena() noexcept { return arena_; }
    [[nodiscard]] const RequestHead& head() const noexcept { return request_.head_; }
    [[nodiscard]] Stream* stream() const noexcept { return stream_.get(); }
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

    [[nodiscard]] bool begun() const noexcept { return state_ != State::waiting; }
    [[nodiscard]] bool answered() const noexcept { return state_ == State::complete; }
    [[nodiscard]] bool promised() const noexcept { return promised_; }

    /// True if the answer is complete and was handed to the connection.
    [[nodiscard]] bool done() const noexcept { return answered() && outbox_.empty(); }

    /// True if the connection ends with this answer.
    [[nodiscard]] bool closes() const noexcept { return closes_; }

    /// True if a `write` was refused, and there is room again: once.
    [[nodiscard]] bool take_drained() noexcept;

    // What the response does.

    void set_status(unsigned code) noexcept { status_ = code >= 200 && code <= 999 ? code : 500; }
    [[nodiscard]] unsigned status() const noexcept { return status_; }
    bool add_field(std::string_view name, std::string_view value);

    /// The field that most answers have, with less to look at.
    bool add_content_type(std::string_view value);
    [[nodiscard]] bool has_content_type() const noexcept { return has_content_type_; }

    /// Adds whole field lines that were checked when they were made.
    void add_lines(std::string_view lines) {
        if (state_ == State::waiting) fields_.append(lines);
    }
    void close_after() noexcept { closes_ = true; }
    Result send(Bytes body);
    Result send(std::string&& body);
    Result send(std::shared_ptr<const std::string> body);
    Result send_file(platform::File file, std::uint64_t offset, std::uint64_t length);
    Result begin_body(std::optional<std::uint64_t> length);
    Result write(Bytes bytes);
    Result end_body(std::span<const Field> trailers);
    ResponseId promise(std::unique_ptr<Stream> stream) noexcept;
    Result upgrade(std::string_view protocol, std::unique_ptr<ConnectionHandler> handler);
    [[nodiscard]] ResponseId id() const noexcept;
    [[nodiscard]] Session& session() const noexcept { return *session_; }

private:
    enum class State : std::uint8_t { waiting, streaming, complete };
    enum class Framing : std::uint8_t { none, length, chunks, until_close };

    [[nodiscard]] bool may_answer() const noexcept;
    void fill_request(std::string_view head);
    void abort_stream() noexcept;
    [[nodiscard]] bool ends_connection() const noexcept;
    [[nodiscard]] bool begin_whole() noexcept;
    void write_head(HeadWriter& out, Framing framing, std::uint64_t length);
    [[nodiscard]] std::size_t head_bound() const noexcept;
    void send_head(Framing framing, std::uint64_t length);
    [[nodiscard]] bool has_body(std::uint64_t length) const noexcept;
    void emit(Bytes bytes);

    /// Memory that an answer is written to: the cork's, or one that `emit` sends from.
    struct Place {
        char* memory;
        bool corked;
    };
    [[nodiscard]] Place place(std::size_t size);
    void emit(Place place, Bytes written);
    [[nodiscard]] std::size_t piece_size(Bytes bytes) const noexcept;
    [[nodiscard]] Bytes next_piece(Bytes bytes);
    void complete();

    Context* context_;
    Session* session_ = nullptr;
    Request request_;
    Response response_;
    RequestParser parser_;
    Arena arena_;
    Outbox outbox_;
    std::uint64_t number_ = 0;
    std::uint64_t left_ = 0;  // of a body whose length was told, while it is streamed
    unsigned status_ = 200;
    State state_ = State::waiting;
    Framing framing_ = Framing::none;
    bool promised_ = false;
    bool closes_ = false;
    bool request_complete_ = false;
    bool drain_wanted_ = false;
    bool has_content_type_ = false;
    TextBuffer fields_;  // lines that were added
    std::string kept_head_;
    std::string body_;
    std::unique_ptr<Stream> stream_;
};

}  // namespace pollux::http
