// Checks of options that several things have.
#include "option_checks.h"

namespace pollux {

Status bad_option(const std::string& what) {
    return {make_error_code(Errc::invalid_option), what};
}

Status bad_endpoint(const std::string& what) {
    return {make_error_code(Errc::invalid_endpoint), what};
}

namespace {

ConnectionOptions with_defaults(ConnectionOptions options, bool hold_receive, std::chrono::milliseconds idle_timeout) {
    if (!options.hold_receive_while_pending) options.hold_receive_while_pending = hold_receive;
    if (!options.idle_timeout) options.idle_timeout = idle_timeout;
    return options;
}

}  // namespace

ConnectionOptions with_server_defaults(ConnectionOptions options) {
    return with_defaults(options, true, std::chrono::minutes{10});
}

ConnectionOptions with_client_defaults(ConnectionOptions options) {
    return with_defaults(options, false, std::chrono::milliseconds{0});
}

Status check_watermarks(const std::string& options, std::size_t high_bytes, std::size_t low_bytes,
                        std::size_t max_pending_bytes) {
    if (high_bytes == 0) return bad_option(options + "::high_watermark_bytes is 0");
    if (low_bytes >= high_bytes) {
        return bad_option(options + "::low_watermark_bytes is " + std::to_string(low_bytes) +
                          ", not below high_watermark_bytes, " + std::to_string(high_bytes));
    }
    if (max_pending_bytes < high_bytes) {
        return bad_option(options + "::max_pending_bytes is " + std::to_string(max_pending_bytes) +
                          ", below high_watermark_bytes, " + std::to_string(high_bytes));
    }
    return {};
}

Status check_connection_options(const ConnectionOptions& options) {
    if (Status status = check_watermarks("ConnectionOptions", options.high_watermark_bytes, options.low_watermark_bytes,
                                         options.max_pending_bytes);
        !status) {
        return status;
    }
    if (options.idle_timeout && options.idle_timeout->count() < 0)
        return bad_option("ConnectionOptions::idle_timeout is negative");
    if (options.handshake_timeout.count() <= 0) {
        return bad_option("ConnectionOptions::handshake_timeout is not positive");
    }
    if (options.close_timeout.count() <= 0) return bad_option("ConnectionOptions::close_timeout is not positive");
    if (options.keep_alive.enabled && (options.keep_alive.idle.count() <= 0 ||
                                       options.keep_alive.interval.count() <= 0 || options.keep_alive.count == 0)) {
        return bad_option("ConnectionOptions::keep_alive has a value that is not positive");
    }
    return {};
}

}  // namespace pollux
