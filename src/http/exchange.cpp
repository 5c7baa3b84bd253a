// An exchange: a request that is being answered.
#include "http/exchange.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "http/session.h"
#include "proto/http/characters.h"

namespace pollux::http {

namespace {

/// A body up to here is copied behind its head, so that both are one `send`.
constexpr std::size_t small_body_bytes = 8 * 1024;

/// Parts of a chunked body are put together with their framing up to here at a time.
constexpr std::size_t max_chunk_bytes = 64 * 1024;
constexpr std::size_t chunk_overhead_bytes = 32;

/// What one request has made larger goes back to the allocator after it.
constexpr std::size_t kept_string_bytes = 64 * 1024;

constexpr std::string_view continue_answer = "HTTP/1.1 100 Continue\r\n\r\n";

void shrink(std::string& text) noexcept {
    if (text.capacity() > kept_string_bytes) [[unlikely]] {
        text = {};
    } else {
        text.clear();
    }
}

/// A view into `from`, as one into a copy of it.
std::string_view moved(std::string_view view, std::string_view from, const char* to) noexcept {
    const bool inside = view.data() >= from.data() && view.data() <= from.data() + from.size();
    return inside && !view.empty() ? std::string_view{to + (view.data() - from.data()), view.size()} : view;
}

}  // namespace

Exchange::Exchange(Context& context) noexcept : context_(&context), response_(*this) {}

// The request.

void Exchange::begin(Session& session, std::uint64_t number) noexcept {
    session_ = &session;
    number_ = number;
    status_ = 200;
    state_ = State::waiting;
    promised_ = closes_ = request_complete_ = drain_wanted_ = has_content_type_ = false;
    request_.head_.method = Method::other;
    request_.head_.minor_version = 1;
    request_.head_.authority = {};
    request_.head_.expects_continue = request_.head_.keep_alive = false;
}

Refusal Exchange::begin(Session& session, std::uint64_t number, std::string_view head, std::size_t first_line) {
    begin(session, number);
    const Options& options = context_->options();
    const Refusal refusal =
        parser_.parse(head, first_line, {options.max_headers, options.max_header_bytes}, request_.head_);
    if (!refusal) fill_request(head);
    return refusal;
}

void Exchange::fill_request(std::string_view head) {
    request_.exchange_ = this;
    request_.connection_ = &session_->connection();
    request_.path_.reset();
    request_.content_length_ = parser_.message().content_length();
    if (!request_.content_length_ && !parser_.message().chunked()) request_.content_length_ = 0;
    request_.headers_ = {head.data(), parser_.message().fields()};
    request_.trailers_ = {};
    request_.body_ = {};
    request_.parameters_.clear();
}

void Exchange::keep_head(bool body_follows) {
    const bool upgrade_follows = promised_ && request_.headers_.contains("Upgrade");
    if (!body_follows && stream_ == nullptr && !upgrade_follows) return;
    const char* const begin = head().method_name.data();  // the head begins with it
    if (begin == kept_head_.data()) return;
    const std::string_view all{begin, session_->head_size()};
    kept_head_.assign(all);
    const char* const to = kept_head_.data();
    RequestHead& views = request_.head_;
    for (std::string_view* view : {&views.method_name, &views.target, &views.path, &views.query, &views.authority}) {
        *view = moved(*view, all, to);
    }
    if (request_.path_) *request_.path_ = moved(*request_.path_, all, to);
    for (Request::Parameter& parameter : request_.parameters_) parameter.value = moved(parameter.value, all, to);
    request_.headers_ = {to, parser_.message().fields()};
}

void Exchange::collect(Bytes part) {
    const bool is_all = request_.content_length_ && part.size() == *request_.content_length_;
    if (is_all && body_.empty()) {
        request_.body_ = part;
    } else {
        body_.append(as_text(part));
        request_.body_ = as_bytes(body_);
    }
}

void Exchange::request_complete() noexcept {
    request_complete_ = true;
    request_.trailers_ = parser_.message().trailers();
}

void Exchange::end() noexcept {
    stream_.reset();
    if (!outbox_.empty()) [[unlikely]]
        outbox_.clear();
    arena_.reset();
    fields_.clear();
    shrink(kept_head_);
    shrink(body_);
    state_ = State::complete;
    session_ = nullptr;
}

void Exchange::abandon() noexcept {
    abort_stream();
    end();
}

/// Whoever is told that it is over cannot answer any more.
void Exchange::abort_stream() noexcept {
    const bool over = done();
    state_ = State::complete;
    if (stream_ && !over) stream_->on_abort();
    stream_.reset();
}

// The answer.

bool Exchange::may_answer() const noexcept {
    return state_ == State::waiting && session_ != nullptr && session_->connection().accepts();
}

ResponseId Exchange::id() const noexcept {
    if (session_ == nullptr) return {};
    return {session_->connection().id(), number_};
}

ResponseId Exchange::promise(std::unique_ptr<Stream> stream) noexcept {
    promised_ = true;
    if (stream_ == nullptr) stream_ = std::move(stream);
    return id();
}

bool Exchange::add_field(std::string_view name, std::string_view value) {
    if (state_ != State::waiting || !is_token(name) || !is_field_value(value)) return false;
    HeadWriter{fields_.extend(name.size() + value.size() + 4)}.field(name, value);
    has_content_type_ = has_content_type_ || (name.size() == 12 && same_name(name, "Content-Type"));
    return true;
}

bool Exchange::add_content_type(std::string_view value) {
    constexpr std::string_view name = "Content-Type";
    if (state_ != State::waiting || !is_field_value(value)) return false;
    HeadWriter{fields_.extend(name.size() + value.size() + 4)}.field(name, value);
    has_content_type_ = true;
    return true;
}

/// Whether the connection ends with this answer, as far as that is known when its head is written.
bool Exchange::ends_connection() const noexcept {
    return closes_ || !head().keep_alive || session_->ends_after(number_);
}

bool Exchange::has_body(std::uint64_t length) const noexcept {
    return head().method != Method::head && status_has_body(status_) && status_ != 205 && length != 0;
}

std::size_t Exchange::head_bound() const noexcept {
    return HeadWriter::max_own_bytes + context_->beginning().size() + fields_.size();
}

void Exchange::write_head(HeadWriter& out, Framing framing, std::uint64_t length) {
    if (status_ == 200) [[likely]] {
        out.text(context_->beginning());
    } else {
        out.status_line(status_);
        out.text(context_->common_fields());
    }
    if (status_has_body(status_)) [[likely]] {
        // 205 has none, but has to say so (RFC 9110, 15.3.6).
        if (framing == Framing::length) out.content_length(status_ == 205 ? 0 : length);
        if (framing == Framing::chunks) [[unlikely]]
            out.text("Transfer-Encoding: chunked\r\n");
    }
    if (closes_) [[unlikely]] {
        out.text("Connection: close\r\n");
    } else if (head().minor_version == 0) [[unlikely]] {
        out.text("Connection: keep-alive\r\n");
    }
    out.text(fields_.text());
    out.text("\r\n");
}

void Exchange::send_head(Framing framing, std::uint64_t length) {
    const Place to = place(head_bound());
    HeadWriter head{to.memory};
    write_head(head, framing, length);
    emit(to, head.bytes());
}

Exchange::Place Exchange::place(std::size_t size) {
    if (outbox_.empty()) [[likely]] {
        std::byte* const memory = session_->connection().reserve(size);
        if (memory != nullptr) [[likely]]
            return {reinterpret_cast<char*>(memory), true};
    }
    return {context_->scratch(size), false};
}

void Exchange::emit(Place place, Bytes written) {
    if (place.corked) [[likely]] {
        session_->connection().commit(written.size());
    } else {
        emit(written);
    }
}

/// The connection gets it now, or what waits gets it: nothing is lost.
void Exchange::emit(Bytes bytes) {
    if (outbox_.empty() && bytes.size() <= context_->max_send_bytes()) [[likely]] {
        const Result result = session_->connection().send(bytes);
        if (result == Result::ok || result == Result::closed) return;
    }
    outbox_.append(bytes);
    flush();
}

void Exchange::flush() {
    if (outbox_.empty() || outbox_.flush(session_->connection(), context_->max_send_bytes())) return;
    outbox_.clear();  // a promised body cannot be completed any more
    session_->connection().abort();
}

void Exchange::complete() {
    state_ = State::complete;
    session_->answered();
}

/// False if it cannot be answered. A whole answer ends the connection if the rest of its request is still to come.
bool Exchange::begin_whole() noexcept {
    if (!may_answer()) return false;
    closes_ = ends_connection() || !request_complete_;
    return true;
}

Result Exchange::send(Bytes body) {
    if (!begin_whole()) return Result::closed;
    const bool with_body = has_body(body.size());
    if (with_body && body.size() > small_body_bytes) [[unlikely]] {
        send_head(Framing::length, body.size());
        emit(body);
    } else {
        const Place to = place(head_bound() + (with_body ? body.size() : 0));
        HeadWriter out{to.memory};
        write_head(out, Framing::length, body.size());
        if (with_body) out.text(as_text(body));
        emit(to, out.bytes());
    }
    complete();
    return Result::ok;
}

Result Exchange::send(std::string&& body) {
    if (body.size() <= context_->max_send_bytes()) return send(as_bytes(body));
    return send(std::make_shared<const std::string>(std::move(body)));
}

Result Exchange::send(std::shared_ptr<const std::string> body) {
    if (body == nullptr || body->size() <= small_body_bytes) {
        return send(body == nullptr ? Bytes{} : as_bytes(*body));
    }
    if (!begin_whole()) return Result::closed;
    send_head(Framing::length, body->size());
    if (has_body(body->size())) {
        outbox_.append(std::move(body), 0);
        flush();
    }
    complete();
    return Result::ok;
}

Result Exchange::send_file(platform::File file, std::uint64_t offset, std::uint64_t length) {
    if (!begin_whole()) return Result::closed;
    send_head(Framing::length, length);
    if (has_body(length)) {
        outbox_.append(std::move(file), offset, length);
        flush();
    }
    complete();
    return Result::ok;
}

void Exchange::send_continue() {
    emit(as_bytes(continue_answer));
}

void Exchange::answer_instead(unsigned status) {
    abort_stream();
    state_ = State::waiting;
    fields_.clear();
    set_status(status);
    add_content_type("text/plain; charset=utf-8");
    send(as_bytes(arena_.join(reason_phrase(status), "\n")));
}

// In parts.

Result Exchange::begin_body(std::optional<std::uint64_t> length) {
    if (!may_answer()) return Result::closed;
    if (status_ == 205) length = 0;
    framing_ = length ? Framing::length : head().minor_version == 1 ? Framing::chunks : Framing::until_close;
    // The rest of the request may come in while the answer goes out: that is not yet a reason to close.
    closes_ = ends_connection() || (framing_ == Framing::until_close && has_body(1));
    left_ = length.value_or(0);
    send_head(framing_, left_);
    if (!has_body(1)) framing_ = Framing::none;
    state_ = State::streaming;
    return Result::ok;
}

Result Exchange::write(Bytes bytes) {
    if (state_ != State::streaming || !session_->connection().accepts()) return Result::closed;
    if (framing_ == Framing::none || bytes.empty()) return Result::ok;
    if (framing_ == Framing::length && bytes.size() > left_) return Result::too_large;
    // All or nothing: the connection takes the first piece, or none is taken; what it refuses of the others waits.
    Bytes piece = next_piece(bytes);
    const Result result = outbox_.empty() ? session_->connection().send(piece) : Result::would_block;
    if (result == Result::would_block) drain_wanted_ = true;
    if (result != Result::ok) return result;
    if (framing_ == Framing::length) left_ -= bytes.size();
    for (bytes = bytes.subspan(piece_size(bytes)); !bytes.empty(); bytes = bytes.subspan(piece_size(bytes))) {
        emit(next_piece(bytes));
    }
    return Result::ok;
}

std::size_t Exchange::piece_size(Bytes bytes) const noexcept {
    return std::min(bytes.size(), std::min(max_chunk_bytes, context_->max_send_bytes() - chunk_overhead_bytes));
}

/// The front of what is to be written; with its framing, if it is a chunk.
Bytes Exchange::next_piece(Bytes bytes) {
    const Bytes piece = bytes.first(piece_size(bytes));
    if (framing_ != Framing::chunks) return piece;
    HeadWriter out{context_->scratch(piece.size() + chunk_overhead_bytes)};
    out.hexadecimal(piece.size());
    out.text("\r\n");
    out.text(as_text(piece));
    out.text("\r\n");
    return out.bytes();
}

Result Exchange::end_body(std::span<const Field> trailers) {
    if (state_ != State::streaming || !session_->connection().accepts()) return Result::closed;
    if (framing_ == Framing::length && left_ != 0) {
        session_->connection().abort();
        return Result::closed;
    }
    if (framing_ == Framing::chunks) {
        std::string last{"0\r\n"};
        for (const Field& field : trailers) {
            if (!is_token(field.name) || !is_field_value(field.value) || !may_trail(field.name)) continue;
            last.append(field.name).append(": ").append(field.value).append("\r\n");
        }
        last.append("\r\n");
        emit(as_bytes(last));
    }
    complete();
    return Result::ok;
}

bool Exchange::take_drained() noexcept {
    return drain_wanted_ && outbox_.empty() && state_ == State::streaming && std::exchange(drain_wanted_, false);
}

// Another protocol.

Result Exchange::upgrade(std::string_view protocol, std::unique_ptr<ConnectionHandler> handler) {
    const bool asked =
        request_.headers_.has_token("Connection", "upgrade") && request_.headers_.has_token("Upgrade", protocol);
    const bool has_body = request_.content_length_ != std::uint64_t{0};
    if (!may_answer() || !asked || has_body || !request_complete_ || head().minor_version == 0) return Result::closed;
    std::string head{"HTTP/1.1 101 Switching Protocols\r\n"};
    head.append(context_->common_fields()).append("Connection: Upgrade\r\nUpgrade: ").append(protocol);
    head.append("\r\n").append(fields_.text()).append("\r\n");
    emit(as_bytes(head));
    session_->hand_over(std::move(handler));
    complete();
    return Result::ok;
}

}  // namespace pollux::http
