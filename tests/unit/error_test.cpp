// Errors: the category, what its values are equal to, names, and the sentence of a status.
#include <pollux/error.h>

#include <set>
#include <sstream>
#include <utility>

#include "unit/support.h"

namespace pollux::test {
namespace {

constexpr Errc all_errors[] = {Errc::invalid_endpoint,   Errc::invalid_option,    Errc::name_not_resolved,
                               Errc::already_started,    Errc::stopped,           Errc::wrong_thread,
                               Errc::closed_by_peer,     Errc::timed_out,         Errc::too_large,
                               Errc::cancelled,          Errc::self_connect,      Errc::invalid_url,
                               Errc::invalid_request,    Errc::protocol_error,    Errc::too_many_requests,
                               Errc::too_many_redirects, Errc::insecure_redirect, Errc::upgrade_refused};

TEST(ErrorTest, codes_are_of_the_category) {
    EXPECT_STREQ(error_category().name(), "pollux");
    for (const Errc error : all_errors) {
        const std::error_code code = error;  // implicitly, as with the errors of the standard library
        EXPECT_TRUE(code) << "0 would be a success";
        EXPECT_EQ(&code.category(), &error_category());
        EXPECT_EQ(code, make_error_code(error));
        EXPECT_EQ(code, error);
        EXPECT_NE(code, std::error_code(code.value(), std::system_category())) << "numbers alone mean nothing";
    }
}

TEST(ErrorTest, each_has_a_message_of_its_own) {
    std::set<std::string> messages;
    for (const Errc error : all_errors) {
        const std::string message = make_error_code(error).message();
        EXPECT_FALSE(message.empty());
        EXPECT_NE(message, "unknown error");
        EXPECT_TRUE(messages.insert(message).second) << message;
    }
    EXPECT_EQ(error_category().message(0), "unknown error");
    EXPECT_EQ(error_category().message(9999), "unknown error");
}

TEST(ErrorTest, are_equal_to_the_standard_conditions_they_mean) {
    EXPECT_EQ(make_error_code(Errc::timed_out), std::errc::timed_out);
    EXPECT_EQ(make_error_code(Errc::cancelled), std::errc::operation_canceled);
    EXPECT_EQ(make_error_code(Errc::self_connect), std::errc::connection_refused);
    EXPECT_EQ(make_error_code(Errc::invalid_endpoint), std::errc::invalid_argument);
    EXPECT_EQ(make_error_code(Errc::invalid_option), std::errc::invalid_argument);
    EXPECT_EQ(make_error_code(Errc::invalid_url), std::errc::invalid_argument);
    EXPECT_EQ(make_error_code(Errc::invalid_request), std::errc::invalid_argument);
    EXPECT_EQ(make_error_code(Errc::protocol_error), std::errc::protocol_error);
    EXPECT_NE(make_error_code(Errc::stopped), std::errc::timed_out);
    EXPECT_NE(make_error_code(Errc::closed_by_peer), std::errc::invalid_argument);
}

TEST(ErrorTest, results_have_names) {
    EXPECT_EQ(to_string(Result::ok), "ok");
    EXPECT_EQ(to_string(Result::would_block), "would block");
    EXPECT_EQ(to_string(Result::closed), "closed");
    EXPECT_EQ(to_string(Result::too_large), "too large");
    EXPECT_EQ(to_string(Result::wrong_peer), "wrong peer");
    EXPECT_EQ(to_string(static_cast<Result>(200)), "unknown");
}

TEST(ErrorTest, close_reasons_have_names) {
    const std::pair<CloseReason, std::string_view> names[] = {
        {CloseReason::none, "none"},
        {CloseReason::peer_closed, "peer closed"},
        {CloseReason::local_close, "local close"},
        {CloseReason::aborted, "aborted"},
        {CloseReason::peer_reset, "peer reset"},
        {CloseReason::connect_timeout, "connect timeout"},
        {CloseReason::handshake_timeout, "handshake timeout"},
        {CloseReason::idle_timeout, "idle timeout"},
        {CloseReason::ping_timeout, "ping timeout"},
        {CloseReason::close_timeout, "close timeout"},
        {CloseReason::protocol_error, "protocol error"},
        {CloseReason::tls_error, "TLS error"},
        {CloseReason::tls_truncated, "TLS truncated"},
        {CloseReason::slow_consumer, "slow consumer"},
        {CloseReason::limit, "limit"},
        {CloseReason::shutdown, "shutdown"},
        {CloseReason::system_error, "system error"},
    };
    std::size_t value = 0;
    for (const auto& [reason, name] : names) {
        EXPECT_EQ(to_string(reason), name);
        EXPECT_EQ(static_cast<std::size_t>(reason), value++) << "one is missing in this list";
    }
    EXPECT_EQ(to_string(static_cast<CloseReason>(value)), "unknown");
}

TEST(StatusTest, is_a_success_unless_told_otherwise) {
    const Status status;
    EXPECT_TRUE(status);
    EXPECT_TRUE(status.ok());
    EXPECT_FALSE(status.error());
    EXPECT_EQ(status.message(), "ok");
}

TEST(StatusTest, a_failure_says_what_and_why) {
    const Status status{std::make_error_code(std::errc::address_in_use), "cannot listen on tcp://127.0.0.1:80"};
    EXPECT_FALSE(status);
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(status.error(), std::errc::address_in_use);
    EXPECT_EQ(status.message(),
              "cannot listen on tcp://127.0.0.1:80: " + std::make_error_code(std::errc::address_in_use).message());
}

TEST(StatusTest, without_a_sentence_the_error_speaks) {
    const Status status{Errc::stopped, ""};
    EXPECT_EQ(status.message(), "stopped");
}

TEST(StatusTest, with_no_error_it_is_a_success_whatever_it_says) {
    const Status status{std::error_code{}, "nothing went wrong"};
    EXPECT_TRUE(status);
    EXPECT_EQ(status.message(), "ok");
}

TEST(StatusTest, writes_its_message) {
    std::ostringstream out;
    out << Status{} << "; " << Status{Errc::timed_out, "connect"};
    EXPECT_EQ(out.str(), "ok; connect: timed out");
}

}  // namespace
}  // namespace pollux::test
