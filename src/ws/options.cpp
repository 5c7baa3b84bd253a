// Checks of the options of WebSockets.
#include "ws/options.h"

#include <limits>
#include <string>

#include "option_checks.h"
#include "proto/http/characters.h"

namespace pollux::ws {

namespace {

constexpr std::size_t largest_message_bytes = std::numeric_limits<std::size_t>::max() / 4;

Status out_of_range(const char* option, unsigned value, unsigned low, unsigned high) {
    return bad_option(std::string{"ws::Deflate::"} + option + " is " + std::to_string(value) + ", not from " +
                      std::to_string(low) + " to " + std::to_string(high));
}

Status check_deflate(const Deflate& deflate) {
    if (deflate.server_max_window_bits < 9 || deflate.server_max_window_bits > 15) {
        return out_of_range("server_max_window_bits", deflate.server_max_window_bits, 9, 15);
    }
    if (deflate.client_max_window_bits < 9 || deflate.client_max_window_bits > 15) {
        return out_of_range("client_max_window_bits", deflate.client_max_window_bits, 9, 15);
    }
    if (deflate.level < 1 || deflate.level > 9) {
        return bad_option("ws::Deflate::level is " + std::to_string(deflate.level) + ", not from 1 to 9");
    }
    if (deflate.mem_level < 1 || deflate.mem_level > 9) return out_of_range("mem_level", deflate.mem_level, 1, 9);
    return {};
}

}  // namespace

Status check_options(const Options& options) {
    if (options.max_message_bytes > largest_message_bytes) return bad_option("ws::Options::max_message_bytes is huge");
    if (options.max_fragments == 0) return bad_option("ws::Options::max_fragments is 0");
    if (options.ping_interval.count() < 0) return bad_option("ws::Options::ping_interval is negative");
    if (options.idle_timeout.count() < 0) return bad_option("ws::Options::idle_timeout is negative");
    if (options.close_timeout.count() <= 0) return bad_option("ws::Options::close_timeout is not positive");
    return check_deflate(options.deflate);
}

Status check_protocols(const std::vector<std::string>& protocols) {
    for (const std::string& protocol : protocols) {
        if (!http::is_token(protocol))
            return bad_option("the WebSocket sub-protocol '" + protocol + "' is not a token");
    }
    return {};
}

}  // namespace pollux::ws
