// The connection of a WebSocket client: the opening handshake, then the WebSocket.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <pollux/timer.h>
#include <pollux/ws/client.h>

#include "proto/http/response_parser.h"
#include "proto/http/url.h"
#include "proto/ws/handshake.h"
#include "ws/handler_box.h"
#include "ws/session.h"

namespace pollux::ws {

/// What all of a client's connections are made with; checked.
struct ClientPlan {
    ClientOptions options;
    http::Url url;
    detail::HandlerFactory<Handler> factory;
};

/// Lives as long as the client runs, over its connections. An attempt counts as a success when the handshake is done.
class ClientConnection final : public ConnectionHandler {
public:
    explicit ClientConnection(std::shared_ptr<const ClientPlan> plan);

    void on_open(Connection& connection) override;
    void on_data(Connection& connection, Bytes data) override;
    void on_end(Connection& connection) override;
    void on_drain(Connection& connection) override;
    void on_close(Connection& connection, CloseReason reason, std::error_code error) override;
    void on_connect_error(std::error_code error, unsigned attempt, bool will_retry) override;

private:
    [[nodiscard]] std::string request();
    void read_answer(Bytes data);
    void judge_answer(Bytes behind);
    void refuse();
    void give_up(CloseReason reason, std::error_code error);

    std::shared_ptr<const ClientPlan> plan_;
    HandlerBox handler_;
    StreamConnection* stream_ = nullptr;
    Key key_{};
    std::optional<http::ResponseParser> answer_;  // as long as the handshake lasts
    std::optional<Timer> deadline_;
    std::optional<Session> session_;
};

}  // namespace pollux::ws
