// What the WebSocket loads share.
#include "ws_load.h"

#include <cstdio>

#include "ws_framing.h"
#include "ws_handshake.h"

namespace perf {

WsPlan::WsPlan(const Options& options, Wire wire)
    : request(ws_request(std::string_view{endpoint_text(options, wire)}.substr(std::string_view{"tcp://"}.size()))),
      from_client(options.size, ws_framing(options.size, WsSender::client)),
      from_server(options.size, ws_framing(options.size, WsSender::server)) {}

void WsLoadHandler::on_open(pollux::Connection& connection) {
    connection.send(plan_->request);
}

void WsLoadHandler::on_data(pollux::Connection& connection, pollux::Bytes data) {
    if (upgraded_) {
        on_frames(connection, data);
    } else {
        read_answer(connection, pollux::as_text(data));
    }
}

void WsLoadHandler::on_close(pollux::Connection& connection, pollux::CloseReason reason, std::error_code error) {
    if (upgraded_) {
        LoadHandler::on_close(connection, reason, error);
    } else {
        not_opened(error);
    }
}

// The server's answer proves that it has read the key; the rest of the head is between the two.
void WsLoadHandler::read_answer(pollux::Connection& connection, std::string_view data) {
    answer_ += data;
    const std::size_t end = answer_.find(empty_line);
    if (end == std::string::npos) return;
    const std::string_view head = std::string_view{answer_}.substr(0, end);
    if (!head.starts_with("HTTP/1.1 101 ") || head.find(ws_accept) == std::string_view::npos) {
        std::fprintf(stderr, "the server does not switch protocols\n");
        connection.abort();
        return;
    }
    upgraded_ = true;
    const std::string behind = answer_.substr(end + empty_line.size());
    answer_ = {};
    LoadHandler::on_open(connection);
    if (!behind.empty()) on_frames(connection, pollux::as_bytes(behind));
}

std::size_t WsLoadHandler::count(std::size_t size) {
    incomplete_bytes_ += size;
    const std::size_t frame_bytes = plan_->from_server.message_bytes();
    if (incomplete_bytes_ < frame_bytes) return 0;
    const std::size_t messages = incomplete_bytes_ / frame_bytes;
    incomplete_bytes_ %= frame_bytes;
    shard().messages += messages;
    shard().bytes += messages * load().options().size;
    return messages;
}

}  // namespace perf
