// Puts messages together from frames.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <pollux/bytes.h>
#include <pollux/ws/message.h>

#include "buffer_pool.h"
#include "proto/ws/deflate.h"
#include "proto/ws/frame_decoder.h"
#include "proto/ws/utf8.h"

namespace pollux::ws {

/// Bytes in, messages out: fragments together, inflated, texts checked, all of it bounded while it comes in. A message
/// that is there in one frame is shown where it lies; others are collected in a buffer of the pool, which goes back
/// with the next call.
class MessageAssembler {
public:
    struct Limits {
        std::size_t max_message_bytes = 1024 * 1024;
        std::size_t max_fragments = 16 * 1024;
        bool streamed = false;  ///< Parts are handed on as they come.
    };

    struct Event {
        enum class Kind : std::uint8_t {
            more,      ///< All of the input was taken, and nothing further follows from it.
            message,   ///< `data` is a whole message.
            fragment,  ///< `data` is a part of one.
            ping,      ///< `data` is its payload, here and for the next two.
            pong,
            close,
            failed,  ///< `code` is for the Close frame, `why` for logs. Nothing further.
        };
        Kind kind = Kind::more;
        MessageType type = MessageType::binary;
        bool last = false;  ///< Of the fragments.
        std::uint16_t code = 0;
        std::size_t consumed = 0;
        Bytes data{};  ///< Valid until the next call.
        const char* why = "";
    };

    /// `pool` outlives it. `role` is our side.
    MessageAssembler(Role role, const Limits& limits, BufferPool& pool) noexcept
        : decoder_(role), limits_(limits), pool_(&pool), straight_(!limits.streamed) {}
    ~MessageAssembler() { release(); }
    MessageAssembler(const MessageAssembler&) = delete;
    MessageAssembler& operator=(const MessageAssembler&) = delete;

    /// permessage-deflate was agreed on, and every message of the peer is compressed by itself: `shared`, which
    /// outlives it, may inflate those of others in between. So they are collected before, and then in one part, also
    /// if they are streamed.
    void inflate_with(Inflater& shared);

    /// The same with a decompressor of its own, made with the first message that needs it. Messages may refer to those
    /// before if the peer has `context_takeover`.
    void inflate_by_itself(unsigned window_bits, bool context_takeover);

    /// True if a message at the front of the input that is all there in one frame, not compressed, may be taken past
    /// the assembler.
    [[nodiscard]] bool takes_whole() const noexcept { return straight_ && !decoder_.busy(); }

    /// Takes the message at the front if it is all there in one frame, as most are, and is right; else `next` knows
    /// what becomes of it. Where messages are streamed, it never does.
    template <Role sender>
    [[nodiscard]] bool next_whole(MutableBytes input, FrameDecoder::Whole& out) {
        if (!straight_ || !decoder_.next_whole_of<sender>(input, limits_.max_message_bytes, out)) return false;
        if (out.opcode != Opcode::text || is_utf8(out.payload)) [[likely]]
            return true;
        static_cast<void>(not_utf8());
        return false;
    }

    /// Goes on with bytes that follow those consumed before; unmasks in there. To be called until it wants more.
    [[nodiscard]] Event next(MutableBytes input);

    /// The last message is done with: what held it goes back.
    void release() noexcept;

private:
    [[nodiscard]] Event control(const FrameDecoder::Event& frame) const noexcept;
    [[nodiscard]] Event data(const FrameDecoder::Event& frame);
    [[nodiscard]] const char* count(const FrameDecoder::Event& frame) noexcept;
    [[nodiscard]] Event plain(const FrameDecoder::Event& frame);
    [[nodiscard]] Event compressed(const FrameDecoder::Event& frame);
    [[nodiscard]] Event inflate(Bytes bytes, bool last);
    [[nodiscard]] Event inflate_collected();
    [[nodiscard]] Event inflate_next_piece();
    [[nodiscard]] bool append_inflated(Bytes bytes);
    [[nodiscard]] bool append_inflated_tail();
    [[nodiscard]] Event failure() const noexcept;
    void end_inflating() noexcept;
    [[nodiscard]] Event deliver(Bytes bytes, bool last);
    [[nodiscard]] Event fail(std::uint16_t code, const char* why) noexcept;
    [[nodiscard]] Event too_big() noexcept { return fail(close_code::too_big, "message is too long"); }
    [[nodiscard]] Event not_utf8() noexcept { return fail(close_code::invalid_data, "text is not UTF-8"); }
    [[nodiscard]] Event not_deflate() noexcept { return fail(close_code::invalid_data, "message does not inflate"); }
    [[nodiscard]] std::string& buffer();
    [[nodiscard]] Inflater& inflater();

    FrameDecoder decoder_;
    Limits limits_;
    BufferPool* pool_;
    BufferPool::Buffer buffer_;  // of the message, as far as it is there
    Utf8Validator utf8_;
    MessageType type_ = MessageType::binary;
    bool done_with_buffer_ = false;
    bool straight_;        // nothing is in the way of `next_whole`: no buffer, no detour, not streamed
    bool detour_ = false;  // it failed, or is inflating
    std::uint16_t failed_ = 0;
    const char* failed_why_ = "";
    std::uint64_t received_ = 0;  // of the message, as it was sent
    std::size_t frames_ = 0;      // of the message

    // With permessage-deflate.
    BufferPool::Buffer waiting_;  // compressed, and not inflated yet
    std::size_t waiting_at_ = 0;
    bool waiting_last_ = false;
    bool inflating_ = false;  // `waiting_` is to be inflated piece by piece
    std::unique_ptr<Inflater> own_inflater_;
    Inflater* shared_inflater_ = nullptr;
    unsigned window_bits_ = 15;
    bool context_takeover_ = false;
};

}  // namespace pollux::ws
