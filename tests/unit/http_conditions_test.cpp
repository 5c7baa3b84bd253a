// Conditional requests: each condition, their order, entity tags in lists, dates; and which coding a client takes.
#include "proto/http/conditions.h"

#include <pollux/http/fields.h>

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/http/accept_encoding.h"
#include "unit/support.h"

namespace pollux::http {

void PrintTo(Precondition precondition, std::ostream* out) {
    constexpr std::array names{"met", "not_modified", "failed"};
    *out << names[static_cast<std::size_t>(precondition)];
}

}  // namespace pollux::http

namespace pollux::test {
namespace {

using http::check_preconditions;
using http::Fields;
using http::has_conditions;
using http::Precondition;
using http::prefers_gzip;
using http::range_applies;

constexpr std::string_view before = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view exactly = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view after = "Sun, 06 Nov 1994 08:49:38 GMT";
constexpr http::Validators current{"\"v1\"", 784'111'777};
constexpr std::int64_t now = 1'790'000'000;

/// Fields that own their text.
class Head {
public:
    Head(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
        for (const auto& [name, value] : fields) {
            Fields::Position position;
            position.name = static_cast<std::uint32_t>(text_.size());
            position.name_size = static_cast<std::uint16_t>(name.size());
            text_ += name;
            position.value = static_cast<std::uint32_t>(text_.size());
            position.value_size = static_cast<std::uint32_t>(value.size());
            text_ += value;
            positions_.push_back(position);
        }
    }

    [[nodiscard]] Fields fields() const { return {text_.data(), positions_}; }

private:
    std::string text_;
    std::vector<Fields::Position> positions_;
};

Precondition outcome(const Head& head) {
    const Precondition precondition = check_preconditions(head.fields(), current, now);
    if (precondition != Precondition::met) {
        EXPECT_TRUE(has_conditions(head.fields()));
    }
    return precondition;
}

TEST(ConditionsTest, a_request_may_have_none) {
    const Head head{{"Host", "here"}, {"If", "x"}, {"Iffy", "x"}};
    EXPECT_FALSE(has_conditions(head.fields()));
    EXPECT_EQ(outcome(head), Precondition::met);
    EXPECT_TRUE(range_applies(head.fields(), current, now));
    for (const char* name : {"If-Match", "if-none-match", "IF-MODIFIED-SINCE", "If-Unmodified-Since", "If-Range"}) {
        EXPECT_TRUE(has_conditions(Head{{name, "x"}}.fields())) << name;
    }
}

TEST(ConditionsTest, if_match_wants_the_current_state) {
    EXPECT_EQ(outcome({{"If-Match", "\"v1\""}}), Precondition::met);
    EXPECT_EQ(outcome({{"If-Match", "*"}}), Precondition::met);
    EXPECT_EQ(outcome({{"If-Match", "\"v0\", \"v1\""}}), Precondition::met);
    EXPECT_EQ(outcome({{"If-Match", "\"v0\""}}), Precondition::failed);
    EXPECT_EQ(outcome({{"If-Match", "W/\"v1\""}}), Precondition::failed) << "it is compared strongly";
    EXPECT_EQ(outcome({{"If-Match", ""}}), Precondition::failed);
}

TEST(ConditionsTest, if_none_match_wants_another_state) {
    EXPECT_EQ(outcome({{"If-None-Match", "\"v1\""}}), Precondition::not_modified);
    EXPECT_EQ(outcome({{"If-None-Match", "W/\"v1\""}}), Precondition::not_modified) << "it is compared weakly";
    EXPECT_EQ(outcome({{"If-None-Match", "*"}}), Precondition::not_modified);
    EXPECT_EQ(outcome({{"If-None-Match", "\"v0\""}}), Precondition::met);
    EXPECT_EQ(outcome({{"If-None-Match", ""}}), Precondition::met);
}

TEST(ConditionsTest, lists_are_read_across_lines_and_blanks) {
    EXPECT_EQ(outcome({{"If-None-Match", ",, \"v0\" ,\tW/\"v1\""}}), Precondition::not_modified);
    EXPECT_EQ(outcome({{"If-None-Match", "\"v0\""}, {"if-none-match", "\"v1\""}}), Precondition::not_modified);
    EXPECT_EQ(outcome({{"If-Match", "\"v0\""}, {"If-Match", "\"v1\""}}), Precondition::met);
}

TEST(ConditionsTest, a_tag_may_have_commas_in_it) {
    EXPECT_EQ(outcome({{"If-None-Match", "\"v0,\"v1\"\""}}), Precondition::met);
    EXPECT_EQ(outcome({{"If-None-Match", "\"a, \\\", \"v1\""}}), Precondition::not_modified) << "nor does \\ escape";
    const http::Validators odd{"\"a,b\"", 0};
    EXPECT_EQ(check_preconditions(Head{{"If-None-Match", "\"a\", \"a,b\""}}.fields(), odd, now),
              Precondition::not_modified);
}

TEST(ConditionsTest, what_is_malformed_matches_nothing) {
    for (const char* list : {"v1", "\"v1", "v1\"", "'v1'", "w/\"v1\"", "W/v1", "W/", "W", "\"", "**", "* \"v1\"",
                             "x, \"v1\"", "W/W/\"v1\""}) {
        EXPECT_EQ(outcome({{"If-None-Match", list}}), Precondition::met) << list;
        EXPECT_EQ(outcome({{"If-Match", list}}), Precondition::failed) << list;
    }
}

TEST(ConditionsTest, if_modified_since_wants_a_later_state) {
    EXPECT_EQ(outcome({{"If-Modified-Since", before}}), Precondition::met);
    EXPECT_EQ(outcome({{"If-Modified-Since", exactly}}), Precondition::not_modified);
    EXPECT_EQ(outcome({{"If-Modified-Since", after}}), Precondition::not_modified);
    EXPECT_EQ(outcome({{"If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"}}), Precondition::not_modified);
}

TEST(ConditionsTest, if_unmodified_since_wants_no_later_state) {
    EXPECT_EQ(outcome({{"If-Unmodified-Since", before}}), Precondition::failed);
    EXPECT_EQ(outcome({{"If-Unmodified-Since", exactly}}), Precondition::met);
    EXPECT_EQ(outcome({{"If-Unmodified-Since", after}}), Precondition::met);
}

TEST(ConditionsTest, a_date_that_is_none_or_comes_twice_is_ignored) {
    EXPECT_EQ(outcome({{"If-Modified-Since", "yesterday"}}), Precondition::met);
    EXPECT_EQ(outcome({{"If-Modified-Since", exactly}, {"If-Modified-Since", exactly}}), Precondition::met);
    EXPECT_EQ(outcome({{"If-Unmodified-Since", "0"}}), Precondition::met);
    EXPECT_EQ(outcome({{"If-Unmodified-Since", before}, {"If-Unmodified-Since", before}}), Precondition::met);
}

TEST(ConditionsTest, tags_go_before_dates) {
    EXPECT_EQ(outcome({{"If-Match", "\"v1\""}, {"If-Unmodified-Since", before}}), Precondition::met);
    EXPECT_EQ(outcome({{"If-Match", "\"v0\""}, {"If-Unmodified-Since", after}}), Precondition::failed);
    EXPECT_EQ(outcome({{"If-None-Match", "\"v0\""}, {"If-Modified-Since", exactly}}), Precondition::met);
    EXPECT_EQ(outcome({{"If-None-Match", "\"v1\""}, {"If-Modified-Since", before}}), Precondition::not_modified);
    EXPECT_EQ(outcome({{"If-None-Match", "nonsense"}, {"If-Modified-Since", exactly}}), Precondition::met);
}

TEST(ConditionsTest, what_must_hold_goes_before_what_must_not) {
    EXPECT_EQ(outcome({{"If-Match", "\"v0\""}, {"If-None-Match", "\"v1\""}}), Precondition::failed);
    EXPECT_EQ(outcome({{"If-Match", "\"v1\""}, {"If-None-Match", "\"v1\""}}), Precondition::not_modified);
    EXPECT_EQ(outcome({{"If-Unmodified-Since", before}, {"If-Modified-Since", exactly}}), Precondition::failed);
}

TEST(ConditionsTest, if_range_wants_exactly_the_current_state) {
    const auto applies = [](const Head& head, std::int64_t time = now) {
        return range_applies(head.fields(), current, time);
    };
    EXPECT_TRUE(applies({{"If-Range", "\"v1\""}}));
    EXPECT_FALSE(applies({{"If-Range", "\"v0\""}}));
    EXPECT_FALSE(applies({{"If-Range", "W/\"v1\""}}));
    EXPECT_FALSE(applies({{"If-Range", "\"v0\", \"v1\""}}));
    EXPECT_FALSE(applies({{"If-Range", "*"}}));
    EXPECT_FALSE(applies({{"If-Range", ""}}));
    EXPECT_FALSE(applies({{"If-Range", "\"v1\""}, {"If-Range", "\"v1\""}}));
    EXPECT_TRUE(applies({{"If-Range", exactly}}));
    EXPECT_FALSE(applies({{"If-Range", before}}));
    EXPECT_FALSE(applies({{"If-Range", after}}));
    EXPECT_FALSE(applies({{"If-Range", exactly}}, current.modified)) << "it could change in that second";
}

bool takes_gzip(std::string_view accepted) {
    return prefers_gzip(Head{{"Accept-Encoding", accepted}}.fields());
}

TEST(AcceptEncodingTest, gzip_is_sent_to_whom_takes_it) {
    EXPECT_FALSE(prefers_gzip(Head{}.fields()));
    for (const char* list : {"gzip", "GZip", "x-gzip", "deflate, gzip;q=1.0, *;q=0.5", "br, gzip", "*", "gzip;q=0.001",
                             "gzip ; q=0.5", "gzip;Q=0.5", "identity;q=0.5, gzip;q=0.5", "*;q=0.2, identity;q=0.1",
                             "gzip;q=1.", "gzip;q=1.000", "identity;q=0, *"}) {
        EXPECT_TRUE(takes_gzip(list)) << list;
    }
    EXPECT_TRUE(prefers_gzip(Head{{"accept-encoding", "br"}, {"Accept-Encoding", "gzip"}}.fields()));
}

TEST(AcceptEncodingTest, gzip_is_not_sent_to_whom_does_not) {
    for (const char* list : {"", "identity", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *", "gzipped", "gzi",
                             "identity;q=1, gzip;q=0.5", "identity, *;q=0.5", "deflate;gzip"}) {
        EXPECT_FALSE(takes_gzip(list)) << list;
    }
}

TEST(AcceptEncodingTest, a_weight_that_is_none_is_no_yes) {
    for (const char* list :
         {"gzip;q=2", "gzip;q=1.001", "gzip;q=-1", "gzip;q=", "gzip;q", "gzip;", "gzip;q=.5", "gzip;q=0.1234",
          "gzip;q=0,5", "gzip;q=0x1", "gzip;q=1;x=1", "gzip;level=9", "gzip;q = 1"}) {
        EXPECT_FALSE(takes_gzip(list)) << list;
    }
}

}  // namespace
}  // namespace pollux::test
