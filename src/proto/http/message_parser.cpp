// Parses one HTTP/1.1 message, a request or a response: llhttp, pulled.
#include "proto/http/message_parser.h"

#include "proto/http/characters.h"

namespace pollux::http {

namespace {

/// Of all the chunks of a message. Nobody needs them, and without a bound they are a body that no limit counts.
constexpr std::size_t max_extension_bytes = 4096;

}  // namespace

/// What llhttp calls. Each notes what there is and, where something is to be handed out, makes llhttp return.
struct MessageParser::Callbacks {
    static MessageParser& self(llhttp_t* llhttp) noexcept { return *static_cast<MessageParser*>(llhttp->data); }

    static int on_field(llhttp_t* llhttp, const char* at, std::size_t size) {
        return self(llhttp).add_name(at, size) ? 0 : -1;
    }

    static int on_value(llhttp_t* llhttp, const char* at, std::size_t size) {
        self(llhttp).add_value(at, size);
        return 0;
    }

    static int on_headers_complete(llhttp_t* llhttp) {
        MessageParser& parser = self(llhttp);
        parser.flags_ = llhttp->flags;
        parser.content_length_ = llhttp->content_length;
        if (parser.body_mode_ == Body::none) llhttp->flags |= F_SKIPBODY;
        parser.keep_alive_ = llhttp_should_keep_alive(llhttp) != 0;
        llhttp->upgrade = 0;  // whether it is one is decided by whoever uses this
        return parser.body_mode_ == Body::none ? 1 : 0;
    }

    static int on_body(llhttp_t* llhttp, const char* at, std::size_t size) {
        if (size == 0) return 0;
        MessageParser& parser = self(llhttp);
        parser.part_ = as_bytes({at, size});
        parser.noted_ = Noted::body;
        return HPE_PAUSED;
    }

    static int on_message_complete(llhttp_t* llhttp) {
        self(llhttp).complete_ = true;
        return HPE_PAUSED;
    }

    static int on_chunk_header(llhttp_t* llhttp) {
        if (llhttp->content_length != 0) return 0;
        self(llhttp).noted_ = Noted::last_chunk;
        return HPE_PAUSED;
    }

    static int on_extension(llhttp_t* llhttp, const char* at, std::size_t size) {
        MessageParser& parser = self(llhttp);
        parser.extension_bytes_ += size;
        return parser.extension_bytes_ <= max_extension_bytes && is_field_value({at, size}) ? 0 : -1;
    }

    static const llhttp_settings_t* settings() noexcept {
        static const llhttp_settings_t settings = [] {
            llhttp_settings_t made;
            llhttp_settings_init(&made);
            made.on_header_field = on_field;
            made.on_header_value = on_value;
            made.on_headers_complete = on_headers_complete;
            made.on_body = on_body;
            made.on_message_complete = on_message_complete;
            made.on_chunk_header = on_chunk_header;
            made.on_chunk_extension_name = on_extension;
            made.on_chunk_extension_value = on_extension;
            return made;
        }();
        return &settings;
    }
};

MessageParser::MessageParser(Direction direction) noexcept : direction_(direction) {
    llhttp_init(&llhttp_, direction == Direction::request ? HTTP_REQUEST : HTTP_RESPONSE, Callbacks::settings());
}

bool MessageParser::parse_head(std::string_view head, const Limits& limits, Body body) {
    llhttp_init(&llhttp_, direction_ == Direction::request ? HTTP_REQUEST : HTTP_RESPONSE, Callbacks::settings());
    llhttp_.data = this;
    body_mode_ = body;
    noted_ = Noted::nothing;
    failure_ = Failure::none;
    complete_ = keep_alive_ = in_trailers_ = false;
    flags_ = 0;
    extension_bytes_ = 0;
    limits_ = limits;
    bytes_ = head.data();
    trailer_bytes_ = reason_ = nullptr;
    trailer_scanner_.reset();
    fields_.clear();
    trailers_.clear();

    const llhttp_errno_t error = llhttp_execute(&llhttp_, head.data(), head.size());
    if (error == HPE_OK || error == HPE_PAUSED) return true;
    if (failure_ == Failure::none) failure_ = Failure::bad_message;
    return false;
}

MessageParser::Event MessageParser::next(Bytes input) {
    if (complete_) return {Event::Kind::end};
    if (failure_ != Failure::none) return {Event::Kind::failed};
    std::size_t skipped = 0;
    if (!in_trailers_) {
        const Event event = pull(input);
        if (!in_trailers_) return event;
        skipped = event.consumed;
    }
    Event event = pull_trailers(input.subspan(skipped));
    event.consumed += skipped;
    return event;
}

/// Lets llhttp run until it has something.
MessageParser::Event MessageParser::pull(Bytes input) {
    // Behind a part of the body, its end may follow without another byte.
    if (input.empty() && noted_ != Noted::body) return {};
    llhttp_resume(&llhttp_);
    noted_ = Noted::nothing;
    // Never null, which llhttp would take for a part of the body that has not begun.
    const char* const begin = input.empty() ? "" : as_text(input).data();
    const llhttp_errno_t error = llhttp_execute(&llhttp_, begin, input.size());
    if (error == HPE_OK) return {Event::Kind::more, input.size()};
    if (error != HPE_PAUSED) return fail(Failure::bad_message, nullptr);
    const auto consumed = static_cast<std::size_t>(llhttp_get_error_pos(&llhttp_) - begin);
    if (noted_ == Noted::body) return {Event::Kind::body, consumed, part_};
    in_trailers_ = noted_ == Noted::last_chunk;
    return {Event::Kind::end, consumed};
}

/// Behind the last chunk: the trailers are collected as a head is, so that they lie in one piece and are checked as
/// one.
MessageParser::Event MessageParser::pull_trailers(Bytes input) {
    const std::string_view text = as_text(input);
    switch (trailer_scanner_.scan(text)) {
        case HeadScanner::Outcome::complete:
            break;
        case HeadScanner::Outcome::incomplete:
            if (text.size() <= limits_.max_trailer_bytes) return {};
            return fail(Failure::trailers_too_large, "trailers are too large");
        default:
            return fail(Failure::bad_message, "bad character or line end in trailers");
    }
    const std::size_t size = trailer_scanner_.size();
    if (size > limits_.max_trailer_bytes) return fail(Failure::trailers_too_large, "trailers are too large");
    bytes_ = trailer_bytes_ = text.data();
    llhttp_resume(&llhttp_);
    const llhttp_errno_t error = llhttp_execute(&llhttp_, text.data(), size);
    if (error != HPE_PAUSED || !complete_) return fail(Failure::bad_message, nullptr);
    return {Event::Kind::end, size};
}

bool MessageParser::finish() {
    if (complete_) return true;
    if (failure_ != Failure::none) return false;
    llhttp_resume(&llhttp_);
    static_cast<void>(llhttp_finish(&llhttp_));
    return complete_;
}

MessageParser::Event MessageParser::fail(Failure failure, const char* reason) noexcept {
    if (failure_ == Failure::none) failure_ = failure;
    if (reason_ == nullptr) reason_ = reason;
    return {Event::Kind::failed};
}

bool MessageParser::add_name(const char* at, std::size_t size) {
    std::vector<Fields::Position>& fields = in_trailers_ ? trailers_ : fields_;
    if (fields.size() == limits_.max_fields) {
        failure_ = Failure::too_many_fields;
        reason_ = "too many header fields";
        return false;
    }
    const auto name = static_cast<std::uint32_t>(at - bytes_);
    fields.push_back({name, static_cast<std::uint32_t>(name + size), 0, static_cast<std::uint16_t>(size)});
    return size != 0 && size <= UINT16_MAX;
}

void MessageParser::add_value(const char* at, std::size_t size) noexcept {
    Fields::Position& field = in_trailers_ ? trailers_.back() : fields_.back();
    while (size != 0 && is_blank(at[size - 1])) --size;
    field.value = static_cast<std::uint32_t>(at - bytes_);
    field.value_size = static_cast<std::uint32_t>(size);
}

const char* MessageParser::reason() const noexcept {
    if (reason_ != nullptr) return reason_;
    const char* const told = llhttp_get_error_reason(&llhttp_);
    return told != nullptr ? told : "";
}

}  // namespace pollux::http
