// Fields by their names, and the characters that messages are made of.
#include <pollux/http/fields.h>

#include <string>
#include <string_view>
#include <vector>

#include "proto/http/characters.h"
#include "unit/support.h"

namespace pollux::test {
namespace {

using http::Field;
using http::Fields;

/// Lines as a parser leaves them: bytes, and where in them each field lies.
class Lines {
public:
    Lines(std::initializer_list<Field> fields) {
        for (const Field field : fields) {
            const auto name = static_cast<std::uint32_t>(bytes_.size());
            bytes_.append(field.name).append(": ");
            const auto value = static_cast<std::uint32_t>(bytes_.size());
            bytes_.append(field.value).append("\r\n");
            positions_.push_back({name, value, static_cast<std::uint32_t>(field.value.size()),
                                  static_cast<std::uint16_t>(field.name.size())});
        }
    }

    [[nodiscard]] Fields fields() const { return {bytes_.data(), positions_}; }

private:
    std::string bytes_;
    std::vector<Fields::Position> positions_;
};

TEST(HttpFieldsTest, none_are_found_among_none) {
    const Fields fields;
    EXPECT_TRUE(fields.empty());
    EXPECT_EQ(fields.begin(), fields.end());
    EXPECT_EQ(fields.find("Host"), std::nullopt);
    EXPECT_EQ(fields.count("Host"), 0u);
    EXPECT_FALSE(fields.has_token("Connection", "close"));
}

TEST(HttpFieldsTest, are_found_without_case_and_in_order) {
    const Lines lines{{"Accept", "a"}, {"X-Empty", ""}, {"ACCEPT", "b"}, {"accep", "c"}, {"Accept_", "d"}};
    const Fields fields = lines.fields();
    EXPECT_EQ(fields.size(), 5u);
    EXPECT_EQ(fields.find("aCCept"), "a");
    EXPECT_EQ(fields.find("x-empty"), "");
    EXPECT_TRUE(fields.contains("x-empty"));
    EXPECT_FALSE(fields.contains("x"));
    EXPECT_FALSE(fields.contains(""));
    EXPECT_EQ(fields.count("accept"), 2u);
    std::string values;
    fields.each("Accept", [&](std::string_view value) { values += value; });
    EXPECT_EQ(values, "ab");
    std::string names;
    for (const Field field : fields) names.append(field.name).append(",");
    EXPECT_EQ(names, "Accept,X-Empty,ACCEPT,accep,Accept_,");
}

TEST(HttpFieldsTest, only_letters_have_case) {
    EXPECT_TRUE(http::same_name("Content-Length", "cONTENT-lENGTH"));
    EXPECT_FALSE(http::same_name("a@", "a`"));
    EXPECT_FALSE(http::same_name("a[", "a{"));
    EXPECT_FALSE(http::same_name("a", "ab"));
    EXPECT_FALSE(http::same_name("\xC4", "\xE4"));
}

TEST(HttpFieldsTest, lists_are_looked_through_member_by_member) {
    const Lines lines{{"Connection", "keep-alive ,\tUPGRADE,, x"}, {"Other", "close"}, {"connection", "last"}};
    const Fields fields = lines.fields();
    for (const std::string_view token : {"Keep-Alive", "upgrade", "X", "last"}) {
        EXPECT_TRUE(fields.has_token("Connection", token)) << token;
    }
    for (const std::string_view token : {"close", "keep", "alive", "keep-alive ", "upgrade, x"}) {
        EXPECT_FALSE(fields.has_token("Connection", token)) << token;
    }
}

TEST(HttpCharactersTest, tokens_and_values_are_what_the_grammar_says) {
    const std::string_view marks = "!#$%&'*+-.^_`|~";
    for (int code = 0; code < 256; ++code) {
        const char c = static_cast<char>(code);
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool digit = c >= '0' && c <= '9';
        EXPECT_EQ(http::is_token({&c, 1}), letter || digit || marks.find(c) != std::string_view::npos) << code;
        EXPECT_EQ(http::is_field_value({&c, 1}), c == '\t' || (code >= 0x20 && code != 0x7F)) << code;
    }
    EXPECT_FALSE(http::is_token(""));
    EXPECT_FALSE(http::is_token("a b"));
    EXPECT_TRUE(http::is_field_value(""));
}

TEST(HttpCharactersTest, blanks_are_trimmed_around_only) {
    EXPECT_EQ(http::trim(" \t a b\t "), "a b");
    EXPECT_EQ(http::trim(" \t"), "");
    EXPECT_EQ(http::trim(""), "");
    EXPECT_EQ(http::trim("\r\n"), "\r\n");
}

TEST(HttpCharactersTest, a_list_is_taken_apart_at_its_commas) {
    std::vector<std::string_view> members;
    for (std::string_view list = " a ,b,, \tc d"; !list.empty();) members.push_back(http::next_member(list));
    EXPECT_EQ(members, (std::vector<std::string_view>{"a", "b", "", "c d"}));
}

}  // namespace
}  // namespace pollux::test
