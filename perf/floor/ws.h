// What the bare WebSocket loops share: the opening handshake, whose answer stands still, and frames, which are not
// checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "../common/ws_handshake.h"
#include "floor.h"
#include "http.h"
#include "serve.h"

namespace perf_floor {

/// A connection of either kind: what it has received in part, and whether it is a WebSocket already.
template <class Transport>
struct WsConnection : Transport {
    using Transport::Transport;

    std::string begun;  // a request, or a frame
    bool upgraded = false;
};

/// How long the header of a frame is, with its mask, and how long what follows.
struct WsHeader {
    std::size_t bytes;
    std::size_t payload_bytes;
};

/// The header at the beginning of `frame`, of which two bytes are there; the rest of what it says counts only if as
/// many bytes are there as it has.
inline WsHeader read_header(const char* frame, std::size_t available) {
    const std::size_t length = static_cast<unsigned char>(frame[1]) & 0x7fU;
    if (length < 126) return {6, length};
    const std::size_t length_bytes = length == 126 ? 2 : 8;
    WsHeader header{2 + length_bytes + 4, 0};
    if (available < header.bytes) return header;
    for (std::size_t i = 0; i < length_bytes; ++i)
        header.payload_bytes = header.payload_bytes << 8 | static_cast<unsigned char>(frame[2 + i]);
    return header;
}

/// Unmasks to a place that begins four bytes before `from` or farther, so that nothing is overwritten before it is
/// read.
inline void unmask(char* to, const char* from, std::size_t size, const char* key) {
    constexpr std::size_t step = 32;
    std::uint32_t half;
    std::memcpy(&half, key, sizeof half);
    const std::uint64_t mask = std::uint64_t{half} << 32 | half;
    std::uint64_t words[step / sizeof mask];
    for (; size >= step; size -= step, to += step, from += step) {
        std::memcpy(words, from, step);
        for (std::uint64_t& word : words) word ^= mask;
        std::memcpy(to, words, step);
    }
    for (; size >= sizeof mask; size -= sizeof mask, to += sizeof mask, from += sizeof mask) {
        std::memcpy(words, from, sizeof mask);
        words[0] ^= mask;
        std::memcpy(to, words, sizeof mask);
    }
    std::memcpy(words, &mask, sizeof mask);
    for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<char>(from[i] ^ reinterpret_cast<const char*>(words)[i]);
}

/// What became of some bytes: so many were whole frames, and their answers are so many.
struct WsEchoed {
    std::size_t taken;
    std::size_t made;
};

/// Turns the whole frames at the beginning of `bytes`, where they lie, to those that answer them: without the mask each
/// is four bytes shorter.
inline WsEchoed echo_frames(char* bytes, std::size_t size) {
    constexpr std::size_t key_bytes = 4;
    std::size_t taken = 0;
    std::size_t made = 0;
    while (size - taken >= 2) {
        const char* frame = bytes + taken;
        const auto [header_bytes, payload_bytes] = read_header(frame, size - taken);
        if (size - taken < header_bytes + payload_bytes) break;
        char key[key_bytes];
        std::memcpy(key, frame + header_bytes - key_bytes, key_bytes);
        char* to = bytes + made;
        to[0] = frame[0];
        to[1] = static_cast<char>(frame[1] & 0x7f);
        for (std::size_t i = 2; i < header_bytes - key_bytes; ++i) to[i] = frame[i];
        unmask(to + header_bytes - key_bytes, frame + header_bytes, payload_bytes, key);
        taken += header_bytes + payload_bytes;
        made += header_bytes - key_bytes + payload_bytes;
    }
    return {taken, made};
}

/// The echo over either kind of connection: all answers to one receive leave in one send.
template <class TransportLoop>
class WsEchoLoop : public TransportLoop {
public:
    using Connection = typename TransportLoop::Connection;

    using TransportLoop::TransportLoop;

    bool serve(Connection& connection, std::uint32_t events) {
        return serve_event(connection, events, [&] { return receive(connection) && connection.flush(); });
    }

private:
    static constexpr std::size_t most_begun_bytes = 128 * 1024;

    // False if the connection is over.
    bool receive(Connection& connection) {
        while (!connection.blocked()) {
            const std::size_t begun = connection.begun.copy(buffer_.data(), connection.begun.size());
            const int received = connection.read(buffer_.data() + begun);
            if (received <= 0) return received == 0;
            if (!answer(connection, begun + static_cast<std::size_t>(received))) return false;
        }
        return true;
    }

    // Answers what is in the buffer, and keeps what is not complete.
    bool answer(Connection& connection, std::size_t size) {
        char* bytes = buffer_.data();
        if (!connection.upgraded) {
            const std::size_t head = head_size({bytes, size});
            if (head != 0 && !connection.write(upgrade_)) return false;
            connection.upgraded = head != 0;
            bytes += head;
            size -= head;
        }
        const WsEchoed echoed = connection.upgraded ? echo_frames(bytes, size) : WsEchoed{};
        connection.begun.assign(bytes + echoed.taken, size - echoed.taken);
        return connection.begun.size() <= most_begun_bytes && write(connection, {bytes, echoed.made});
    }

    bool write(Connection& connection, std::string_view answers) {
        while (!answers.empty()) {
            const std::string_view piece = answers.substr(0, Connection::most_write_bytes);
            if (!connection.write(piece)) return false;
            answers.remove_prefix(piece.size());
        }
        return true;
    }

    std::string upgrade_ = perf::ws_answer();
    std::vector<char> buffer_ = std::vector<char>(most_begun_bytes + Connection::most_read_bytes);
};

}  // namespace perf_floor
