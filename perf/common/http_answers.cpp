// Taking HTTP answers off a stream.
#include "http_answers.h"

#include <charconv>

#include <pollux/http/fields.h>

namespace perf {
namespace {

constexpr std::size_t most_head_bytes = 16 * 1024;

std::optional<std::size_t> number(std::string_view text) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// `head` is a status line and field lines, each with its end.
std::optional<std::size_t> content_length(std::string_view head) {
    constexpr std::string_view name = "Content-Length";
    for (std::size_t end = head.find("\r\n"); end != std::string_view::npos; end = head.find("\r\n")) {
        const std::string_view line = head.substr(0, end);
        const std::size_t colon = line.find(':');
        if (colon == name.size() && pollux::http::same_name(line.substr(0, colon), name)) {
            const std::size_t value = line.find_first_not_of(' ', colon + 1);
            return value == std::string_view::npos ? std::nullopt : number(line.substr(value));
        }
        head.remove_prefix(end + 2);
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::size_t> HttpAnswerReader::read(std::string_view bytes) {
    if (!begun_.empty()) bytes = begun_.append(bytes);
    std::size_t answers = 0;
    std::size_t taken = 0;
    for (std::string_view left = bytes; !left.empty(); left = bytes.substr(taken)) {
        std::size_t size = last_.size();
        if (last_.empty() || !left.starts_with(last_)) {
            const std::optional<std::size_t> measured = measure(left);
            if (!measured) return std::nullopt;
            if (*measured == 0) break;
            size = *measured;
            last_ = left.substr(0, size);
        }
        ++answers;
        taken += size;
    }
    begun_ = std::string{bytes.substr(taken)};
    return answers;
}

std::optional<std::size_t> HttpAnswerReader::measure(std::string_view bytes) const {
    constexpr std::string_view status = "HTTP/1.1 200 ";
    constexpr std::string_view empty_line = "\r\n\r\n";

    if (!bytes.starts_with(status.substr(0, bytes.size()))) return std::nullopt;
    const std::size_t end = bytes.find(empty_line);
    if (end == std::string_view::npos)
        return bytes.size() > most_head_bytes ? std::nullopt : std::optional{std::size_t{0}};
    if (content_length(bytes.substr(0, end + 2)) != body_.size()) return std::nullopt;

    const std::string_view body = bytes.substr(end + empty_line.size(), body_.size());
    if (body != body_.substr(0, body.size())) return std::nullopt;
    return body.size() == body_.size() ? end + empty_line.size() + body.size() : 0;
}

}  // namespace perf
