// Closing: resets, errors, and sockets that end while events for them are on their way.
#include <algorithm>
#include <array>

#include "platform/support.h"

namespace pollux::platform::test {
namespace {

class CloseTest : public PairTest {
protected:
    /// Pairs whose accepted ends all have something to receive, armed.
    void make_ready(std::vector<std::unique_ptr<End>>& from, std::vector<std::unique_ptr<End>>& to, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            from.push_back(std::make_unique<End>());
            to.push_back(std::make_unique<End>());
            ASSERT_NO_FATAL_FAILURE(connect_pair(*from.back(), *to.back()));
            send_all(loop, *from.back(), "hello");
        }
        loop.settle();
        for (auto& end : to) loop.poller.arm_receive(*end);
    }
};

POLLUX_ON_EACH_TRANSPORT(CloseTest);

TEST_P(CloseTest, a_closed_socket_is_not_open) {
    EXPECT_TRUE(client.is_open());
    loop.close(client);
    EXPECT_FALSE(client.is_open());
    const End never;
    EXPECT_FALSE(never.is_open());
}

TEST_P(CloseTest, the_peer_sees_an_end) {
    loop.close(client);
    EXPECT_EQ(receive_to_end(loop, server), "");
}

TEST_P(CloseTest, what_was_sent_before_arrives) {
    const std::size_t sent = fill(loop, client);
    loop.close(client);
    EXPECT_EQ(receive_to_end(loop, server), pattern(0, sent));
}

TEST_P(CloseTest, a_reset_is_seen_by_the_peer) {
    if (!tcp()) GTEST_SKIP() << "Unix sockets have none";
    loop.poller.arm_receive(server);
    loop.poller.reset_on_close(client);
    loop.close(client);
    const std::uint32_t seen = loop.wait_for(server, receivable | failed);
    std::array<std::byte, 10> buffer;
    int error = 0;
    if ((seen & receivable) != 0) {
        const IoResult result = loop.poller.receive(server, buffer);
        EXPECT_EQ(result.status, IoStatus::failed);
        error = result.error;
    } else {
        error = loop.poller.take_error(server);
    }
    EXPECT_EQ(system_error(error), std::errc::connection_reset);
}

TEST_P(CloseTest, a_reset_discards_what_was_not_read) {
    if (!tcp()) GTEST_SKIP() << "Unix sockets have none";
    const std::size_t sent = fill(loop, client);
    loop.poller.reset_on_close(client);
    loop.close(client);
    ASSERT_NE(loop.wait_for(server, failed) & failed, 0U);
    std::string text;
    EXPECT_EQ(receive_all(loop.poller, server, text).status, IoStatus::failed);
    EXPECT_LT(text.size(), sent) << "what was not sent yet is discarded";
}

TEST_P(CloseTest, a_reset_is_told_though_nothing_is_armed) {
    if (!tcp()) GTEST_SKIP() << "Unix sockets have none";
    loop.poller.arm_receive(server);
    loop.settle();
    loop.poller.disarm_receive(server);
    loop.settle();
    server.take_seen();
    loop.poller.reset_on_close(client);
    loop.close(client);
    EXPECT_NE(loop.wait_for(server, failed) & failed, 0U);
    EXPECT_EQ(system_error(loop.poller.take_error(server)), std::errc::connection_reset);
}

TEST_P(CloseTest, a_reset_is_told_to_who_waits_to_send) {
    fill(loop, server);
    loop.poller.arm_send(server, as_bytes("x"));
    loop.settle();
    loop.poller.reset_on_close(client);
    loop.close(client);
    ASSERT_NE(loop.wait_for(server, failed | sendable), 0U);
    EXPECT_EQ(loop.poller.send(server, as_bytes("x")).status, IoStatus::failed);
}

TEST_P(CloseTest, there_is_no_error_without_one) {
    EXPECT_EQ(loop.poller.take_error(client), 0);
    EXPECT_EQ(loop.poller.take_error(server), 0);
}

TEST_P(CloseTest, an_event_of_the_same_batch_does_no_harm) {
    // Whichever event comes first closes all the others, whose events may be in the same batch.
    std::vector<std::unique_ptr<End>> from;
    std::vector<std::unique_ptr<End>> to;
    ASSERT_NO_FATAL_FAILURE(make_ready(from, to, 50));
    End* survivor = nullptr;
    loop.on_event = [&](End& end, const Event<Socket>& event) {
        if (survivor != nullptr) {
            if (&end != survivor) {
                EXPECT_FALSE(end.is_open());
                EXPECT_EQ(event.flags & (receivable | sendable), 0U) << "of a socket that is closed";
            }
            return;
        }
        survivor = &end;
        for (auto* ends : {&from, &to}) {
            for (auto& other : *ends) {
                if (other.get() != survivor) other->is_released = loop.poller.close(*other);
            }
        }
    };
    ASSERT_TRUE(loop.run_until([&] { return survivor != nullptr; }));
    for (auto* ends : {&from, &to}) {
        for (auto& end : *ends) {
            EXPECT_TRUE(loop.run_until([&] { return end->is_released; }));
        }
    }
    loop.on_event = nullptr;
    // The turn is over: the memory may go, and no event may come for it.
    for (auto* ends : {&from, &to}) {
        std::erase_if(*ends, [&](const auto& end) { return end.get() != survivor; });
    }
    loop.settle();
    EXPECT_EQ(receive_exactly(loop, *survivor, 5), "hello");
    loop.close(*survivor);
}

TEST_P(CloseTest, a_socket_that_is_to_be_told_again_may_be_closed) {
    // A buffer that was filled leads to another event, which must not come when the socket is gone by then.
    std::vector<std::unique_ptr<End>> from;
    std::vector<std::unique_ptr<End>> to;
    ASSERT_NO_FATAL_FAILURE(make_ready(from, to, 20));
    for (auto& end : to) {
        ASSERT_NE(loop.wait_for(*end, receivable) & receivable, 0U);
        std::array<std::byte, 2> buffer;
        ASSERT_EQ(loop.poller.receive(*end, buffer).bytes, 2U);
        loop.poller.arm_receive(*end);
    }
    for (std::size_t i = 0; i < to.size(); i += 2) {
        loop.close(*to[i]);
        to[i].reset();
    }
    loop.settle();
    for (std::size_t i = 1; i < to.size(); i += 2) EXPECT_EQ(receive_exactly(loop, *to[i], 3), "llo");
    for (auto& end : from) loop.close(*end);
    for (auto& end : to) {
        if (end != nullptr) loop.close(*end);
    }
}

TEST_P(CloseTest, a_socket_that_is_told_again_in_this_batch_may_be_closed) {
    std::vector<std::unique_ptr<End>> from;
    std::vector<std::unique_ptr<End>> to;
    ASSERT_NO_FATAL_FAILURE(make_ready(from, to, 20));
    for (auto& end : to) {
        ASSERT_NE(loop.wait_for(*end, receivable) & receivable, 0U);
        std::array<std::byte, 2> buffer;
        ASSERT_EQ(loop.poller.receive(*end, buffer).bytes, 2U);
    }
    for (auto& end : to) {
        end->take_seen();
        loop.poller.arm_receive(*end);
    }
    End* survivor = nullptr;
    loop.on_event = [&](End& end, const Event<Socket>& event) {
        if (survivor == nullptr) {
            survivor = &end;
            for (auto& other : to) {
                if (other.get() != survivor) other->is_released = loop.poller.close(*other);
            }
        } else if (&end != survivor) {
            EXPECT_EQ(event.flags & (receivable | sendable), 0U) << "of a socket that is closed";
        }
    };
    ASSERT_TRUE(loop.run_until([&] { return survivor != nullptr; }));
    loop.on_event = nullptr;
    for (auto& end : to) EXPECT_TRUE(loop.run_until([&] { return end->is_released; }));
    std::erase_if(to, [&](const auto& end) { return end.get() != survivor; });
    loop.settle();
    EXPECT_EQ(receive_exactly(loop, *survivor, 3), "llo");
    loop.close(*survivor);
    for (auto& end : from) loop.close(*end);
}

TEST_P(CloseTest, a_socket_may_be_used_again_after_the_turn) {
    for (int round = 0; round < 20; ++round) {
        loop.poller.arm_receive(server);
        loop.poller.arm_receive(client);
        send_all(loop, client, "hello");
        std::array<std::byte, 2> buffer;
        ASSERT_NE(loop.wait_for(server, receivable), 0U);
        ASSERT_EQ(loop.poller.receive(server, buffer).bytes, 2U);
        loop.poller.arm_receive(server);
        loop.close(server);
        loop.close(client);
        loop.turn({});
        client.take_seen();
        server.take_seen();
        ASSERT_NO_FATAL_FAILURE(connect_pair(client, server));
        loop.settle();
        ASSERT_EQ(client.seen, 0U) << "something is left of its former life";
        ASSERT_EQ(server.seen, 0U) << "something is left of its former life";
        std::string text;
        ASSERT_EQ(receive_all(loop.poller, server, text).status, IoStatus::would_block);
    }
}

TEST_P(CloseTest, while_a_send_waits_it_is_released_in_time) {
    const std::size_t sent = fill(loop, client);
    const std::string rest = pattern(sent, 1000);
    loop.poller.arm_send(client, as_bytes(rest));
    loop.close(client);  // waits for the release; until then `rest` stays where it is
    EXPECT_LE(receive_to_end(loop, server).size(), sent + rest.size());
}

TEST_P(CloseTest, a_poller_may_end_before_its_sockets) {
    // The engine closes first; a program that ends in a hurry may not.
    End end;
    {
        Loop other;
        Listener listener{loop, tcp() ? loopback() : unix_address(path.path() + "2")};
        SocketFile file{listener.address()};
        ASSERT_FALSE(connect(other, end, listener.address()));
        file.remove();
        other.close(end);
    }
    EXPECT_FALSE(end.is_open());
}

}  // namespace
}  // namespace pollux::platform::test
