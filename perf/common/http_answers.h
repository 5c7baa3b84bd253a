// The answers that come back from an HTTP server: every byte of them is looked at, by memcmp where an answer is like
// the one before it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace perf {

/// Takes answers off a stream, in pieces of any size: status 200, a Content-Length, and always the same body.
class HttpAnswerReader {
public:
    explicit HttpAnswerReader(std::string_view body) : body_(body) {}

    /// How many answers are complete with these bytes; nothing if something else came.
    [[nodiscard]] std::optional<std::size_t> read(std::string_view bytes);

private:
    /// How long the answer at the beginning of `bytes` is; 0 if it is not complete, nothing if it is not as expected.
    [[nodiscard]] std::optional<std::size_t> measure(std::string_view bytes) const;

    std::string_view body_;
    std::string last_;   // answer. The next one is the same, until a second has passed and its date differs.
    std::string begun_;  // answer that has come in part
};

}  // namespace perf
