// A connection of an HTTP client: requests out, answers in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <system_error>

#include <pollux/client.h>
#include <pollux/timer.h>

#include "http/client_call.h"
#include "http/outbox.h"
#include "proto/http/response_parser.h"

namespace pollux::http {

class ClientPool;
struct ClientHost;

/// Owned by the pool while it is in there, and by the handler of its `pollux::Client`, which it owns in turn: so it
/// goes when that connection is over. Its reactor's thread.
///
/// What it has in flight was sent, or is being sent, in that order; answers come in the same. Only of the last one can
/// a part be unsent.
class ClientConnection final : public ConnectionHandler, public std::enable_shared_from_this<ClientConnection> {
public:
    ClientConnection(ClientPool& pool, ClientHost& host);
    ~ClientConnection() override;

    /// Begins to connect. The status tells mistakes in the options.
    [[nodiscard]] Status connect(pollux::ClientOptions options);

    [[nodiscard]] bool connecting() const noexcept { return connection_ == nullptr; }
    [[nodiscard]] bool idle() const noexcept { return idle_; }

    /// How many requests are under way.
    [[nodiscard]] std::size_t load() const noexcept { return in_flight_.size(); }

    /// True if a request that may be pipelined can be sent behind those under way.
    [[nodiscard]] bool may_pipeline() const noexcept;

    /// Sends a request.
    void take(ClientCall& call);

    /// A request that is under way was given up. Its answer, or the rest of it, would be taken for the next one's: if
    /// that is what comes now, the connection is of no further use.
    void abandon(ClientCall& call);

    /// Leaves the pool and closes, gracefully or at once. What is under way is lost with `error`: the pool sees what
    /// can be done for it.
    void retire(std::error_code error, bool abort);

    /// The same, and what is under way is somebody else's business.
    void disconnect(bool abort);

    /// It has left the pool, and the client does not wait for its end.
    void part();

    /// The pool it is in; null when it has left it.
    [[nodiscard]] ClientHost* host() const noexcept { return host_; }

    // The pool's notes.

    void leave() noexcept { host_ = nullptr; }
    void set_idle(bool idle);
    std::list<ClientConnection*>::iterator idle_position{};

    // What a request asks of it.

    Result write(ClientCall& call, Bytes bytes);
    Result end_body(ClientCall& call, std::span<const Field> trailers);
    void update_receiving();
    void resume();

private:
    class Link;

    // ConnectionHandler
    void on_open(Connection& connection) override;
    void on_data(Connection& connection, Bytes data) override;
    void on_end(Connection& connection) override;
    void on_drain(Connection& connection) override;
    void on_close(Connection& connection, CloseReason reason, std::error_code error) override;
    void on_connect_error(std::error_code error, unsigned attempt, bool will_retry) override;

    void send_waiting();
    void ask_for_body();
    void begin_front();
    void arm_header_timer();
    void on_timer();

    [[nodiscard]] std::size_t receive(Bytes data);
    void receive_rest();
    void receive_end();
    void receive_head();
    void finish_front(bool complete);
    void settle(ClientCall& call);
    void defer(void (ClientConnection::*step)());
    [[nodiscard]] bool front_paused() const noexcept { return !in_flight_.empty() && in_flight_.front()->paused(); }

    ClientPool* pool_;  // null when it has parted
    ClientHost* host_;
    Connection* connection_ = nullptr;  // null until it is established
    std::unique_ptr<pollux::Client<Link>> client_;
    Timer timer_;  // for the head of the front's answer; when idle, for leaving
    ResponseParser parser_;
    std::deque<ClientCall*> in_flight_;  // null: given up; never at the front
    ClientCall* sending_ = nullptr;      // the last in flight, until all of it was handed over
    Outbox outbox_;
    std::string scratch_;
    std::string rest_;  // received, and not parsed since the front is paused
    std::uint64_t answers_ = 0;
    bool idle_ = false;
    bool body_open_ = false;      // a streamed body is being written
    bool keep_alive_ = true;      // as the last head says
    bool head_received_ = false;  // of the front's answer
    bool ended_ = false;          // the server has finished sending
};

}  // namespace pollux::http
