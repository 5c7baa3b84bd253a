// The opening handshake.
#include "proto/ws/handshake.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace pollux::ws {

namespace {

/// RFC 6455, 1.3.
constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

template <std::size_t Size>
std::array<char, (Size + 2) / 3 * 4> base64(std::span<const unsigned char, Size> bytes) noexcept {
    std::array<char, (Size + 2) / 3 * 4 + 1> text;  // OpenSSL ends it with a NUL
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(Size));
    std::array<char, (Size + 2) / 3 * 4> result;
    std::copy_n(text.begin(), result.size(), result.begin());
    return result;
}

bool is_base64(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/// 16 bytes in base64: 22 characters, of which the last has four bits that are zero, and the padding.
bool is_key(std::string_view text) noexcept {
    constexpr std::string_view last = "AQgw";
    return text.size() == std::tuple_size_v<Key> && text.ends_with("==") &&
           std::ranges::all_of(text.substr(0, 22), is_base64) && last.find(text[21]) != std::string_view::npos;
}

/// Calls `visit` for the members of a list over all lines of a field.
template <class Visit>
void each_member(const http::Fields& fields, std::string_view name, Visit&& visit) {
    fields.each(name, [&](std::string_view value) {
        while (!value.empty()) {
            const std::size_t end = std::min(value.find(','), value.size());
            std::string_view member = value.substr(0, end);
            value.remove_prefix(std::min(end + 1, value.size()));
            const std::size_t begin = std::min(member.find_first_not_of(" \t"), member.size());
            member.remove_prefix(begin);
            member = member.substr(0, member.find_last_not_of(" \t") + 1);
            if (!member.empty()) visit(member);
        }
    });
}

}  // namespace

UpgradeRefusal check_upgrade(http::Method method, unsigned minor_version, const http::Fields& request) {
    if (method != http::Method::get) return {405, "A WebSocket is opened by GET.\n"};
    const bool asked =
        minor_version == 1 && request.has_token("Connection", "upgrade") && request.has_token("Upgrade", protocol_name);
    if (!asked) return {426, "This is for WebSockets only.\n"};
    if (request.count("Sec-WebSocket-Version") != 1 || request.find("Sec-WebSocket-Version") != protocol_version) {
        return {426, "This server speaks version 13 of the WebSocket protocol.\n"};
    }
    const std::optional<std::string_view> key = request.find("Sec-WebSocket-Key");
    if (request.count("Sec-WebSocket-Key") != 1 || !is_key(*key)) {
        return {400, "The request has no valid Sec-WebSocket-Key.\n"};
    }
    return {};
}

Key make_key(std::span<const std::byte, 16> random) noexcept {
    return base64(std::span<const unsigned char, 16>{reinterpret_cast<const unsigned char*>(random.data()), 16});
}

AcceptKey accept_key(std::string_view key) noexcept {
    std::array<unsigned char, std::tuple_size_v<Key> + guid.size()> text{};
    const std::size_t size = std::min(key.size(), std::tuple_size_v<Key>);
    std::memcpy(text.data(), key.data(), size);
    std::memcpy(text.data() + size, guid.data(), guid.size());
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
    SHA1(text.data(), size + guid.size(), digest.data());
    return base64(std::span<const unsigned char, SHA_DIGEST_LENGTH>{digest});
}

bool offers_protocol(const http::Fields& request, std::string_view protocol) {
    bool found = false;
    each_member(request, "Sec-WebSocket-Protocol", [&](std::string_view offered) { found |= offered == protocol; });
    return found;
}

std::string_view choose_protocol(const http::Fields& request, std::span<const std::string> spoken) {
    for (const std::string& protocol : spoken) {
        if (offers_protocol(request, protocol)) return protocol;
    }
    return {};
}

std::string_view chosen_protocol(const http::Fields& answer) {
    return answer.find("Sec-WebSocket-Protocol").value_or(std::string_view{});
}

std::string_view check_answer(unsigned status, const http::Fields& answer, const Key& key,
                              std::span<const std::string> offered) {
    if (status != 101) return "it is not 101";
    if (!answer.has_token("Upgrade", protocol_name)) return "it does not upgrade to websocket";
    if (!answer.has_token("Connection", "upgrade")) return "its Connection has no upgrade";
    const AcceptKey expected = accept_key({key.data(), key.size()});
    if (answer.count("Sec-WebSocket-Accept") != 1 ||
        answer.find("Sec-WebSocket-Accept") != std::string_view{expected.data(), expected.size()}) {
        return "its Sec-WebSocket-Accept is wrong";
    }
    const std::size_t protocols = answer.count("Sec-WebSocket-Protocol");
    if (protocols > 1) return "it has several sub-protocols";
    if (protocols == 1 && std::ranges::find(offered, chosen_protocol(answer)) == offered.end()) {
        return "its sub-protocol was not offered";
    }
    return {};
}

}  // namespace pollux::ws
