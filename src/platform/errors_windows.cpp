// The system's error numbers: those of Win32 and of Winsock.
#include "platform/errors.h"

#include <string>

#include "system_sockets.h"

namespace pollux::platform {

namespace {

/// What a number of Winsock means; `std::errc{}` for all others. Not every standard library knows them.
std::errc meaning_of(int error) noexcept {
    switch (error) {
        case WSAEINTR:
            return std::errc::interrupted;
        case WSAEACCES:
            return std::errc::permission_denied;
        case WSAEFAULT:
            return std::errc::bad_address;
        case WSAEINVAL:
            return std::errc::invalid_argument;
        case WSAEMFILE:
            return std::errc::too_many_files_open;
        case WSAEWOULDBLOCK:
            return std::errc::operation_would_block;
        case WSAEINPROGRESS:
            return std::errc::operation_in_progress;
        case WSAEALREADY:
            return std::errc::connection_already_in_progress;
        case WSAENOTSOCK:
            return std::errc::not_a_socket;
        case WSAEDESTADDRREQ:
            return std::errc::destination_address_required;
        case WSAEMSGSIZE:
            return std::errc::message_size;
        case WSAEPROTOTYPE:
            return std::errc::wrong_protocol_type;
        case WSAENOPROTOOPT:
            return std::errc::no_protocol_option;
        case WSAEPROTONOSUPPORT:
            return std::errc::protocol_not_supported;
        case WSAEOPNOTSUPP:
            return std::errc::operation_not_supported;
        case WSAEAFNOSUPPORT:
            return std::errc::address_family_not_supported;
        case WSAEADDRINUSE:
            return std::errc::address_in_use;
        case WSAEADDRNOTAVAIL:
            return std::errc::address_not_available;
        case WSAENETDOWN:
            return std::errc::network_down;
        case WSAENETUNREACH:
            return std::errc::network_unreachable;
        case WSAENETRESET:
            return std::errc::network_reset;
        case WSAECONNABORTED:
            return std::errc::connection_aborted;
        case WSAECONNRESET:
            return std::errc::connection_reset;
        case WSAENOBUFS:
            return std::errc::no_buffer_space;
        case WSAEISCONN:
            return std::errc::already_connected;
        case WSAENOTCONN:
            return std::errc::not_connected;
        case WSAESHUTDOWN:
            return std::errc::broken_pipe;
        case WSAETIMEDOUT:
            return std::errc::timed_out;
        case WSAECONNREFUSED:
            return std::errc::connection_refused;
        case WSAENAMETOOLONG:
            return std::errc::filename_too_long;
        case WSAEHOSTUNREACH:
            return std::errc::host_unreachable;
        case WSA_OPERATION_ABORTED:
            return std::errc::operation_canceled;
        default:
            return {};
    }
}

class WindowsCategory final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "system"; }

    [[nodiscard]] std::string message(int error) const override {
        const std::errc meaning = meaning_of(error);
        return meaning == std::errc{} ? std::system_category().message(error)
                                      : std::generic_category().message(static_cast<int>(meaning));
    }

    [[nodiscard]] std::error_condition default_error_condition(int error) const noexcept override {
        const std::errc meaning = meaning_of(error);
        return meaning == std::errc{} ? std::system_category().default_error_condition(error)
                                      : std::make_error_condition(meaning);
    }
};

}  // namespace

const std::error_category& system_category() noexcept {
    static const WindowsCategory category;
    return category;
}

std::error_code last_socket_error() noexcept {
    return system_error(::WSAGetLastError());
}

bool is_connection_reset(int error) noexcept {
    return error == WSAECONNRESET || error == WSAECONNABORTED || error == WSAESHUTDOWN || error == WSAENETRESET;
}

int would_block_error() noexcept {
    return WSAEWOULDBLOCK;
}

}  // namespace pollux::platform
