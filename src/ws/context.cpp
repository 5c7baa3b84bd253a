// What the WebSockets of a reactor share.
#include "ws/context.h"

#include "random_bytes.h"

namespace pollux::ws {

void MaskKeys::refill() {
    fill_random(std::as_writable_bytes(std::span{keys_}));
    at_ = 0;
}

Deflater& Context::deflater(const DeflateSettings& settings) {
    for (const auto& deflater : deflaters_) {
        if (deflater->settings() == settings) return *deflater;
    }
    return *deflaters_.emplace_back(std::make_unique<Deflater>(settings));
}

Inflater& Context::inflater() {
    if (inflater_ == nullptr) inflater_ = std::make_unique<Inflater>(15U);
    return *inflater_;
}

}  // namespace pollux::ws
