// Negotiating permessage-deflate (RFC 7692, 5 and 7.1).
#pragma once

#include <optional>
#include <string>

#include <pollux/http/fields.h>
#include <pollux/ws/options.h>

#include "proto/ws/frame.h"

namespace pollux::ws {

/// What was agreed on.
struct DeflateAgreement {
    bool server_no_context_takeover = false;
    bool client_no_context_takeover = false;
    unsigned server_window_bits = 15;  ///< What the server compresses with, 8 to 15.
    unsigned client_window_bits = 15;
    bool server_window_asked = false;  ///< By the offer: then the answer has to name it (RFC 7692, 7.1.2.1).

    [[nodiscard]] unsigned window_bits(Role compressing) const noexcept {
        return compressing == Role::server ? server_window_bits : client_window_bits;
    }
    [[nodiscard]] bool no_context_takeover(Role compressing) const noexcept {
        return compressing == Role::server ? server_no_context_takeover : client_no_context_takeover;
    }
};

/// A server's choice among what a client offers in its `Sec-WebSocket-Extensions`; none if nothing there is acceptable.
/// Offers with something unknown in them are passed over (RFC 7692, 7).
[[nodiscard]] std::optional<DeflateAgreement> choose_deflate(const http::Fields& request, const Deflate& wanted);

/// The value of the field that a server answers with.
[[nodiscard]] std::string deflate_answer(const DeflateAgreement& agreement);

/// The value of the field that a client offers.
[[nodiscard]] std::string deflate_offer(const Deflate& wanted);

/// What a server's answer to the offer says.
struct DeflateAnswer {
    bool acceptable = true;  ///< False: the client has to give up (RFC 6455, 4.1): an extension that it did not offer.
    std::optional<DeflateAgreement> agreement{};
};
[[nodiscard]] DeflateAnswer read_deflate_answer(const http::Fields& answer, const Deflate& offered);

}  // namespace pollux::ws
