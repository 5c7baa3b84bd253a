// Checks of options that several things have.
#include "option_checks.h"

namespace pollux {

Status bad_option(const std::string& what) {
    return {make_error_code(Errc::invalid_option), what};
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

Status check_connection_options(const ConnectionOptions& options) {
    const auto number = [](auto value) { return std::to_string(value); };
    if (options.high_watermark_bytes == 0) return bad_option("ConnectionOptions::high_watermark_bytes is 0");
    if (options.low_watermark_bytes >= options.high_watermark_bytes) {
        return bad_option("ConnectionOptions::low_watermark_bytes is " + number(options.low_watermark_bytes) +
                          ", not below high_watermark_bytes, " + number(options.high_watermark_bytes));
    }
    if (options.max_pending_bytes < options.high_watermark_bytes) {
        return bad_option("ConnectionOptions::max_pending_bytes is " + number(options.max_pending_bytes) +
                          ", below high_watermark_bytes, " + number(options.high_watermark_bytes));
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
