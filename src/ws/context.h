// What the WebSockets of a reactor share.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "buffer_pool.h"
#include "proto/ws/deflate.h"
#include "proto/ws/mask.h"

namespace pollux::ws {

/// Keys that nobody can foresee (RFC 6455, 5.3 and 10.3), from OpenSSL's generator, many at a time.
class MaskKeys {
public:
    [[nodiscard]] Mask next() {
        if (at_ == keys_.size()) [[unlikely]]
            refill();
        return Mask{keys_[at_++]};
    }

private:
    void refill();

    std::array<MaskKey, 1024> keys_;
    std::size_t at_ = keys_.size();
};

/// The reactor's own: `ReactorCore::local<Context>()`. On its thread.
struct Context {
    BufferPool buffers;
    MaskKeys keys;
    std::string scratch;  // where a message is compressed to; valid until the next one is
    std::string masked;   // where a part of a message is masked to, likewise

    /// What one message has made larger goes back to the allocator.
    void trim() noexcept {
        if (scratch.capacity() > kept_scratch_bytes) scratch = {};
    }

    /// For connections without memory of their own: whoever uses one leaves it as it found it. Made on first use.
    [[nodiscard]] Deflater& deflater(const DeflateSettings& settings);
    [[nodiscard]] Inflater& inflater();

private:
    static constexpr std::size_t kept_scratch_bytes = 1024 * 1024;

    std::vector<std::unique_ptr<Deflater>> deflaters_;
    std::unique_ptr<Inflater> inflater_;
};

}  // namespace pollux::ws
