// Negotiating permessage-deflate (RFC 7692, 5 and 7.1): what a server makes of offers, and a client of answers.
#include "proto/ws/deflate_offer.h"

#include <optional>
#include <string>
#include <string_view>

#include "unit/field_lines.h"
#include "unit/ws_support.h"

namespace pollux::test {
namespace {

using ws::choose_deflate;
using ws::Deflate;
using ws::deflate_answer;
using ws::deflate_offer;
using ws::DeflateAgreement;
using ws::DeflateAnswer;
using ws::DeflateMemory;
using ws::read_deflate_answer;

Deflate with_own_memory() {
    return {.enabled = true, .memory = DeflateMemory::per_connection};
}

std::string line(std::string_view value) {
    return std::string{"Sec-WebSocket-Extensions: "}.append(value).append("\r\n");
}

/// What a server answers to lines of offers; empty if it takes none.
std::string answer_to_lines(std::string_view lines, const Deflate& wanted = with_own_memory()) {
    const FieldLines request{lines};
    const std::optional<DeflateAgreement> agreement = choose_deflate(request.fields(), wanted);
    return agreement ? deflate_answer(*agreement) : std::string{};
}

std::string answer_to(std::string_view offers, const Deflate& wanted = with_own_memory()) {
    return answer_to_lines(line(offers), wanted);
}

DeflateAnswer read_answer(std::string_view answer, const Deflate& offered = with_own_memory()) {
    const FieldLines fields{answer.empty() ? std::string{} : line(answer)};
    return read_deflate_answer(fields.fields(), offered);
}

TEST(WsDeflateOfferTest, nothing_is_agreed_on_that_one_side_does_not_want) {
    EXPECT_EQ(answer_to("permessage-deflate", {}), "");
    EXPECT_EQ(answer_to_lines(""), "");
    EXPECT_EQ(answer_to(""), "");
    EXPECT_EQ(answer_to("x-webkit-deflate-frame"), "");
    EXPECT_EQ(answer_to("permessage-bzip2; client_max_window_bits"), "");
}

TEST(WsDeflateOfferTest, a_server_takes_the_offer_as_it_is) {
    EXPECT_EQ(answer_to("permessage-deflate"), "permessage-deflate");
    EXPECT_EQ(answer_to("permessage-deflate; server_no_context_takeover"),
              "permessage-deflate; server_no_context_takeover");
    EXPECT_EQ(answer_to("permessage-deflate; client_no_context_takeover"),
              "permessage-deflate; client_no_context_takeover");
    EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits"), "permessage-deflate");
    EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits=10"),
              "permessage-deflate; client_max_window_bits=10");
}

TEST(WsDeflateOfferTest, a_window_that_is_asked_for_is_answered) {  // RFC 7692, 7.1.2.1
    for (unsigned bits = 8; bits <= 15; ++bits) {
        const std::string offer = "permessage-deflate; server_max_window_bits=" + std::to_string(bits);
        EXPECT_EQ(answer_to(offer), offer);
    }
    Deflate wanted = with_own_memory();
    wanted.server_max_window_bits = 11;
    EXPECT_EQ(answer_to("permessage-deflate; server_max_window_bits=12", wanted),
              "permessage-deflate; server_max_window_bits=11");
    EXPECT_EQ(answer_to("permessage-deflate; server_max_window_bits=10", wanted),
              "permessage-deflate; server_max_window_bits=10");
    EXPECT_EQ(answer_to("permessage-deflate", wanted), "permessage-deflate; server_max_window_bits=11");
}

TEST(WsDeflateOfferTest, only_who_can_limit_its_window_is_told_to) {  // RFC 7692, 7.1.2.2
    Deflate wanted = with_own_memory();
    wanted.client_max_window_bits = 11;
    EXPECT_EQ(answer_to("permessage-deflate", wanted), "permessage-deflate");
    EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits", wanted),
              "permessage-deflate; client_max_window_bits=11");
    EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits=10", wanted),
              "permessage-deflate; client_max_window_bits=10");
    EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits=15", wanted),
              "permessage-deflate; client_max_window_bits=11");
}

TEST(WsDeflateOfferTest, a_server_asks_for_what_it_wants) {
    const std::string without = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    EXPECT_EQ(answer_to("permessage-deflate", {.enabled = true, .memory = DeflateMemory::shared}), without);
    Deflate wanted = with_own_memory();
    wanted.server_no_context_takeover = wanted.client_no_context_takeover = true;
    EXPECT_EQ(answer_to("permessage-deflate", wanted), without);
}

TEST(WsDeflateOfferTest, the_first_good_offer_is_taken) {  // RFC 7692, 5
    EXPECT_EQ(answer_to("permessage-deflate; server_max_window_bits=10, permessage-deflate"),
              "permessage-deflate; server_max_window_bits=10");
    EXPECT_EQ(answer_to("foo, permessage-deflate; unknown=1, permessage-deflate; client_max_window_bits=9"),
              "permessage-deflate; client_max_window_bits=9");
    EXPECT_EQ(answer_to_lines(line("foo; bar=\"baz\"") + line("permessage-deflate; server_max_window_bits=7") +
                              line("permessage-deflate; client_no_context_takeover")),
              "permessage-deflate; client_no_context_takeover");
}

TEST(WsDeflateOfferTest, lists_may_be_written_in_any_way) {  // RFC 6455, 9.1; RFC 9110, 5.6.1
    const std::string expected = "permessage-deflate; server_max_window_bits=10";
    for (const std::string_view offer :
         {"permessage-deflate;server_max_window_bits=10", "permessage-deflate ; server_max_window_bits = 10",
          "permessage-deflate;\tserver_max_window_bits=\"10\"", ", ,permessage-deflate; server_max_window_bits=10,,"}) {
        EXPECT_EQ(answer_to(offer), expected) << offer;
    }
}

/// Parameters that make an offer or an answer bad.
constexpr std::string_view bad_parameters[] = {
    "unknown",
    "unknown=1",
    "server_no_context_takeover=1",
    "client_no_context_takeover=true",
    "server_no_context_takeover; server_no_context_takeover",
    "client_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits",
    "server_max_window_bits=7",
    "server_max_window_bits=16",
    "server_max_window_bits=08",
    "server_max_window_bits=010",
    "server_max_window_bits=0",
    "server_max_window_bits=1",
    "server_max_window_bits=100",
    "server_max_window_bits=-9",
    "server_max_window_bits=a",
    "server_max_window_bits=10; server_max_window_bits=10",
    "client_max_window_bits=7",
    "client_max_window_bits=16",
    "client_max_window_bits=09",
    "client_max_window_bits=+9",
    "client_max_window_bits=9; client_max_window_bits",
    "client_max_window_bits; client_max_window_bits",
    "Server_max_window_bits=10",
};

/// What is no list of extensions.
constexpr std::string_view no_lists[] = {
    "permessage-deflate;",
    "permessage-deflate; ;",
    "permessage-deflate; =10",
    "permessage-deflate; server_max_window_bits=",
    "permessage-deflate; server_max_window_bits=\"10",
    "permessage-deflate; server_max_window_bits=10\"",
    "permessage-deflate; server_max_window_bits=\"\"",
    "permessage-deflate server_max_window_bits=10",
    "permessage-deflate=10",
    "\"permessage-deflate\"",
    "; permessage-deflate",
    "permessage-deflate; a=b c",
    "permessage-deflate/1",
};

TEST(WsDeflateOfferTest, bad_offers_are_passed_over) {  // RFC 7692, 7.1
    for (const std::string_view parameters : bad_parameters) {
        const std::string bad = std::string{"permessage-deflate; "}.append(parameters);
        EXPECT_EQ(answer_to(bad), "") << bad;
        EXPECT_EQ(answer_to(bad + ", permessage-deflate"), "permessage-deflate") << bad;
    }
    for (const std::string_view bad : no_lists) {
        EXPECT_EQ(answer_to(bad), "") << bad;
        EXPECT_EQ(answer_to_lines(line("permessage-deflate") + line(bad)), "") << bad;
    }
}

TEST(WsDeflateOfferTest, a_client_offers_what_it_wants) {
    EXPECT_EQ(deflate_offer(with_own_memory()), "permessage-deflate; client_max_window_bits");
    EXPECT_EQ(deflate_offer({.enabled = true, .memory = DeflateMemory::shared}),
              "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits");
    Deflate wanted = with_own_memory();
    wanted.server_max_window_bits = 10;
    wanted.client_max_window_bits = 9;
    EXPECT_EQ(deflate_offer(wanted), "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9");
}

TEST(WsDeflateOfferTest, a_client_need_not_get_it) {
    for (const Deflate& offered : {Deflate{}, with_own_memory()}) {
        const DeflateAnswer answer = read_answer("", offered);
        EXPECT_TRUE(answer.acceptable);
        EXPECT_FALSE(answer.agreement);
    }
}

TEST(WsDeflateOfferTest, a_client_takes_what_the_server_says) {
    const DeflateAnswer plain = read_answer("permessage-deflate");
    ASSERT_TRUE(plain.acceptable && plain.agreement);
    EXPECT_FALSE(plain.agreement->server_no_context_takeover);
    EXPECT_FALSE(plain.agreement->client_no_context_takeover);
    EXPECT_EQ(plain.agreement->window_bits(Role::server), 15u);
    EXPECT_EQ(plain.agreement->window_bits(Role::client), 15u);

    const DeflateAnswer full = read_answer(
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; "
        "client_max_window_bits=\"9\"");
    ASSERT_TRUE(full.acceptable && full.agreement);
    EXPECT_TRUE(full.agreement->no_context_takeover(Role::server));
    EXPECT_TRUE(full.agreement->no_context_takeover(Role::client));
    EXPECT_EQ(full.agreement->window_bits(Role::server), 8u);
    EXPECT_EQ(full.agreement->window_bits(Role::client), 9u);
}

TEST(WsDeflateOfferTest, a_client_keeps_what_it_has_announced) {
    Deflate offered = with_own_memory();
    offered.client_no_context_takeover = true;
    offered.client_max_window_bits = 10;
    const DeflateAnswer answer = read_answer("permessage-deflate", offered);
    ASSERT_TRUE(answer.agreement);
    EXPECT_TRUE(answer.agreement->client_no_context_takeover);
    EXPECT_EQ(answer.agreement->client_window_bits, 10u);
}

TEST(WsDeflateOfferTest, a_client_refuses_what_it_did_not_offer) {  // RFC 6455, 4.1; RFC 7692, 7.1
    EXPECT_FALSE(read_answer("permessage-deflate", {}).acceptable);
    EXPECT_FALSE(read_answer("foo").acceptable);
    EXPECT_FALSE(read_answer("permessage-deflate, permessage-deflate").acceptable);
    EXPECT_FALSE(read_answer("permessage-deflate, foo").acceptable);
    EXPECT_FALSE(read_answer("permessage-deflate; client_max_window_bits").acceptable) << "an answer has a value";
    for (const std::string_view parameters : bad_parameters) {
        EXPECT_FALSE(read_answer(std::string{"permessage-deflate; "}.append(parameters)).acceptable) << parameters;
    }
    for (const std::string_view bad : no_lists) EXPECT_FALSE(read_answer(bad).acceptable) << bad;
}

TEST(WsDeflateOfferTest, a_client_refuses_less_than_it_asked_for) {
    Deflate offered = with_own_memory();
    offered.server_max_window_bits = 10;
    EXPECT_FALSE(read_answer("permessage-deflate", offered).acceptable);
    EXPECT_FALSE(read_answer("permessage-deflate; server_max_window_bits=11", offered).acceptable);
    EXPECT_TRUE(read_answer("permessage-deflate; server_max_window_bits=10", offered).acceptable);
    EXPECT_TRUE(read_answer("permessage-deflate; server_max_window_bits=9", offered).acceptable);
    const Deflate shared{.enabled = true, .memory = DeflateMemory::shared};
    EXPECT_FALSE(read_answer("permessage-deflate", shared).acceptable);
    EXPECT_FALSE(read_answer("permessage-deflate; client_no_context_takeover", shared).acceptable);
    EXPECT_TRUE(read_answer("permessage-deflate; server_no_context_takeover", shared).acceptable);
}

TEST(WsDeflateOfferTest, both_of_our_sides_agree) {
    for (const DeflateMemory server_memory : {DeflateMemory::shared, DeflateMemory::per_connection}) {
        for (const DeflateMemory client_memory : {DeflateMemory::shared, DeflateMemory::per_connection}) {
            for (unsigned bits = 9; bits <= 15; ++bits) {
                const Deflate server{.enabled = true, .memory = server_memory, .client_max_window_bits = bits};
                const Deflate client{.enabled = true, .memory = client_memory, .server_max_window_bits = 24 - bits};
                const FieldLines request{line(deflate_offer(client))};
                const auto served = choose_deflate(request.fields(), server);
                ASSERT_TRUE(served);
                const DeflateAnswer answer = read_answer(deflate_answer(*served), client);
                ASSERT_TRUE(answer.acceptable && answer.agreement);
                for (const Role role : both_roles) {
                    EXPECT_EQ(answer.agreement->window_bits(role), served->window_bits(role));
                    EXPECT_EQ(answer.agreement->no_context_takeover(role), served->no_context_takeover(role));
                }
            }
        }
    }
}

}  // namespace
}  // namespace pollux::test
