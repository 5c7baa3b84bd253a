// Errors and their names.
#include <ostream>

#include <pollux/error.h>

namespace pollux {

std::string_view to_string(Result result) noexcept {
    switch (result) {
        case Result::ok:
            return "ok";
        case Result::would_block:
            return "would block";
        case Result::closed:
            return "closed";
        case Result::too_large:
            return "too large";
        case Result::wrong_peer:
            return "wrong peer";
    }
    return "unknown";
}

std::string_view to_string(CloseReason reason) noexcept {
    switch (reason) {
        case CloseReason::none:
            return "none";
        case CloseReason::peer_closed:
            return "peer closed";
        case CloseReason::local_close:
            return "local close";
        case CloseReason::aborted:
            return "aborted";
        case CloseReason::peer_reset:
            return "peer reset";
        case CloseReason::connect_timeout:
            return "connect timeout";
        case CloseReason::handshake_timeout:
            return "handshake timeout";
        case CloseReason::idle_timeout:
            return "idle timeout";
        case CloseReason::ping_timeout:
            return "ping timeout";
        case CloseReason::close_timeout:
            return "close timeout";
        case CloseReason::protocol_error:
            return "protocol error";
        case CloseReason::tls_error:
            return "TLS error";
        case CloseReason::tls_truncated:
            return "TLS truncated";
        case CloseReason::slow_consumer:
            return "slow consumer";
        case CloseReason::limit:
            return "limit";
        case CloseReason::shutdown:
            return "shutdown";
        case CloseReason::system_error:
            return "system error";
    }
    return "unknown";
}

namespace {

class Category final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "pollux"; }

    [[nodiscard]] std::string message(int value) const override {
        switch (static_cast<Errc>(value)) {
            case Errc::invalid_endpoint:
                return "invalid endpoint";
            case Errc::invalid_option:
                return "invalid option";
            case Errc::name_not_resolved:
                return "name not resolved";
            case Errc::already_started:
                return "already started";
            case Errc::stopped:
                return "stopped";
            case Errc::wrong_thread:
                return "a waiting call on a reactor's thread";
            case Errc::closed_by_peer:
                return "closed by the peer";
            case Errc::timed_out:
                return "timed out";
            case Errc::too_large:
                return "too large";
            case Errc::cancelled:
                return "cancelled";
            case Errc::self_connect:
                return "connected to itself: nobody listens on that port";
            case Errc::invalid_url:
                return "invalid URL";
            case Errc::invalid_request:
                return "invalid request";
            case Errc::protocol_error:
                return "the peer broke the protocol";
            case Errc::too_many_requests:
                return "too many requests are under way";
            case Errc::too_many_redirects:
                return "too many redirects";
            case Errc::insecure_redirect:
                return "a redirect to a connection that is not encrypted";
            case Errc::upgrade_refused:
                return "the server did not switch to the WebSocket protocol";
        }
        return "unknown error";
    }

    [[nodiscard]] std::error_condition default_error_condition(int value) const noexcept override {
        switch (static_cast<Errc>(value)) {
            case Errc::timed_out:
                return std::errc::timed_out;
            case Errc::cancelled:
                return std::errc::operation_canceled;
            case Errc::self_connect:
                return std::errc::connection_refused;
            case Errc::invalid_endpoint:
            case Errc::invalid_option:
            case Errc::invalid_url:
            case Errc::invalid_request:
                return std::errc::invalid_argument;
            case Errc::protocol_error:
                return std::errc::protocol_error;
            default:
                return {value, *this};
        }
    }
};

}  // namespace

const std::error_category& error_category() noexcept {
    static const Category category;
    return category;
}

std::error_code make_error_code(Errc error) noexcept {
    return {static_cast<int>(error), error_category()};
}

std::string Status::message() const {
    if (ok()) return "ok";
    return what_.empty() ? error_.message() : what_ + ": " + error_.message();
}

std::ostream& operator<<(std::ostream& out, const Status& status) {
    return out << status.message();
}

}  // namespace pollux
