// What the head of an HTTP request says, known to its parser and to what shows it.
#pragma once

#include <cstdint>
#include <string_view>

#include <pollux/http/method.h>

namespace pollux::http {

/// Views into the head.
struct RequestHead {
    std::string_view method_name;
    std::string_view target;
    std::string_view path;       ///< Not decoded.
    std::string_view query;      ///< Not decoded; without the question mark.
    std::string_view authority;  ///< Of an absolute target, else of `Host`.
    Method method = Method::other;
    std::uint8_t minor_version = 1;
    bool expects_continue = false;
    bool keep_alive = false;  ///< RFC 9112, 9.3.
};

}  // namespace pollux::http
