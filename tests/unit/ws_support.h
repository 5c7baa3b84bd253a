// Helpers of the unit tests of WebSockets: frames as they are on the wire, right and wrong, and what is made of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <string>
#include <string_view>

#include "proto/ws/frame.h"
#include "unit/support.h"

namespace pollux::ws {

inline void PrintTo(Role role, std::ostream* out) {
    *out << (role == Role::server ? "server" : "client");
}

}  // namespace pollux::ws

namespace pollux::test {

using ws::MaskKey;
using ws::Role;

inline constexpr MaskKey sample_mask{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};
inline constexpr std::initializer_list<Role> both_roles{Role::server, Role::client};

/// Names the instances of a test in both roles.
inline std::string role_name(const testing::TestParamInfo<Role>& parameter) {
    return testing::PrintToString(parameter.param);
}

using Sizes = std::initializer_list<std::size_t>;

/// Masks, in the plain way.
inline std::string masked(std::string_view text, MaskKey key = sample_mask, std::size_t from = 0) {
    std::string out{text};
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = static_cast<char>(std::byte(out[i]) ^ key[(from + i) % key.size()]);
    }
    return out;
}

/// How a length is said: the 7 bits of the second byte, or what follows it.
enum class LengthForm : std::uint8_t { shortest, bits16, bits64 };

/// The bytes of a header: its first byte, and whatever length it claims.
inline std::string frame_header(unsigned first, std::uint64_t length, bool has_mask,
                                LengthForm form = LengthForm::shortest) {
    if (form == LengthForm::shortest && length > 125) form = length > 65535 ? LengthForm::bits64 : LengthForm::bits16;
    const unsigned mask_bit = has_mask ? 0x80 : 0;
    std::string out{static_cast<char>(first)};
    const auto append = [&](unsigned lead, unsigned bytes) {
        out += static_cast<char>(mask_bit | lead);
        while (bytes-- > 0) out += static_cast<char>(length >> (8 * bytes) & 0xff);
    };
    if (form == LengthForm::shortest) append(static_cast<unsigned>(length), 0);
    if (form == LengthForm::bits16) append(126, 2);
    if (form == LengthForm::bits64) append(127, 8);
    if (has_mask) out.append(reinterpret_cast<const char*>(sample_mask.data()), sample_mask.size());
    return out;
}

/// A frame as it comes to somebody in a role, and of a first byte that says whatever it says.
inline std::string frame_to(Role receiver, unsigned first, std::string_view payload) {
    const bool has_mask = receiver == Role::server;
    return frame_header(first, payload.size(), has_mask).append(has_mask ? masked(payload) : std::string{payload});
}

/// A text in two pieces, at each place, and in three if it is short; `visit` takes the pieces.
template <class Visit>
void for_each_cut(std::string_view text, Visit&& visit) {
    constexpr std::size_t short_bytes = 48;
    for (std::size_t first = 0; first <= text.size(); ++first) {
        visit({text.substr(0, first), text.substr(first)});
        if (text.size() > short_bytes) continue;
        for (std::size_t second = first + 1; second < text.size(); ++second) {
            visit({text.substr(0, first), text.substr(first, second - first), text.substr(second)});
        }
    }
}

using Cut = std::initializer_list<std::string_view>;

}  // namespace pollux::test
