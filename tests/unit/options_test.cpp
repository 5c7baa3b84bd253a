// Checks of the options that servers and clients share.
#include "option_checks.h"

#include <functional>

#include "unit/support.h"

namespace pollux::test {
namespace {

using namespace std::chrono_literals;

TEST(ConnectionOptionsTest, the_defaults_are_good) {
    EXPECT_TRUE(check_connection_options(ConnectionOptions{}));
    EXPECT_TRUE(check_connection_options(with_server_defaults({})));
    EXPECT_TRUE(check_connection_options(with_client_defaults({})));
}

TEST(ConnectionOptionsTest, servers_hold_back_and_have_an_idle_timeout) {
    const ConnectionOptions options = with_server_defaults({});
    EXPECT_EQ(options.hold_receive_while_pending, true);
    EXPECT_EQ(options.idle_timeout, 10min);
}

TEST(ConnectionOptionsTest, clients_do_neither) {
    const ConnectionOptions options = with_client_defaults({});
    EXPECT_EQ(options.hold_receive_while_pending, false);
    EXPECT_EQ(options.idle_timeout, 0ms);
}

TEST(ConnectionOptionsTest, what_the_user_set_stays) {
    ConnectionOptions set;
    set.hold_receive_while_pending = false;
    set.idle_timeout = 0ms;
    set.close_timeout = 7ms;
    const ConnectionOptions server = with_server_defaults(set);
    EXPECT_EQ(server.hold_receive_while_pending, false);
    EXPECT_EQ(server.idle_timeout, 0ms);
    EXPECT_EQ(server.close_timeout, 7ms);
    set.hold_receive_while_pending = true;
    set.idle_timeout = 3ms;
    const ConnectionOptions client = with_client_defaults(set);
    EXPECT_EQ(client.hold_receive_while_pending, true);
    EXPECT_EQ(client.idle_timeout, 3ms);
}

struct Mistake {
    std::string message;
    std::function<void(ConnectionOptions&)> make;
};

TEST(ConnectionOptionsTest, mistakes_are_named_with_their_values) {
    const std::vector<Mistake> mistakes{
        {"high_watermark_bytes is 0",
         [](ConnectionOptions& options) {
             options.high_watermark_bytes = 0;
             options.low_watermark_bytes = 0;
         }},
        {"low_watermark_bytes is 10, not below high_watermark_bytes, 10",
         [](ConnectionOptions& options) { options.low_watermark_bytes = options.high_watermark_bytes = 10; }},
        {"low_watermark_bytes is 11, not below high_watermark_bytes, 10",
         [](ConnectionOptions& options) {
             options.low_watermark_bytes = 11;
             options.high_watermark_bytes = 10;
         }},
        {"max_pending_bytes is 9, below high_watermark_bytes, 10",
         [](ConnectionOptions& options) {
             options.low_watermark_bytes = 0;
             options.high_watermark_bytes = 10;
             options.max_pending_bytes = 9;
         }},
        {"idle_timeout is negative", [](ConnectionOptions& options) { options.idle_timeout = -1ms; }},
        {"close_timeout is not positive", [](ConnectionOptions& options) { options.close_timeout = 0ms; }},
        {"close_timeout is not positive", [](ConnectionOptions& options) { options.close_timeout = -5ms; }},
        {"keep_alive has a value that is not positive",
         [](ConnectionOptions& options) { options.keep_alive = {.enabled = true, .idle = 0s}; }},
        {"keep_alive has a value that is not positive",
         [](ConnectionOptions& options) { options.keep_alive = {.enabled = true, .interval = -1s}; }},
        {"keep_alive has a value that is not positive",
         [](ConnectionOptions& options) { options.keep_alive = {.enabled = true, .count = 0}; }},
    };
    for (const Mistake& mistake : mistakes) {
        ConnectionOptions options;
        mistake.make(options);
        const Status status = check_connection_options(options);
        EXPECT_EQ(status.error(), Errc::invalid_option);
        EXPECT_EQ(status.message(), "ConnectionOptions::" + mistake.message + ": invalid option");
    }
}

TEST(ConnectionOptionsTest, the_limits_themselves_are_allowed) {
    ConnectionOptions options;
    options.low_watermark_bytes = 0;
    options.high_watermark_bytes = 1;
    options.max_pending_bytes = 1;
    options.idle_timeout = 0ms;
    options.close_timeout = 1ms;
    options.keep_alive = {.enabled = true, .idle = 1s, .interval = 1s, .count = 1};
    EXPECT_TRUE(check_connection_options(options));
    options.keep_alive = {.enabled = false, .idle = 0s, .interval = 0s, .count = 0};
    EXPECT_TRUE(check_connection_options(options)) << "values that are not used do not matter";
}

TEST(ConnectionOptionsTest, a_bad_option_is_named) {
    const Status status = bad_option("ServerOptions::backlog is -1");
    EXPECT_EQ(status.error(), Errc::invalid_option);
    EXPECT_EQ(status.message(), "ServerOptions::backlog is -1: invalid option");
}

}  // namespace
}  // namespace pollux::test
