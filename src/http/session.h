// An HTTP connection of a server.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <pollux/http/handler.h>
#include <pollux/timer.h>

#include "http/context.h"
#include "http/exchange.h"
#include "proto/http/head_scanner.h"
#include "stream_connection.h"

namespace pollux::http {

/// Reads requests and has the user's handler answer them, one after the other: the next one is looked at when the
/// answer to this one is complete. So answers are in order by themselves, and what a client has sent ahead is bounded.
/// The user's handler lies behind it in the same memory. Its reactor's thread.
class Session final : public ConnectionHandler {
public:
    using Time = std::chrono::steady_clock::time_point;

    Session(Context& context, Handler& handler) noexcept : context_(&context), handler_(&handler) {}
    ~Session() override;

    void on_open(Connection& connection) override;
    void on_data(Connection& connection, Bytes data) override;
    void on_end(Connection& connection) override;
    void on_drain(Connection& connection) override;
    void on_close(Connection& connection, CloseReason reason, std::error_code error) override;

    // What its exchange asks.

    [[nodiscard]] StreamConnection& connection() const noexcept { return *connection_; }

    /// The size of the head of the request that is being answered.
    [[nodiscard]] std::size_t head_size() const noexcept { return head_size_; }

    /// True if the answer to the request of that number has to be the last one.
    [[nodiscard]] bool ends_after(std::uint64_t number) const noexcept;

    /// The answer was given completely.
    void answered();

    /// Behind the answer, the connection is another handler's.
    void hand_over(std::unique_ptr<ConnectionHandler> successor) noexcept { successor_ = std::move(successor); }

    /// The body is not wanted for now, or is again.
    void hold_body(bool held);

    /// The answer of that number, if it is still waited for.
    [[nodiscard]] Response* find_response(std::uint64_t number) noexcept;

private:
    enum class Phase : std::uint8_t {
        head,      ///< Waiting for a request, or for the rest of its head.
        body,      ///< Its body is coming in.
        answer,    ///< It is complete; its answer is not, or was not accepted by the connection yet.
        closing,   ///< What comes is dropped.
        upgraded,  ///< Everything is the successor's.
    };

    /// How far a step came.
    struct Step {
        std::size_t consumed = 0;
        bool go_on = false;
    };

    class Busy;

    std::size_t consume(Bytes input);
    void consume_rest();
    void keep(Bytes bytes);
    void drop_rest() noexcept;
    [[nodiscard]] Step read_head(Bytes input);
    [[nodiscard]] Step read_body(Bytes input);
    [[nodiscard]] Refusal check_incomplete_head(std::size_t size) const noexcept;
    void begin_request(std::string_view head, Bytes behind);
    void begin_body(Bytes behind);
    void body_part(Bytes part);
    void body_end();
    void end_stream();
    void dispatch();
    void settle_exchange();
    void finish_exchange();
    void refuse(const Refusal& refusal);
    void refuse_cut_off();
    void close_connection();
    void take_over();
    void go_on();
    void go_on_soon();
    void enter(Phase phase) noexcept;
    [[nodiscard]] Time now() const noexcept { return context_->now(); }

    void settle();
    void update_receiving();
    [[nodiscard]] Time deadline() const noexcept;
    void on_timer();
    void on_deadline();

    Context* context_;
    Handler* handler_;
    StreamConnection* connection_ = nullptr;
    Exchange* exchange_ = nullptr;
    std::unique_ptr<std::string> rest_;  // received, not consumed yet
    std::size_t rest_at_ = 0;
    std::unique_ptr<ConnectionHandler> successor_;
    std::optional<Timer> timer_;
    HeadScanner scanner_;
    std::uint64_t requests_ = 0;
    std::uint64_t body_left_ = 0;  // that may come before the body is too long
    std::size_t head_size_ = 0;
    std::size_t progress_bytes_ = 0;  // of the body since `progress_since_`
    Time since_{};                    // when the phase, or the head that is coming in, began
    Time progress_since_{};
    std::uint8_t skipped_ = 0;  // bytes of empty lines before the request line
    Phase phase_ = Phase::head;
    BodyMode body_mode_ = BodyMode::whole;
    bool head_begun_ = false;  // some of a head is there
    bool busy_ = false;        // in `consume`, which goes on by itself
    bool body_held_ = false;
    bool peer_ended_ = false;
    bool resume_due_ = false;  // the timer is to go on with what is kept
};

}  // namespace pollux::http
