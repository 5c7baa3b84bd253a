// An HTTP connection of a server: requests in, answers out.
#include "http/session.h"

#include <algorithm>
#include <utility>

namespace pollux::http {

namespace {

/// What a client may send ahead while its request is being answered, before it is held back. As long as it is not, its
/// end is noticed.
constexpr std::size_t max_ahead_bytes = 64 * 1024;

/// Empty lines before a request line are skipped (RFC 9112, 2.2), within reason.
constexpr std::size_t max_leading_bytes = 8;

}  // namespace

/// While what was received is gone through.
class Session::Busy {
public:
    explicit Busy(Session& session) noexcept : session_(session), before_(std::exchange(session.busy_, true)) {}
    ~Busy() { session_.busy_ = before_; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

private:
    Session& session_;
    bool before_;
};

Session::~Session() {
    if (exchange_ != nullptr) {
        exchange_->end();
        context_->give_back(*exchange_);
    }
    handler_->~Handler();
}

// Events.

void Session::on_open(Connection& connection) {
    connection_ = static_cast<StreamConnection*>(&connection);
    connection_->leave_broadcasts();  // they are for those that have left HTTP
    since_ = now();
    timer_.emplace(connection.reactor(), [this](Timer&) { on_timer(); });
    handler_->on_open(connection);
    settle();
}

void Session::on_data(Connection& connection, Bytes data) {
    if (phase_ == Phase::upgraded) {
        successor_->on_data(connection, data);
        return;
    }
    settle_exchange();
    if (rest_) {
        keep(data);
        consume_rest();
    } else if (const std::size_t used = consume(data); used < data.size()) {
        keep(data.subspan(used));
    }
    settle();
}

void Session::on_end(Connection& connection) {
    peer_ended_ = true;
    switch (phase_) {
        case Phase::upgraded:
            successor_->on_end(connection);
            return;
        case Phase::body:
            refuse_cut_off();
            break;
        case Phase::answer:
            break;  // it is still wanted: `shutdown` of the sending side is what it may be
        case Phase::head:
        case Phase::closing:
            close_connection();
            break;
    }
    settle();
}

void Session::on_drain(Connection& connection) {
    if (phase_ == Phase::upgraded) {
        successor_->on_drain(connection);
        return;
    }
    if (exchange_ != nullptr) {
        const Busy busy{*this};
        exchange_->flush();
        if (exchange_->take_drained() && exchange_->stream() != nullptr) {
            exchange_->stream()->on_drain(exchange_->response());
        }
    }
    go_on();
    settle();
}

void Session::on_close(Connection& connection, CloseReason reason, std::error_code error) {
    timer_.reset();
    if (phase_ == Phase::upgraded) successor_->on_close(connection, reason, error);
    phase_ = Phase::closing;
    if (exchange_ != nullptr) exchange_->abandon();
    handler_->on_close(connection, reason, error);
}

// What was received.

void Session::keep(Bytes bytes) {
    if (!rest_) {
        rest_ = context_->buffers().take();
        rest_at_ = 0;
    } else if (rest_at_ != 0) {
        rest_->erase(0, rest_at_);
        rest_at_ = 0;
    }
    rest_->append(as_text(bytes));
}

void Session::drop_rest() noexcept {
    context_->buffers().give_back(std::move(rest_));
}

void Session::consume_rest() {
    if (!rest_) {
        // All was used, but the end of a body that was held may still have to be told.
        if (phase_ == Phase::body) static_cast<void>(consume({}));
        return;
    }
    rest_at_ += consume(as_bytes(*rest_).subspan(rest_at_));
    if (rest_at_ == rest_->size()) drop_rest();
}

/// Goes as far as it can; returns how much was used. What is left begins with the head, or the part of the body, that
/// is not complete.
std::size_t Session::consume(Bytes input) {
    const Busy busy{*this};
    std::size_t used = 0;
    for (Step step{0, true}; step.go_on;) {
        const Bytes rest = input.subspan(used);
        switch (phase_) {
            case Phase::head:
                step = read_head(rest);
                break;
            case Phase::body:
                step = read_body(rest);
                break;
            case Phase::answer:
                step = {};
                break;
            case Phase::closing:
                step = {rest.size(), false};
                break;
            case Phase::upgraded:
                step = {rest.size(), false};
                if (!rest.empty() && connection_->accepts()) successor_->on_data(*connection_, rest);
                break;
        }
        used += step.consumed;
    }
    // What is not used moves, or goes: whoever is still to look at the request gets it from a copy.
    if (exchange_ != nullptr && phase_ <= Phase::answer) exchange_->keep_head(phase_ == Phase::body);
    return used;
}

Session::Step Session::read_head(Bytes input) {
    std::string_view text = as_text(input);
    if (text.empty()) return {};
    std::size_t skipped = 0;
    if (scanner_.size() == 0) {
        for (; skipped_ < max_leading_bytes && text.starts_with("\r\n"); skipped_ += 2, skipped += 2) {
            text.remove_prefix(2);
        }
        if (text.empty() || (text == "\r" && skipped_ < max_leading_bytes)) return {skipped, false};
    }
    switch (scanner_.scan(text)) {
        case HeadScanner::Outcome::complete:
            break;
        case HeadScanner::Outcome::incomplete:
            if (!std::exchange(head_begun_, true) && requests_ != 0) since_ = now();
            if (const Refusal refusal = check_incomplete_head(text.size())) refuse(refusal);
            return {skipped, phase_ == Phase::closing};
        case HeadScanner::Outcome::bad_line_end:
            refuse({400, "line does not end in CRLF"});
            return {skipped, true};
        case HeadScanner::Outcome::bad_character:
            refuse({400, "control character in the head"});
            return {skipped, true};
        case HeadScanner::Outcome::folded_line:
            refuse({400, "continued line"});
            return {skipped, true};
    }
    const std::size_t size = scanner_.size();
    if (const Refusal refusal = check_incomplete_head(size)) {
        refuse(refusal);
    } else {
        begin_request(text.substr(0, size), input.subspan(skipped + size));
    }
    return {skipped + size, true};
}

/// Limits that hold for a head as far as it is there.
Refusal Session::check_incomplete_head(std::size_t size) const noexcept {
    const Options& options = context_->options();
    const std::size_t line = scanner_.first_line() != 0 ? scanner_.first_line() : size;
    if (line > options.max_request_line_bytes) return {414, "request line is too long"};
    if (size > options.max_header_bytes) return {431, "header is too large"};
    return {};
}

void Session::begin_request(std::string_view head, Bytes behind) {
    head_begun_ = false;
    skipped_ = 0;
    head_size_ = head.size();
    exchange_ = &context_->take_exchange();
    const Refusal refusal = exchange_->begin(*this, ++requests_, head, scanner_.first_line());
    scanner_.reset();
    if (refusal) {
        refuse(refusal);
    } else if (exchange_->parser().message().complete()) {
        exchange_->request_complete();
        enter(Phase::answer);
        dispatch();
        end_stream();
    } else {
        begin_body(behind);
    }
}

void Session::begin_body(Bytes behind) {
    enter(Phase::body);
    progress_since_ = since_;
    progress_bytes_ = 0;
    const BodyRules rules = handler_->on_head(exchange_->request());
    body_mode_ = rules.mode;
    body_left_ = rules.max_bytes.value_or(context_->options().max_body_bytes);
    if (exchange_->request().content_length().value_or(0) > body_left_) {
        refuse({413, "body is too long"});
        return;
    }
    if (body_mode_ == BodyMode::streamed || !connection_->accepts()) dispatch();
    const bool waited_for = phase_ == Phase::body && exchange_->head().expects_continue && !exchange_->begun();
    if (waited_for && behind.empty()) exchange_->send_continue();
}

Session::Step Session::read_body(Bytes input) {
    if (exchange_->answered()) return {input.size(), false};  // nobody wants it any more
    if (body_held_) return {};
    const MessageParser::Event event = exchange_->parser().next(input);
    switch (event.kind) {
        case MessageParser::Event::Kind::more:
            return {event.consumed, false};
        case MessageParser::Event::Kind::body:
            body_part(event.body);
            break;
        case MessageParser::Event::Kind::end:
            body_end();
            break;
        case MessageParser::Event::Kind::failed:
            refuse(exchange_->parser().body_refusal());
            break;
    }
    return {event.consumed, true};
}

void Session::body_part(Bytes part) {
    if (part.size() > body_left_) {
        refuse({413, "body is too long"});
        return;
    }
    body_left_ -= part.size();
    progress_bytes_ += part.size();
    if (body_mode_ == BodyMode::whole) {
        exchange_->collect(part);
    } else if (Stream* stream = exchange_->stream()) {
        stream->on_body(exchange_->request(), exchange_->response(), part);
        settle_exchange();
    }
}

void Session::body_end() {
    exchange_->request_complete();
    enter(Phase::answer);
    if (body_mode_ == BodyMode::whole) {
        dispatch();
    } else {
        end_stream();
    }
}

/// Whoever waits for the end of the body is told, also if there was none.
void Session::end_stream() {
    if (exchange_ == nullptr || exchange_->answered()) return;
    if (Stream* stream = exchange_->stream()) stream->on_body_end(exchange_->request(), exchange_->response());
    settle_exchange();
}

void Session::dispatch() {
    if (connection_->accepts()) {
        handler_->on_request(exchange_->request(), exchange_->response());
        if (!exchange_->begun() && !exchange_->promised()) exchange_->answer_instead(500);
    }
    settle_exchange();
}

// Answers.

bool Session::ends_after(std::uint64_t number) const noexcept {
    const std::uint64_t limit = context_->options().max_requests;
    return limit != 0 && number >= limit;
}

void Session::answered() {
    if (!busy_) go_on_soon();
}

/// What the session does next, it does in the loop: nothing of the user's is called or destroyed from within a call of
/// the user's.
void Session::go_on_soon() {
    resume_due_ = true;
    timer_->after(std::chrono::nanoseconds{0});
}

/// Looks whether the exchange is over, after whatever may have ended it.
void Session::settle_exchange() {
    if (exchange_ == nullptr) return;
    if (!connection_->accepts()) {
        enter(Phase::closing);
    } else if (exchange_->done()) {
        finish_exchange();
    }
}

void Session::finish_exchange() {
    const bool closes = exchange_->closes() || phase_ == Phase::body;
    exchange_->end();
    context_->give_back(*std::exchange(exchange_, nullptr));
    body_held_ = false;
    if (successor_) {
        take_over();
    } else if (closes) {
        close_connection();
    } else {
        enter(Phase::head);
    }
}

void Session::take_over() {
    enter(Phase::upgraded);
    timer_.reset();
    if (connection_->paused()) connection_->resume_receiving();
    connection_->join_broadcasts();
    successor_->on_open(*connection_);
}

/// After an answer that was not given in `consume`, or a connection that has room again.
void Session::go_on() {
    settle_exchange();
    consume_rest();
    if (!peer_ended_) return;
    if (phase_ == Phase::head) {
        close_connection();
    } else if (phase_ == Phase::body) {
        refuse_cut_off();
    } else if (phase_ == Phase::upgraded && connection_->accepts()) {
        successor_->on_end(*connection_);
    }
}

void Session::close_connection() {
    enter(Phase::closing);
    connection_->close();
}

/// Answers in the place of the handler and closes: what the client is still sending is received and dropped, so that it
/// gets the answer and not a reset.
void Session::refuse(const Refusal& refusal) {
    handler_->on_refused(*connection_, refusal.status, refusal.why);
    if (exchange_ == nullptr) {
        exchange_ = &context_->take_exchange();
        exchange_->begin(*this, ++requests_);
    }
    if (exchange_->begun()) {
        enter(Phase::closing);
        connection_->abort();
        return;
    }
    const Busy busy{*this};
    enter(Phase::answer);
    exchange_->close_after();
    exchange_->answer_instead(refusal.status);
    settle_exchange();
}

/// The client has ended within a body: no more of it comes, unless what is held has the rest.
void Session::refuse_cut_off() {
    if (!body_held_ && !exchange_->answered()) refuse({400, "the body was cut off"});
}

void Session::hold_body(bool held) {
    if (std::exchange(body_held_, held) == held) return;
    if (!held) since_ += now() - progress_since_;  // the time that it was held does not count
    progress_since_ = now();
    progress_bytes_ = 0;
    if (!held && !busy_) go_on_soon();
}

Response* Session::find_response(std::uint64_t number) noexcept {
    if (exchange_ == nullptr || exchange_->number() != number || exchange_->answered()) return nullptr;
    return &exchange_->response();
}

// Between events.

void Session::enter(Phase phase) noexcept {
    phase_ = phase;
    since_ = now();
}

void Session::settle() {
    if (phase_ == Phase::upgraded || !timer_) return;
    if (!connection_->accepts()) {
        timer_->cancel();
        return;
    }
    update_receiving();
    if (resume_due_) return;
    const Time when = deadline();
    // Deadlines mostly move away: a timer that fires too early is cheaper than one that is moved with each request.
    if (when == Time::max()) {
        timer_->cancel();
    } else if (!timer_->armed() || timer_->expiry() > when) {
        timer_->at(when);
    }
}

void Session::update_receiving() {
    const std::size_t ahead = rest_ ? rest_->size() - rest_at_ : 0;
    const bool hold = (phase_ == Phase::answer && ahead >= max_ahead_bytes) || (phase_ == Phase::body && body_held_);
    if (hold == connection_->paused()) return;
    if (hold) {
        connection_->pause_receiving();
    } else {
        connection_->resume_receiving();
    }
}

Session::Time Session::deadline() const noexcept {
    const Options& options = context_->options();
    const auto after = [](Time begin, std::chrono::milliseconds timeout) {
        return timeout.count() == 0 ? Time::max() : begin + timeout;
    };
    switch (phase_) {
        case Phase::head:
            return after(since_, head_begun_ || requests_ == 0 ? options.header_timeout : options.keep_alive_timeout);
        case Phase::body:
            if (body_held_ || exchange_->answered()) return Time::max();
            return std::min(after(since_, options.body_timeout), after(progress_since_, options.body_progress_timeout));
        case Phase::answer:
            return exchange_->begun() ? Time::max() : after(since_, options.answer_timeout);
        case Phase::closing:
        case Phase::upgraded:
            break;
    }
    return Time::max();
}

void Session::on_timer() {
    if (std::exchange(resume_due_, false)) {
        go_on();
    } else if (connection_->accepts() && now() >= deadline()) {
        on_deadline();
    }
    settle();
}

void Session::on_deadline() {
    switch (phase_) {
        case Phase::head:
            if (head_begun_) {
                refuse({408, "header took too long"});
            } else {
                close_connection();
            }
            return;
        case Phase::body: {
            const bool progress = progress_bytes_ >= context_->options().min_body_progress_bytes;
            const auto total = context_->options().body_timeout;
            if (!progress || (total.count() != 0 && now() >= since_ + total)) {
                refuse({408, "body took too long"});
            } else {
                progress_since_ = now();
                progress_bytes_ = 0;
            }
            return;
        }
        case Phase::answer:
            refuse({503, "answer took too long"});
            return;
        case Phase::closing:
        case Phase::upgraded:
            return;
    }
}

}  // namespace pollux::http
