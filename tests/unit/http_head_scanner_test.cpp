// The end of a head, found however it is cut, and what no head may have in it.
#include "proto/http/head_scanner.h"

#include <optional>
#include <string>
#include <string_view>

#include "unit/support.h"

namespace pollux::test {
namespace {

using http::HeadScanner;
using Outcome = HeadScanner::Outcome;

struct Verdict {
    Outcome outcome = Outcome::incomplete;
    std::size_t size = 0;  // if it is complete
    std::size_t first_line = 0;

    friend bool operator==(const Verdict&, const Verdict&) = default;
};

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

/// What a scanner has to say, worked out line by line and byte by byte.
Verdict judge(std::string_view text) {
    Verdict verdict;
    for (std::size_t line = 0;;) {
        const bool folded = line != 0 && line < text.size() && (text[line] == ' ' || text[line] == '\t');
        std::size_t end = line;
        while (end < text.size() && !is_control(text[end])) ++end;
        const std::string_view rest = text.substr(end);
        if (folded) {
            verdict.outcome = Outcome::folded_line;
        } else if (rest.empty() || rest == "\r") {
            verdict.outcome = Outcome::incomplete;
        } else if (rest.starts_with('\n') || (rest.starts_with('\r') && rest[1] != '\n')) {
            verdict.outcome = Outcome::bad_line_end;
        } else if (!rest.starts_with('\r')) {
            verdict.outcome = Outcome::bad_character;
        } else {
            if (line == 0) verdict.first_line = end + 2;
            if (end != line) {
                line = end + 2;
                continue;
            }
            verdict.outcome = Outcome::complete;
            verdict.size = end + 2;
        }
        return verdict;
    }
}

/// Scans a text as far as it is there, in memory that ends where it does.
Verdict scan(HeadScanner& scanner, std::string_view text) {
    const std::string exact{text};
    Verdict verdict{.outcome = scanner.scan(exact)};
    if (verdict.outcome == Outcome::complete) verdict.size = scanner.size();
    verdict.first_line = scanner.first_line();
    return verdict;
}

TEST(HttpHeadScannerTest, finds_the_end_at_every_cut) {
    const std::string head = "POST /a/long/enough/path HTTP/1.1\r\nHost: a\r\nX:\r\nY: \tb\tc \x80\xFF\r\n\r\n";
    const std::string text = head + "body\r\n\r\n";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        HeadScanner scanner;
        const Outcome first = scan(scanner, std::string_view{text}.substr(0, cut)).outcome;
        ASSERT_EQ(first, cut < head.size() ? Outcome::incomplete : Outcome::complete) << cut;
        if (first == Outcome::incomplete) {
            ASSERT_EQ(scan(scanner, text).outcome, Outcome::complete) << cut;
        }
        ASSERT_EQ(scanner.size(), head.size()) << cut;
        ASSERT_EQ(scanner.first_line(), head.find("\r\n") + 2) << cut;
    }
}

TEST(HttpHeadScannerTest, begins_anew_after_reset) {
    HeadScanner scanner;
    EXPECT_EQ(scanner.scan("a\r\n\r\n"), Outcome::complete);
    scanner.reset();
    EXPECT_EQ(scanner.size(), 0u);
    EXPECT_EQ(scanner.first_line(), 0u);
    EXPECT_EQ(scanner.scan("bc\r\n\r\nd"), Outcome::complete);
    EXPECT_EQ(scanner.size(), 6u);
}

TEST(HttpHeadScannerTest, an_empty_first_line_is_all_of_a_head) {
    HeadScanner scanner;
    EXPECT_EQ(scanner.scan("\r\nHost: a\r\n"), Outcome::complete);
    EXPECT_EQ(scanner.size(), 2u);
}

TEST(HttpHeadScannerTest, every_byte_is_judged_at_every_place_of_a_word) {
    for (int byte = 0; byte < 256; ++byte) {
        for (std::size_t place = 0; place < 20; ++place) {
            std::string text = "a\r\n" + std::string(20, '\x81') + "\r\n\r\n";
            text[3 + place] = static_cast<char>(byte);
            HeadScanner scanner;
            ASSERT_EQ(scan(scanner, text), judge(text)) << "byte " << byte << " at " << place;
        }
    }
}

/// A text of what heads are made of and of what they must not have.
std::string random_text(Random& random) {
    static const std::string pieces[] = {"a",  "Host: abcdefgh", "\r\n",    "\r\n", "\r\n", "\r",       "\n", " ",
                                         "\t", "\x80",           {"\0", 1}, "\x1F", "\x7F", "12345678", "xyz"};
    const std::size_t hostile = random.one_in(2) ? std::size(pieces) - 1 : 4;
    std::string text;
    for (std::size_t count = random.size_up_to(12); count > 0; --count) text += pieces[random.size_up_to(hostile)];
    return text;
}

TEST(HttpHeadScannerTest, agrees_with_a_naive_one_however_bytes_come_in) {
    Random random{7};
    for (std::size_t round = 0; round < scaled(100'000); ++round) {
        const std::string text = random_text(random);
        HeadScanner scanner;
        for (std::size_t size = 0; size <= text.size(); size += 1 + random.size_up_to(8)) {
            const std::string_view there = std::string_view{text}.substr(0, size);
            const Verdict verdict = scan(scanner, there);
            ASSERT_EQ(verdict, judge(there)) << testing::PrintToString(there);
            if (verdict.outcome != Outcome::incomplete) break;
        }
    }
}

}  // namespace
}  // namespace pollux::test
