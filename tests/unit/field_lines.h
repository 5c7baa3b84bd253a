// Header fields for the tests of those who read them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "proto/http/message_parser.h"

namespace pollux::test {

/// The fields of a head, as HTTP's parser gives them.
class FieldLines {
public:
    /// Lines with their ends.
    explicit FieldLines(std::string_view lines)
        : head_(std::string{"GET / HTTP/1.1\r\n"}.append(lines).append("\r\n")) {
        EXPECT_TRUE(parser_.parse_head(head_, {})) << head_;
    }

    [[nodiscard]] http::Fields fields() const { return {head_.data(), parser_.fields()}; }

private:
    std::string head_;
    http::MessageParser parser_{http::MessageParser::Direction::request};
};

}  // namespace pollux::test
