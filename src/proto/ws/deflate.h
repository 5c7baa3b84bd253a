// The codec of permessage-deflate (RFC 7692, 7.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <pollux/bytes.h>

struct z_stream_s;

namespace pollux::ws {

/// How a compressor works.
struct DeflateSettings {
    unsigned window_bits = 15;  ///< 9 to 15.
    int level = 1;
    unsigned mem_level = 8;

    friend bool operator==(const DeflateSettings&, const DeflateSettings&) = default;
};

/// Compresses messages: raw deflate, flushed at the end of each and without the empty block that a flush ends with.
class Deflater {
public:
    /// Throws std::bad_alloc if there is no memory.
    explicit Deflater(const DeflateSettings& settings);
    ~Deflater();
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;

    /// Appends the compressed form of a part of a message to `out`; with `last`, of its end.
    void compress(Bytes part, bool last, std::string& out);

    /// Forgets the messages before, so that the next one does not refer to them.
    void reset() noexcept;

    /// An upper bound on what `compress` appends, for any settings: with the least memory, zlib's blocks are short.
    [[nodiscard]] static constexpr std::size_t bound(std::size_t size) noexcept { return size + size / 8 + 64; }

    [[nodiscard]] const DeflateSettings& settings() const noexcept { return settings_; }

private:
    std::unique_ptr<z_stream_s> stream_;
    DeflateSettings settings_;
};

/// Decompresses messages, a bounded piece at a time.
class Inflater {
public:
    /// Throws std::bad_alloc if there is no memory.
    explicit Inflater(unsigned window_bits);
    ~Inflater();
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    struct Step {
        std::size_t produced = 0;
        bool full = false;  ///< There may be more: call again.
        bool bad = false;   ///< It is not deflate. Nothing further but `reset`.
    };

    /// A new message comes, which may refer to those before.
    void begin_message() noexcept { restarts_ = 0; }

    /// Takes from the front of `in`, which it shortens, and fills `out`. When `in` is empty and it is not `full`, all
    /// that follows from it is out.
    [[nodiscard]] Step inflate(Bytes& in, MutableBytes out) noexcept;

    /// What the sender left away at the end of a message: to be inflated behind it.
    [[nodiscard]] static Bytes tail() noexcept;

    /// False behind the tail: the message was cut off within a block.
    [[nodiscard]] bool complete() const noexcept { return between_blocks_; }

    /// Forgets the messages before.
    void reset() noexcept;

private:
    [[nodiscard]] bool begin_again() noexcept;

    std::unique_ptr<z_stream_s> stream_;
    unsigned restarts_ = 0;  // in this message
    bool between_blocks_ = false;
};

}  // namespace pollux::ws
