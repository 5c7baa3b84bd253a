// What an assembler makes of bytes, for tests that compare it.
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "proto/ws/message_assembler.h"
#include "unit/ws_support.h"

namespace pollux::test {

using ws::MessageAssembler;

/// What came of it: "text Hello", "ping abc", "binary-part a", "binary-end b"; and the code that it failed with.
struct Messages {
    std::vector<std::string> seen{};
    std::uint16_t failed = 0;

    friend bool operator==(const Messages&, const Messages&) = default;
};

inline void PrintTo(const Messages& messages, std::ostream* out) {
    *out << testing::PrintToString(messages.seen) << ", failed with " << messages.failed;
}

/// How an assembler is made.
struct AssemblerSetup {
    Role role = Role::server;
    MessageAssembler::Limits limits{};
    std::function<void(MessageAssembler&)> inflation{};  ///< Calls `inflate_with` or `inflate_by_itself`.
};

/// Takes pieces, each in memory of its own, and notes what comes of them.
class MessageReader {
public:
    explicit MessageReader(const AssemblerSetup& setup) : assembler_(setup.role, setup.limits, pool_) {
        if (setup.inflation) setup.inflation(assembler_);
    }

    void feed(std::string_view piece) {
        std::string input{piece};
        MutableBytes rest = std::as_writable_bytes(std::span{input});
        while (messages_.failed == 0) {
            const MessageAssembler::Event event = assembler_.next(rest);
            ASSERT_LE(event.consumed, rest.size());
            rest = rest.subspan(event.consumed);
            if (event.kind == MessageAssembler::Event::Kind::more) break;
            note(event);
        }
        ASSERT_TRUE(rest.empty() || messages_.failed != 0) << "what wants more has taken all";
    }

    [[nodiscard]] const Messages& messages() const { return messages_; }

private:
    void note(const MessageAssembler::Event& event) {
        using Kind = MessageAssembler::Event::Kind;
        const std::string type = event.type == ws::MessageType::text ? "text" : "binary";
        const std::string data{as_text(event.data)};
        switch (event.kind) {
            case Kind::message:
                messages_.seen.push_back(type + ' ' + data);
                break;
            case Kind::fragment:
                messages_.seen.push_back(type + (event.last ? "-end " : "-part ") + data);
                break;
            case Kind::ping:
                messages_.seen.push_back("ping " + data);
                break;
            case Kind::pong:
                messages_.seen.push_back("pong " + data);
                break;
            case Kind::close:
                messages_.seen.push_back("close " + data);
                break;
            case Kind::failed:
                messages_.failed = event.code;
                break;
            case Kind::more:
                break;
        }
    }

    BufferPool pool_;
    MessageAssembler assembler_;
    Messages messages_;
};

inline Messages read_messages(const AssemblerSetup& setup, Cut pieces) {
    MessageReader reader{setup};
    for (const std::string_view piece : pieces) reader.feed(piece);
    return reader.messages();
}

/// Parts put together, each message where its end came.
inline Messages joined_parts(const Messages& messages) {
    Messages joined{.failed = messages.failed};
    std::string begun;
    for (const std::string& each : messages.seen) {
        const std::size_t dash = each.find('-');
        const std::size_t space = each.find(' ');
        if (dash > space) {
            joined.seen.push_back(each);
            continue;
        }
        if (begun.empty()) begun = each.substr(0, dash) + ' ';
        begun += each.substr(space + 1);
        if (!each.substr(dash).starts_with("-end ")) continue;
        joined.seen.push_back(begun);
        begun.clear();
    }
    return joined;
}

/// The same however it is cut, and byte by byte, but for how a streamed message is divided.
inline Messages read_messages_everyhow(const AssemblerSetup& setup, const std::string& bytes) {
    const Messages whole = joined_parts(read_messages(setup, {bytes}));
    for_each_cut(bytes, [&](Cut pieces) {
        ASSERT_EQ(joined_parts(read_messages(setup, pieces)), whole) << "first piece: " << pieces.begin()->size();
    });
    MessageReader bytewise{setup};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytewise.feed(std::string_view{bytes}.substr(i, 1));
    EXPECT_EQ(joined_parts(bytewise.messages()), whole);
    return whole;
}

}  // namespace pollux::test
