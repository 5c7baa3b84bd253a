// The connection of a WebSocket client.
#include "ws/client_connection.h"

#include <array>
#include <utility>

#include "connection_owner.h"
#include "proto/http/request_head.h"
#include "proto/ws/deflate_offer.h"
#include "random_bytes.h"
#include "stream_connection.h"

namespace pollux::ws {

ClientConnection::ClientConnection(std::shared_ptr<const ClientPlan> plan)
    : plan_(std::move(plan)), handler_(plan_->factory) {}

// The handshake.

void ClientConnection::on_open(Connection& connection) {
    stream_ = static_cast<StreamConnection*>(&connection);
    answer_.emplace(http::ResponseParser::Limits{});
    answer_->begin(false);
    deadline_.emplace(connection.reactor(),
                      [this](Timer&) { give_up(CloseReason::handshake_timeout, Errc::timed_out); });
    deadline_->after(plan_->options.upgrade_timeout);
    connection.send(request());
}

std::string ClientConnection::request() {
    std::array<std::byte, 16> random;
    fill_random(random);
    key_ = make_key(random);

    const ClientOptions& options = plan_->options;
    const auto host = http::find_header(options.headers, "Host");
    std::string text;
    http::RequestHeadWriter head{text, "GET", plan_->url.target("GET"), host ? *host : plan_->url.authority()};
    head.upgrade(protocol_name);
    head.field("Sec-WebSocket-Version", protocol_version);
    head.field("Sec-WebSocket-Key", {key_.data(), key_.size()});
    for (const std::string& protocol : options.protocols) head.field("Sec-WebSocket-Protocol", protocol);
    if (options.socket.deflate.enabled) {
        head.field("Sec-WebSocket-Extensions", deflate_offer(options.socket.deflate));
    }
    for (const http::Header& header : options.headers) {
        if (!http::same_name(header.name, "Host")) head.field(header.name, header.value);
    }
    head.finish();
    return text;
}

void ClientConnection::on_data(Connection& /*connection*/, Bytes data) {
    if (session_) {
        // It is unmasked where it lies: in the receive buffer, which is not constant.
        session_->receive({const_cast<std::byte*>(data.data()), data.size()});
    } else {
        read_answer(data);
    }
}

void ClientConnection::read_answer(Bytes data) {
    const http::ResponseParser::Event event = answer_->next(data);
    switch (event.kind) {
        case http::ResponseParser::Event::Kind::more:
            return;
        case http::ResponseParser::Event::Kind::head:
            judge_answer(data.subspan(event.consumed));
            return;
        case http::ResponseParser::Event::Kind::body:
        case http::ResponseParser::Event::Kind::end:
        case http::ResponseParser::Event::Kind::failed:
            give_up(CloseReason::protocol_error, Errc::protocol_error);
            return;
    }
}

void ClientConnection::judge_answer(Bytes behind) {
    const ClientOptions& options = plan_->options;
    const http::Fields fields = answer_->headers();
    if (!check_answer(answer_->status(), fields, key_, options.protocols).empty()) return refuse();
    const DeflateAnswer deflate = read_deflate_answer(fields, options.socket.deflate);
    if (!deflate.acceptable) return refuse();

    session_.emplace(Role::client, *stream_, options.socket, *handler_,
                     Session::Terms{std::string{chosen_protocol(fields)}, deflate.agreement});
    deadline_.reset();
    answer_.reset();
    stream_->owner().on_confirmed(*stream_);
    session_->begin();
    if (!behind.empty()) session_->receive({const_cast<std::byte*>(behind.data()), behind.size()});
}

void ClientConnection::refuse() {
    handler_->on_refused({.status = answer_->status(),
                          .minor_version = answer_->minor_version(),
                          .reason = answer_->reason(),
                          .headers = answer_->headers(),
                          .content_length = answer_->content_length(),
                          .url = plan_->options.url});
    give_up(CloseReason::protocol_error, Errc::upgrade_refused);
}

void ClientConnection::give_up(CloseReason reason, std::error_code error) {
    stream_->finish(reason, error);
}

// The connection.

void ClientConnection::on_end(Connection& /*connection*/) {
    if (session_) {
        session_->receive_end();
    } else {
        give_up(CloseReason::peer_closed, Errc::closed_by_peer);
    }
}

void ClientConnection::on_drain(Connection& /*connection*/) {
    if (session_) session_->drained();
}

void ClientConnection::on_close(Connection& /*connection*/, CloseReason reason, std::error_code error) {
    if (session_) session_->closed(reason, error);
    session_.reset();
    deadline_.reset();
    answer_.reset();
    stream_ = nullptr;
}

void ClientConnection::on_connect_error(std::error_code error, unsigned attempt, bool will_retry) {
    handler_->on_connect_error(error, attempt, will_retry);
}

}  // namespace pollux::ws
