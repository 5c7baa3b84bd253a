// Receiving: arming and disarming, buffers that are filled, and the peer's half-close.
#include <algorithm>
#include <array>

#include "platform/support.h"

namespace pollux::platform::test {
namespace {

class ReceiveTest : public PairTest {
protected:
    IoResult receive(std::string& out, std::size_t buffer_bytes) {
        std::vector<std::byte> buffer(buffer_bytes);
        const IoResult result = loop.poller.receive(server, buffer);
        out.assign(as_text(Bytes{buffer}.first(result.bytes)));
        return result;
    }
};

POLLUX_ON_EACH_TRANSPORT(ReceiveTest);

TEST_P(ReceiveTest, nothing_there_would_block) {
    std::string text;
    EXPECT_EQ(receive(text, 100).status, IoStatus::would_block);
}

TEST_P(ReceiveTest, nothing_is_told_before_it_is_armed) {
    send_all(loop, client, "hello");
    loop.settle();
    EXPECT_EQ(server.seen & receivable, 0U);
}

TEST_P(ReceiveTest, what_came_before_arming_is_told) {
    send_all(loop, client, "hello");
    loop.settle();
    EXPECT_EQ(receive_exactly(loop, server, 5), "hello");
}

TEST_P(ReceiveTest, what_comes_after_arming_is_told) {
    loop.poller.arm_receive(server);
    loop.settle();
    EXPECT_EQ(server.seen, 0U);
    send_all(loop, client, "hello");
    EXPECT_EQ(loop.wait_for(server, receivable), receivable);
    std::string text;
    const IoResult result = receive(text, 100);
    EXPECT_EQ(result.status, IoStatus::done);
    EXPECT_EQ(result.bytes, 5U);
    EXPECT_EQ(text, "hello");
}

TEST_P(ReceiveTest, each_message_is_an_event_of_its_own_when_armed_again) {
    for (int i = 0; i < 200; ++i) {
        const std::string message = std::to_string(i);
        send_all(loop, client, message);
        ASSERT_EQ(receive_exactly(loop, server, message.size()), message);
    }
}

TEST_P(ReceiveTest, arming_twice_is_arming_once) {
    loop.poller.arm_receive(server);
    loop.poller.arm_receive(server);
    send_all(loop, client, "x");
    EXPECT_EQ(loop.wait_for(server, receivable), receivable);
    std::string text;
    EXPECT_EQ(receive(text, 10).bytes, 1U);
    loop.poller.arm_receive(server);
    loop.settle();
    EXPECT_EQ(server.seen & receivable, 0U) << "there is nothing more";
}

TEST_P(ReceiveTest, nothing_is_told_after_disarming) {
    loop.poller.arm_receive(server);
    loop.settle();
    loop.poller.disarm_receive(server);
    loop.settle();  // one that was under way may still come
    server.take_seen();
    send_all(loop, client, "hello");
    loop.settle();
    // A back end of completions may have had one operation in flight, and no more than that.
    send_all(loop, client, "again");
    server.take_seen();
    loop.settle();
    EXPECT_EQ(server.seen & receivable, 0U);
}

TEST_P(ReceiveTest, what_came_while_disarmed_is_told_when_armed_again) {
    for (int round = 0; round < 20; ++round) {
        loop.poller.arm_receive(server);
        loop.poller.disarm_receive(server);
        send_all(loop, client, "hello");
        loop.settle();
        server.take_seen();
        ASSERT_EQ(receive_exactly(loop, server, 5), "hello") << round;
    }
}

TEST_P(ReceiveTest, an_event_that_was_not_served_comes_again_when_armed_again) {
    send_all(loop, client, "hello");
    loop.poller.arm_receive(server);
    ASSERT_EQ(loop.wait_for(server, receivable), receivable);
    loop.poller.disarm_receive(server);
    loop.settle();
    server.take_seen();
    loop.poller.arm_receive(server);
    EXPECT_EQ(loop.wait_for(server, receivable), receivable);
    EXPECT_EQ(receive_exactly(loop, server, 5), "hello");
}

TEST_P(ReceiveTest, a_buffer_that_was_filled_leads_to_another_event) {
    const std::string message = pattern(0, 1000);
    for (const std::size_t buffer :
         {std::size_t{1}, std::size_t{100}, std::size_t{250}, std::size_t{333}, std::size_t{500}, std::size_t{999}}) {
        send_all(loop, client, message);
        ASSERT_EQ(receive_exactly(loop, server, message.size(), buffer), message) << "buffer of " << buffer;
    }
}

TEST_P(ReceiveTest, a_buffer_that_was_filled_exactly_loses_nothing) {
    const std::string message = pattern(0, 4096);
    send_all(loop, client, message);
    loop.settle();
    loop.poller.arm_receive(server);
    ASSERT_EQ(loop.wait_for(server, receivable), receivable);
    std::string text;
    ASSERT_EQ(receive(text, message.size()).bytes, message.size());
    EXPECT_EQ(text, message);
    // Whether an event with nothing behind it comes is the back end's affair. What comes next must be told.
    loop.poller.arm_receive(server);
    send_all(loop, client, "next");
    EXPECT_EQ(receive_exactly(loop, server, 4), "next");
}

TEST_P(ReceiveTest, more_that_came_while_a_full_buffer_was_handled_is_told) {
    send_all(loop, client, pattern(0, 100));
    loop.poller.arm_receive(server);
    ASSERT_EQ(loop.wait_for(server, receivable), receivable);
    std::string text;
    ASSERT_EQ(receive(text, 100).bytes, 100U);
    send_all(loop, client, "more");
    loop.settle();
    EXPECT_EQ(receive_exactly(loop, server, 4), "more");
}

TEST_P(ReceiveTest, a_short_receive_means_that_nothing_more_was_there) {
    send_all(loop, client, "abc");
    loop.poller.arm_receive(server);
    ASSERT_EQ(loop.wait_for(server, receivable), receivable);
    std::string text;
    ASSERT_EQ(receive(text, 100).bytes, 3U);
    EXPECT_EQ(receive(text, 100).status, IoStatus::would_block);
    loop.poller.arm_receive(server);
    send_all(loop, client, "def");
    EXPECT_EQ(receive_exactly(loop, server, 3), "def");
}

TEST_P(ReceiveTest, a_half_close_is_an_end) {
    loop.poller.arm_receive(server);
    loop.poller.shutdown_send(client);
    EXPECT_NE(loop.wait_for(server, receivable) & receivable, 0U);
    std::string text;
    EXPECT_EQ(receive(text, 100).status, IoStatus::end);
    EXPECT_EQ(receive(text, 100).status, IoStatus::end) << "and stays one";
}

TEST_P(ReceiveTest, a_half_close_before_arming_is_an_end) {
    loop.poller.shutdown_send(client);
    loop.settle();
    EXPECT_EQ(receive_to_end(loop, server), "");
}

TEST_P(ReceiveTest, a_half_close_while_disarmed_is_an_end) {
    loop.poller.arm_receive(server);
    loop.poller.disarm_receive(server);
    send_all(loop, client, "last");
    loop.poller.shutdown_send(client);
    loop.settle();
    server.take_seen();
    EXPECT_EQ(receive_to_end(loop, server), "last");
}

TEST_P(ReceiveTest, a_half_close_together_with_data_is_told_after_a_short_receive) {
    for (const std::size_t size : {1U, 99U, 100U, 101U, 250U}) {
        End from;
        End to;
        ASSERT_NO_FATAL_FAILURE(connect_pair(from, to));
        send_all(loop, from, pattern(0, size));
        loop.poller.shutdown_send(from);
        loop.settle();
        std::string text;
        std::array<std::byte, 100> buffer;
        for (;;) {
            loop.poller.arm_receive(to);
            ASSERT_NE(loop.wait_for(to, receivable) & receivable, 0U) << "after " << text.size() << " of " << size;
            const IoResult result = loop.poller.receive(to, buffer);
            if (result.status == IoStatus::end) break;
            ASSERT_EQ(result.status, IoStatus::done);
            text += as_text(Bytes{buffer}.first(result.bytes));
        }
        EXPECT_EQ(text, pattern(0, size));
        loop.close(from);
        loop.close(to);
    }
}

TEST_P(ReceiveTest, a_half_close_after_a_short_receive_is_told) {
    loop.poller.arm_receive(server);
    send_all(loop, client, "abc");
    ASSERT_EQ(loop.wait_for(server, receivable), receivable);
    std::string text;
    ASSERT_EQ(receive(text, 100).bytes, 3U);
    loop.poller.shutdown_send(client);
    EXPECT_EQ(receive_to_end(loop, server), "");
}

TEST_P(ReceiveTest, a_half_close_between_the_event_and_the_receive_is_told) {
    loop.poller.arm_receive(server);
    send_all(loop, client, "abc");
    ASSERT_EQ(loop.wait_for(server, receivable), receivable);
    loop.poller.shutdown_send(client);
    std::string text;
    ASSERT_EQ(receive(text, 100).bytes, 3U);
    EXPECT_EQ(receive_to_end(loop, server), "");
}

TEST_P(ReceiveTest, after_a_half_close_the_other_way_still_works) {
    send_all(loop, client, "question");
    loop.poller.shutdown_send(client);
    EXPECT_EQ(receive_to_end(loop, server), "question");
    const std::string answer = pattern(0, 100'000);
    // The sender waits for the reader, who is on the same loop: in pieces.
    std::string received;
    for (std::size_t at = 0; at < answer.size(); at += 10'000) {
        send_all(loop, server, std::string_view{answer}.substr(at, 10'000));
        received += receive_exactly(loop, client, 10'000);
    }
    EXPECT_EQ(received, answer);
    loop.poller.shutdown_send(server);
    EXPECT_EQ(receive_to_end(loop, client), "");
}

TEST_P(ReceiveTest, both_may_half_close_at_once) {
    send_all(loop, client, "from client");
    send_all(loop, server, "from server");
    loop.poller.shutdown_send(client);
    loop.poller.shutdown_send(server);
    EXPECT_EQ(receive_to_end(loop, server), "from client");
    EXPECT_EQ(receive_to_end(loop, client), "from server");
    EXPECT_EQ(loop.poller.take_error(server), 0);
    EXPECT_EQ(loop.poller.take_error(client), 0);
}

TEST_P(ReceiveTest, a_peer_that_closed_can_still_be_read_out) {
    const std::string message = pattern(0, 20'000);
    send_all(loop, client, message);
    loop.close(client);
    loop.settle();
    // Where the system tells of a hang-up, it is no error and takes nothing away.
    if ((server.seen & failed) != 0) {
        EXPECT_EQ(loop.poller.take_error(server), 0);
    }
    EXPECT_EQ(receive_to_end(loop, server), message);
}

TEST_P(ReceiveTest, many_ready_at_once_are_all_told) {
    // More than any back end is likely to ask the system for at a time.
    constexpr std::size_t pairs = 300;
    std::vector<std::unique_ptr<End>> from;
    std::vector<std::unique_ptr<End>> to;
    for (std::size_t i = 0; i < pairs; ++i) {
        from.push_back(std::make_unique<End>());
        to.push_back(std::make_unique<End>());
        ASSERT_NO_FATAL_FAILURE(connect_pair(*from.back(), *to.back()));
    }
    for (int round = 0; round < 3; ++round) {
        for (auto* ends : {&from, &to}) {
            for (auto& end : *ends) {
                loop.poller.arm_receive(*end);
                send_all(loop, *end, "x");
            }
        }
        for (auto* ends : {&from, &to}) {
            for (auto& end : *ends) {
                ASSERT_NE(loop.wait_for(*end, receivable) & receivable, 0U);
                std::string text;
                receive_all(loop.poller, *end, text);
                EXPECT_EQ(text, "x");
            }
        }
    }
    for (auto* ends : {&from, &to}) {
        for (auto& end : *ends) loop.close(*end);
    }
}

}  // namespace
}  // namespace pollux::platform::test
