// A request of a client, from when it was accepted to its outcome.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <pollux/http/client.h>
#include <pollux/timer.h>

#include "proto/http/response_parser.h"
#include "proto/http/url.h"

namespace pollux::http {

class ClientConnection;

/// Owned by the client's core. It knows what is to be sent and what its handler was told; the connection it is on knows
/// the wire. Its reactor's thread, once it was handed there.
class ClientCall final : public ClientExchange {
public:
    /// What is next with an answer whose head came.
    enum class Course : std::uint8_t {
        deliver,  ///< The handler hears of it.
        discard,  ///< It is a redirect that is followed; its body is read for the sake of the connection.
        leave,    ///< The same, with a body that is not worth that.
        refuse,   ///< The server switches to a protocol that nobody asked for.
    };

    /// What is checked before anything is done with a request: that it can be sent, and where to.
    [[nodiscard]] static std::error_code check(const ClientRequest& request, Url& url);

    ClientCall(RequestId id, ClientRequest request, Url url, const ClientOptions& options,
               std::unique_ptr<ClientHandler> handler);

    [[nodiscard]] RequestId number() const noexcept { return id_; }
    [[nodiscard]] const Url& url() const noexcept { return url_; }
    [[nodiscard]] bool is_head() const noexcept { return request_.method == "HEAD"; }
    [[nodiscard]] bool streamed() const noexcept { return request_.streamed; }
    [[nodiscard]] bool chunked() const noexcept { return request_.streamed && !request_.content_length; }

    /// True if it may be under way on a connection at the same time as others.
    [[nodiscard]] bool may_be_pipelined() const noexcept;

    /// True if it can be sent again although a connection was lost that it had been sent on (RFC 9110, 9.2.2).
    [[nodiscard]] bool may_be_repeated() const noexcept;
    void count_repetition() noexcept { ++repetitions_; }

    /// Appends the head to send.
    void write_head(std::string& out) const;

    /// The whole body; null if there is none.
    [[nodiscard]] const std::shared_ptr<const std::string>& body() const noexcept { return body_; }

    /// Why it has to end: set by what its handler did. Whoever called a handler looks at it after.
    [[nodiscard]] std::error_code failure() const noexcept { return failure_; }
    [[nodiscard]] bool paused() const noexcept { return paused_; }

    // Called by its connection.

    void attach(ClientConnection& connection) noexcept;
    void detach() noexcept { connection_ = nullptr; }
    [[nodiscard]] ClientConnection* connection() const noexcept { return connection_; }

    /// The head of the answer came. Tells the handler, unless there is more to do before.
    [[nodiscard]] Course receive_head(const ResponseParser& answer);

    /// A part of the answer's body. False if no more of it is wanted.
    [[nodiscard]] bool receive_body(Bytes bytes);

    /// The body may be written.
    void drained() {
        body_begun_ = true;
        handler_->on_drain(*this);
    }

    // Called by the core.

    std::optional<Timer> deadline{};

    /// True if the answer was a redirect to follow: then the request is another one now, and is to be sent again.
    [[nodiscard]] bool follow_redirect();

    void succeed(const Fields& trailers) { handler_->on_end(trailers); }
    void fail(std::error_code error) { handler_->on_error(error); }

    [[nodiscard]] std::chrono::milliseconds timeout() const noexcept { return timeout_; }

    // What the public class offers.

    Result write_bytes(Bytes bytes);
    Result end_body(std::span<const Field> trailers);
    void pause() noexcept;
    void resume();
    void give_up(std::error_code error) noexcept {
        if (!failure_) failure_ = error;
    }

private:
    [[nodiscard]] ResponseHead head_of(const ResponseParser& answer) const noexcept;
    [[nodiscard]] bool plan_redirect(const ResponseParser& answer);
    [[nodiscard]] bool becomes_get(unsigned status) const noexcept;
    void drop_body();
    void drop_fields_of_origin();

    RequestId id_;
    ClientRequest request_;
    Url url_;
    std::string url_text_;
    std::shared_ptr<const std::string> body_;
    std::unique_ptr<ClientHandler> handler_;
    std::chrono::milliseconds timeout_;
    std::uint64_t max_body_bytes_;
    unsigned max_redirects_;
    bool allow_insecure_redirects_;

    ClientConnection* connection_ = nullptr;
    std::error_code failure_;
    std::optional<Url> redirect_;  // where the answer that is coming in leads to
    bool redirect_to_get_ = false;
    bool paused_ = false;
    bool body_begun_ = false;  // the handler was asked for a streamed body
    bool body_ended_ = false;  // and has given all of it
    unsigned redirects_ = 0;
    unsigned repetitions_ = 0;
    std::uint64_t body_left_ = 0;  // of a streamed one whose length was told
    std::uint64_t received_ = 0;   // of the answer's body
};

}  // namespace pollux::http
