// A connection of an HTTP client: requests out, answers in.
#include "http/client_connection.h"

#include <algorithm>
#include <utility>

#include "http/client_pool.h"
#include "proto/http/request_head.h"

namespace pollux::http {

namespace {

/// Given to the connection at a time.
constexpr std::size_t max_send_bytes = 256 * 1024;

/// Memory to put heads and chunks together in that is kept for the next.
constexpr std::size_t kept_scratch_bytes = 16 * 1024;

std::error_code error_of(CloseReason reason, std::error_code error) {
    if (error) return error;
    switch (reason) {
        case CloseReason::idle_timeout:
        case CloseReason::close_timeout:
            return Errc::timed_out;
        case CloseReason::shutdown:
            return Errc::stopped;
        default:
            return Errc::closed_by_peer;
    }
}

}  // namespace

/// What the engine knows as the connection's handler: passes on what it hears, for as long as the engine has it.
class ClientConnection::Link final : public ConnectionHandler {
public:
    /// By then it may be gone: whoever began to connect does not want it any more, and it is being closed.
    explicit Link(const std::weak_ptr<ClientConnection>& owner) : owner_(owner.lock()) {}

    void on_open(Connection& connection) override {
        if (owner_ != nullptr) owner_->on_open(connection);
    }
    void on_data(Connection& connection, Bytes data) override {
        if (owner_ != nullptr) owner_->on_data(connection, data);
    }
    void on_end(Connection& connection) override {
        if (owner_ != nullptr) owner_->on_end(connection);
    }
    void on_drain(Connection& connection) override {
        if (owner_ != nullptr) owner_->on_drain(connection);
    }
    void on_close(Connection& connection, CloseReason reason, std::error_code error) override {
        if (owner_ == nullptr) return;
        owner_->on_close(connection, reason, error);
        owner_->client_->stop();
    }
    void on_connect_error(std::error_code error, unsigned attempt, bool will_retry) override {
        if (owner_ != nullptr) owner_->on_connect_error(error, attempt, will_retry);
    }

private:
    std::shared_ptr<ClientConnection> owner_;
};

ClientConnection::ClientConnection(ClientPool& pool, ClientHost& host)
    : pool_(&pool),
      host_(&host),
      timer_(pool.reactor(), [this](Timer&) { on_timer(); }),
      parser_({.max_head_bytes = pool.options().max_header_bytes, .max_fields = pool.options().max_headers}) {}

ClientConnection::~ClientConnection() {
    if (pool_ != nullptr) pool_->connection_gone();
}

Status ClientConnection::connect(pollux::ClientOptions options) {
    client_ = std::make_unique<pollux::Client<Link>>(pool_->reactor().engine(), std::move(options), weak_from_this());
    return client_->start();
}

void ClientConnection::on_open(Connection& connection) {
    if (host_ == nullptr) return;
    connection_ = &connection;
    pool_->opened(*this);
}

void ClientConnection::on_connect_error(std::error_code error, unsigned /*attempt*/, bool /*will_retry*/) {
    if (host_ != nullptr) pool_->connect_failed(*this, error);
}

// Sending.

bool ClientConnection::may_pipeline() const noexcept {
    return answers_ != 0 && keep_alive_ && !ended_ && sending_ == nullptr && !in_flight_.empty() &&
           std::all_of(in_flight_.begin(), in_flight_.end(),
                       [](const ClientCall* call) { return call != nullptr && call->may_be_pipelined(); });
}

void ClientConnection::take(ClientCall& call) {
    call.attach(*this);
    in_flight_.push_back(&call);
    sending_ = &call;
    body_open_ = call.streamed();
    if (in_flight_.size() == 1) begin_front();
    scratch_.clear();
    call.write_head(scratch_);
    outbox_.append(as_bytes(scratch_));
    if (call.body() != nullptr) outbox_.append(call.body(), 0);
    send_waiting();
    if (body_open_) defer(&ClientConnection::ask_for_body);
}

void ClientConnection::send_waiting() {
    static_cast<void>(outbox_.flush(*connection_, max_send_bytes));  // it has no files, which alone can fail
    if (!outbox_.empty() || body_open_ || sending_ == nullptr) return;
    sending_ = nullptr;
    if (scratch_.capacity() > kept_scratch_bytes) scratch_ = {};
    arm_header_timer();
}

void ClientConnection::on_drain(Connection& /*connection*/) {
    if (host_ == nullptr) return;
    send_waiting();
    ask_for_body();
    if (host_ != nullptr) pool_->settle(*host_);
}

void ClientConnection::ask_for_body() {
    if (sending_ == nullptr || !body_open_ || !outbox_.empty()) return;
    ClientCall& call = *sending_;
    call.drained();
    settle(call);
}

Result ClientConnection::write(ClientCall& call, Bytes bytes) {
    if (sending_ != &call || !body_open_) return Result::closed;
    if (!outbox_.empty()) return Result::would_block;
    if (!call.chunked()) return connection_->send(bytes);
    scratch_.clear();
    append_chunk(scratch_, bytes);
    return connection_->send(scratch_);
}

Result ClientConnection::end_body(ClientCall& call, std::span<const Field> trailers) {
    if (sending_ != &call || !body_open_) return Result::closed;
    body_open_ = false;
    if (call.chunked()) {
        scratch_.clear();
        append_last_chunk(scratch_, trailers);
        outbox_.append(as_bytes(scratch_));
    }
    send_waiting();
    return Result::ok;
}

// Deadlines.

void ClientConnection::begin_front() {
    parser_.begin(in_flight_.front()->is_head());
    head_received_ = false;
    arm_header_timer();
}

/// The server's time to answer begins when it has all of the request.
void ClientConnection::arm_header_timer() {
    if (in_flight_.empty() || head_received_ || sending_ == in_flight_.front()) return;
    if (const auto timeout = pool_->options().header_timeout; timeout.count() > 0) timer_.after(timeout);
}

void ClientConnection::set_idle(bool idle) {
    idle_ = idle;
    timer_.cancel();
    if (const auto timeout = pool_->options().keep_alive_timeout; idle && timeout.count() > 0) timer_.after(timeout);
}

void ClientConnection::on_timer() {
    if (idle_) {
        retire({}, false);
    } else if (!in_flight_.empty()) {
        pool_->fail(*in_flight_.front(), Errc::timed_out);
    }
}

// Receiving.

void ClientConnection::on_data(Connection& /*connection*/, Bytes data) {
    if (host_ == nullptr) return;
    if (in_flight_.empty()) {
        retire({}, true);  // nobody asked
        return;
    }
    if (!rest_.empty()) {
        rest_.append(as_text(data));  // `receive_rest` was promised
        return;
    }
    const std::size_t used = receive(data);
    if (host_ == nullptr) return;
    rest_.assign(as_text(data.subspan(used)));
    update_receiving();
}

void ClientConnection::receive_rest() {
    if (host_ == nullptr) return;
    const std::string rest = std::exchange(rest_, {});
    const std::size_t used = receive(as_bytes(rest));
    if (host_ == nullptr) return;
    rest_.assign(rest, used);
    if (ended_ && rest_.empty() && !front_paused()) {
        receive_end();
    } else {
        update_receiving();
    }
}

/// Takes what it can use, all but what is for a front that is paused.
std::size_t ClientConnection::receive(Bytes data) {
    using Kind = ResponseParser::Event::Kind;
    std::size_t used = 0;
    while (host_ != nullptr && !in_flight_.empty() && !front_paused()) {
        const ResponseParser::Event event = parser_.next(data.subspan(used));
        used += event.consumed;
        ClientCall& call = *in_flight_.front();
        switch (event.kind) {
            case Kind::more:
                return data.size();
            case Kind::head:
                receive_head();
                break;
            case Kind::body:
                if (call.receive_body(event.body)) {
                    settle(call);
                } else {
                    finish_front(false);
                }
                break;
            case Kind::end:
                // Bytes that no request asked for would be the answer to the next one.
                if (in_flight_.size() == 1 && used != data.size()) keep_alive_ = false;
                finish_front(true);
                break;
            case Kind::failed:
                pool_->fail(call, parser_.too_large() ? Errc::too_large : Errc::protocol_error);
                break;
        }
    }
    return used;
}

void ClientConnection::receive_head() {
    head_received_ = true;
    timer_.cancel();
    keep_alive_ = parser_.keep_alive();
    ClientCall& call = *in_flight_.front();
    switch (call.receive_head(parser_)) {
        case ClientCall::Course::deliver:
            settle(call);
            break;
        case ClientCall::Course::discard:
            break;
        case ClientCall::Course::leave:
            finish_front(false);
            break;
        case ClientCall::Course::refuse:
            pool_->fail(call, Errc::protocol_error);
            break;
    }
}

/// The answer to the front is there, or enough of it.
void ClientConnection::finish_front(bool complete) {
    ClientCall& call = *in_flight_.front();
    in_flight_.pop_front();
    call.detach();
    ++answers_;
    timer_.cancel();
    const bool orderly = complete && sending_ != &call;
    if (!orderly || ended_) keep_alive_ = false;
    const bool more = !in_flight_.empty();
    if (keep_alive_ && !more) pool_->add_idle(*this);
    pool_->answered(call, parser_.trailers());
    if (host_ == nullptr) return;
    if (!keep_alive_ || (more && in_flight_.front() == nullptr)) {
        parser_.begin(false);  // what comes next is of no answer yet
        retire(Errc::closed_by_peer, !orderly || more);
        return;
    }
    if (more) begin_front();
    pool_->settle(*host_);
}

void ClientConnection::on_end(Connection& /*connection*/) {
    if (host_ == nullptr) return;
    ended_ = true;
    if (rest_.empty() && !front_paused()) receive_end();
}

void ClientConnection::receive_end() {
    if (!in_flight_.empty() && parser_.finish()) {
        finish_front(true);
    } else {
        retire(Errc::closed_by_peer, sending_ != nullptr);
    }
}

void ClientConnection::update_receiving() {
    if (connection_ == nullptr || front_paused() == connection_->receiving_paused()) return;
    if (front_paused()) {
        connection_->pause_receiving();
    } else {
        connection_->resume_receiving();
    }
}

/// Its answer goes on, but not from within the callback that this may be called in.
void ClientConnection::resume() {
    defer(&ClientConnection::receive_rest);
}

void ClientConnection::defer(void (ClientConnection::*step)()) {
    pool_->defer([weak = weak_from_this(), step] {
        if (const auto self = weak.lock()) (self.get()->*step)();
    });
}

/// What a callback of its handler may have asked for.
void ClientConnection::settle(ClientCall& call) {
    if (call.failure()) pool_->fail(call, call.failure());
}

// The end.

void ClientConnection::on_close(Connection& /*connection*/, CloseReason reason, std::error_code error) {
    if (host_ != nullptr) retire(error_of(reason, error), false);
    connection_ = nullptr;
}

void ClientConnection::abandon(ClientCall& call) {
    const auto place = std::find(in_flight_.begin(), in_flight_.end(), &call);
    call.detach();
    if (place != in_flight_.begin() && sending_ != &call) {
        *place = nullptr;  // those before it are answered first
        return;
    }
    if (place == in_flight_.begin()) parser_.begin(false);  // what came was of no other's answer
    in_flight_.erase(place);
    retire(Errc::closed_by_peer, true);
}

void ClientConnection::disconnect(bool abort) {
    const std::shared_ptr<ClientConnection> self = pool_->release(*this);
    timer_.cancel();
    outbox_.clear();
    sending_ = nullptr;
    body_open_ = false;
    for (ClientCall* call : in_flight_) {
        if (call != nullptr) call->detach();
    }
    in_flight_.clear();
    if (connection_ != nullptr) {
        if (abort) {
            connection_->abort();
        } else {
            connection_->resume_receiving();  // the server's close is to be seen
            connection_->close();
        }
    }
    client_->stop();
}

void ClientConnection::part() {
    std::exchange(pool_, nullptr)->connection_gone();
}

void ClientConnection::retire(std::error_code error, bool abort) {
    const std::shared_ptr<ClientConnection> self = shared_from_this();
    ClientHost& host = *host_;
    const bool proven = answers_ != 0;
    const bool front_begun = parser_.begun();
    std::deque<ClientCall*> lost = in_flight_;
    disconnect(abort);
    // Backwards, as each that is sent again becomes the first of those that wait.
    for (; !lost.empty(); lost.pop_back()) {
        const bool unanswered = proven && (lost.size() > 1 || !front_begun);
        if (lost.back() != nullptr) pool_->lost(host, *lost.back(), error, unanswered);
    }
    pool_->settle(host);
}

}  // namespace pollux::http
