// The codec of permessage-deflate, on zlib.
#include "proto/ws/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

namespace pollux::ws {

namespace {

constexpr std::size_t tail_bytes = 4;

/// Senders have no use for more than one last block in a message.
constexpr unsigned max_restarts = 16;

/// zlib counts in unsigned int.
uInt bounded(std::size_t size) noexcept {
    return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max() / 2));
}

/// zlib's declaration has no const, but it does not write there.
Bytef* input_of(Bytes bytes) noexcept {
    return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
}

}  // namespace

Deflater::Deflater(const DeflateSettings& settings) : stream_(std::make_unique<z_stream>()), settings_(settings) {
    const int result = deflateInit2(stream_.get(), settings.level, Z_DEFLATED, -static_cast<int>(settings.window_bits),
                                    static_cast<int>(settings.mem_level), Z_DEFAULT_STRATEGY);
    if (result != Z_OK) throw std::bad_alloc{};
}

Deflater::~Deflater() {
    deflateEnd(stream_.get());
}

void Deflater::compress(Bytes part, bool last, std::string& out) {
    const std::size_t before = out.size();
    do {
        const uInt given = bounded(part.size());
        stream_->next_in = input_of(part);
        stream_->avail_in = given;
        do {
            const std::size_t at = out.size();
            const std::size_t room = bound(stream_->avail_in);
            out.resize(at + room);
            stream_->next_out = reinterpret_cast<Bytef*>(out.data() + at);
            stream_->avail_out = static_cast<uInt>(room);
            deflate(stream_.get(), Z_SYNC_FLUSH);
            out.resize(at + room - stream_->avail_out);
        } while (stream_->avail_out == 0);
        part = part.subspan(given);
    } while (!part.empty());
    if (!last) return;
    // A flush right behind another one writes nothing; an empty stored block needs a first byte all the same (RFC 7692,
    // 7.2.3.6).
    if (out.size() - before > tail_bytes) {
        out.resize(out.size() - tail_bytes);
    } else {
        out.resize(before);
        out.push_back('\0');
    }
}

void Deflater::reset() noexcept {
    deflateReset(stream_.get());
}

Inflater::Inflater(unsigned window_bits) : stream_(std::make_unique<z_stream>()) {
    if (inflateInit2(stream_.get(), -static_cast<int>(window_bits)) != Z_OK) throw std::bad_alloc{};
}

Inflater::~Inflater() {
    inflateEnd(stream_.get());
}

Inflater::Step Inflater::inflate(Bytes& in, MutableBytes out) noexcept {
    stream_->next_out = reinterpret_cast<Bytef*>(out.data());
    stream_->avail_out = bounded(out.size());
    const uInt room = stream_->avail_out;
    int result = Z_OK;
    do {
        const uInt given = bounded(in.size());
        stream_->next_in = input_of(in);
        stream_->avail_in = given;
        result = ::inflate(stream_.get(), Z_SYNC_FLUSH);
        in = in.subspan(given - stream_->avail_in);
        // zlib tells of the bits that it has left over and of whether it is in the last block; between blocks, it adds
        // 128. When there is nothing to do, it tells nothing of use.
        if (result != Z_BUF_ERROR) between_blocks_ = stream_->data_type == 128;
        // A block that says it is the last one is not the end of the message (RFC 7692, 7.2.3.5).
        if (result == Z_STREAM_END && !begin_again()) result = Z_MEM_ERROR;
    } while ((result == Z_OK || result == Z_STREAM_END) && !in.empty() && stream_->avail_out != 0);
    const bool bad = result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR;
    return {room - stream_->avail_out, stream_->avail_out == 0, bad};
}

/// Goes on behind a last block, with the window as it is. That takes copies of the window, so a message cannot have
/// many of them: they would be two bytes each.
bool Inflater::begin_again() noexcept {
    if (++restarts_ > max_restarts) return false;
    std::array<Bytef, 32768> window;
    uInt size = static_cast<uInt>(window.size());
    if (inflateGetDictionary(stream_.get(), window.data(), &size) != Z_OK) return false;
    if (inflateReset(stream_.get()) != Z_OK) return false;
    return size == 0 || inflateSetDictionary(stream_.get(), window.data(), size) == Z_OK;
}

Bytes Inflater::tail() noexcept {
    static constexpr std::array<std::byte, tail_bytes> bytes{std::byte{0}, std::byte{0}, std::byte{0xff},
                                                             std::byte{0xff}};
    return bytes;
}

void Inflater::reset() noexcept {
    restarts_ = 0;
    inflateReset(stream_.get());
}

}  // namespace pollux::ws
