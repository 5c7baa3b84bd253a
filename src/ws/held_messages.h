// Messages that wait until another one, which is sent in fragments, is complete.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>

#include <pollux/bytes.h>
#include <pollux/ws/message.h>

namespace pollux::ws {

/// In the order they were sent in.
class HeldMessages {
public:
    void add(MessageType type, Bytes data) {
        const Record record{data.size(), type};
        char bytes[sizeof record];
        std::memcpy(bytes, &record, sizeof record);
        all_.append(bytes, sizeof record).append(as_text(data));
    }

    [[nodiscard]] std::size_t bytes() const noexcept { return all_.size(); }

    /// Calls `visit(type, data)` for each.
    template <class Visit>
    void each(Visit&& visit) const {
        for (std::size_t at = 0; at < all_.size();) {
            Record record;
            std::memcpy(&record, all_.data() + at, sizeof record);
            at += sizeof record;
            visit(record.type, as_bytes(std::string_view{all_}.substr(at, record.size)));
            at += record.size;
        }
    }

private:
    struct Record {
        std::size_t size;
        MessageType type;
    };

    std::string all_;
};

}  // namespace pollux::ws
