// Resolver: answers, many names at once, and that nothing is heard after it was closed.
#include "resolver.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "unit/support.h"

namespace pollux::test {
namespace {

using namespace std::chrono_literals;

/// What was answered, for a thread that waits.
class Answers {
public:
    struct Answer {
        std::error_code error;
        std::vector<SocketAddress> addresses;
        std::thread::id thread;
    };

    Resolver::Answer expect() {
        return [this](std::error_code error, std::vector<SocketAddress> addresses) {
            const std::lock_guard lock{mutex_};
            answers_.push_back({error, std::move(addresses), std::this_thread::get_id()});
            changed_.notify_all();
        };
    }

    std::vector<Answer> wait(std::size_t count) {
        std::unique_lock lock{mutex_};
        EXPECT_TRUE(changed_.wait_for(lock, 30s, [&] { return answers_.size() >= count; })) << "no answer";
        return answers_;
    }

    std::size_t count() {
        const std::lock_guard lock{mutex_};
        return answers_.size();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Answer> answers_;
};

TEST(ResolverTest, digits_are_an_address) {
    Answers answers;
    Resolver resolver;
    resolver.resolve("127.0.0.1", 1234, answers.expect());
    const auto heard = answers.wait(1);
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_FALSE(heard[0].error) << heard[0].error.message();
    ASSERT_EQ(heard[0].addresses.size(), 1U) << "one for each address, not one for each kind of socket";
    EXPECT_EQ(heard[0].addresses[0].to_string(), "127.0.0.1:1234");
    EXPECT_NE(heard[0].thread, std::this_thread::get_id());
}

TEST(ResolverTest, localhost_is_this_machine) {
    Answers answers;
    Resolver resolver;
    resolver.resolve("localhost", 99, answers.expect());
    const auto heard = answers.wait(1);
    ASSERT_FALSE(heard[0].error) << heard[0].error.message();
    ASSERT_FALSE(heard[0].addresses.empty());
    for (const SocketAddress& address : heard[0].addresses) {
        EXPECT_TRUE(address.to_string() == "127.0.0.1:99" || address.to_string() == "[::1]:99") << address.to_string();
    }
}

TEST(ResolverTest, what_is_no_name_is_an_error) {
    Answers answers;
    Resolver resolver;
    resolver.resolve("300.300.300.300.", 1, answers.expect());
    const auto heard = answers.wait(1);
    EXPECT_TRUE(heard[0].error);
    EXPECT_TRUE(heard[0].addresses.empty());
}

TEST(ResolverTest, more_names_than_threads_are_all_answered) {
    constexpr std::size_t count = 60;
    Answers answers;
    Resolver resolver;
    for (std::size_t i = 0; i < count; ++i) {
        resolver.resolve("127.0.0." + std::to_string(i + 1), static_cast<std::uint16_t>(i), answers.expect());
    }
    const auto heard = answers.wait(count);
    std::vector<bool> seen(count);
    for (const auto& answer : heard) {
        ASSERT_EQ(answer.addresses.size(), 1U);
        const SocketAddress& address = answer.addresses[0];
        ASSERT_LT(address.port, count);
        EXPECT_EQ(address.ip[3], address.port + 1) << "another one's answer";
        EXPECT_FALSE(seen[address.port]) << "twice";
        seen[address.port] = true;
    }
}

TEST(ResolverTest, works_again_after_it_had_nothing_to_do) {
    Answers answers;
    Resolver resolver;
    for (std::size_t i = 1; i <= scaled(100); ++i) {
        resolver.resolve("127.0.0.1", 1, answers.expect());
        ASSERT_EQ(answers.wait(i).size(), i);
    }
}

TEST(ResolverTest, an_answer_may_ask_again) {
    Answers answers;
    Resolver resolver;
    resolver.resolve("127.0.0.1", 1, [&](std::error_code, const std::vector<SocketAddress>&) {
        resolver.resolve("127.0.0.2", 2, answers.expect());
    });
    EXPECT_EQ(answers.wait(1)[0].addresses[0].to_string(), "127.0.0.2:2");
}

TEST(ResolverTest, nothing_is_answered_after_close) {
    for (std::size_t round = 0; round < scaled(200); ++round) {
        std::atomic<bool> closed{false};
        std::atomic<std::size_t> late{0};
        Resolver resolver;
        for (int i = 0; i < 8; ++i) {
            resolver.resolve("127.0.0.1", 1, [&](std::error_code, const std::vector<SocketAddress>&) {
                if (closed.load()) ++late;
            });
        }
        if (round % 2 == 0) std::this_thread::yield();
        resolver.close();
        closed.store(true);
        resolver.resolve("127.0.0.1", 1, [&](std::error_code, const std::vector<SocketAddress>&) { ++late; });
        resolver.close();  // again does no harm
        ASSERT_EQ(late.load(), 0U);
        // Whoever had a question under way still answers to nobody while the objects above go.
    }
}

TEST(ResolverTest, answers_that_wait_for_another_one_are_dropped_by_close) {
    for (std::size_t round = 0; round < scaled(100); ++round) {
        const auto held = std::make_shared<int>();
        std::atomic<bool> begun{false};
        std::atomic<bool> go_on{false};
        std::atomic<bool> closed{false};
        std::atomic<std::size_t> late{0};
        Resolver resolver;
        // Answers are given one at a time: while this one lasts, the other threads have theirs ready and wait.
        resolver.resolve("127.0.0.1", 1, [&, held](std::error_code, const std::vector<SocketAddress>&) {
            begun = true;
            while (!go_on) std::this_thread::yield();
        });
        while (!begun) std::this_thread::yield();
        for (int i = 0; i < 8; ++i) {
            resolver.resolve("127.0.0.1", 1, [&, held](std::error_code, const std::vector<SocketAddress>&) {
                if (closed) ++late;
            });
        }
        std::thread releaser{[&] {
            std::this_thread::sleep_for(1ms);
            go_on = true;
        }};
        resolver.close();
        closed = true;
        releaser.join();
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        while (held.use_count() != 1 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
        ASSERT_EQ(held.use_count(), 1) << "what an answer holds is let go";
        ASSERT_EQ(late.load(), 0U);
    }
}

TEST(ResolverTest, close_waits_for_the_answer_that_is_being_given) {
    std::atomic<bool> begun{false};
    std::atomic<bool> finished{false};
    Resolver resolver;
    resolver.resolve("127.0.0.1", 1, [&](std::error_code, const std::vector<SocketAddress>&) {
        begun = true;
        std::this_thread::sleep_for(20ms);
        finished = true;
    });
    while (!begun) std::this_thread::yield();
    resolver.close();
    EXPECT_TRUE(finished);
}

TEST(ResolverTest, questions_that_were_not_begun_are_let_go_by_close) {
    const auto held = std::make_shared<int>();
    std::atomic<bool> begun{false};
    std::atomic<bool> go_on{false};
    Resolver resolver;
    // One answer holds up the others: they are given one at a time.
    resolver.resolve("127.0.0.1", 1, [&](std::error_code, const std::vector<SocketAddress>&) {
        begun = true;
        while (!go_on) std::this_thread::yield();
    });
    while (!begun) std::this_thread::yield();
    for (int i = 0; i < 50; ++i) {
        resolver.resolve("127.0.0.1", 1, [held](std::error_code, const std::vector<SocketAddress>&) {});
    }
    std::thread closer{[&] { resolver.close(); }};
    go_on = true;
    closer.join();
    // At most those that the other threads had already begun with remain, and only until they look.
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (held.use_count() != 1 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace pollux::test
