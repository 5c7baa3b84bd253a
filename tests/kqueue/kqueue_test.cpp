// The double of kqueue does what kqueue(2) says, as far as the back end depends on it.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

constexpr timespec at_once{};
constexpr timespec patience{20, 0};

class KqueueTest : public testing::Test {
protected:
    KqueueTest() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0); }
    ~KqueueTest() override {
        for (const int descriptor : {pair[0], pair[1], queue}) {
            if (descriptor >= 0) ::close(descriptor);
        }
    }
    KqueueTest(const KqueueTest&) = delete;
    KqueueTest& operator=(const KqueueTest&) = delete;

    static struct kevent make(int ident, int filter, int flags, unsigned fflags = 0, void* udata = nullptr) {
        struct kevent event {};
        EV_SET(&event, static_cast<std::uintptr_t>(ident), static_cast<std::int16_t>(filter),
               static_cast<std::uint16_t>(flags), fflags, 0, udata);
        return event;
    }

    /// 0, or the error.
    [[nodiscard]] int change(const struct kevent& event) const {
        return ::kevent(queue, &event, 1, nullptr, 0, nullptr) == 0 ? 0 : errno;
    }

    /// What there is within a time.
    [[nodiscard]] std::vector<struct kevent> events(const timespec& timeout = at_once, std::size_t most = 8) const {
        std::vector<struct kevent> out(most);
        const int count = ::kevent(queue, nullptr, 0, out.data(), static_cast<int>(most), &timeout);
        EXPECT_GE(count, 0);
        out.resize(static_cast<std::size_t>(std::max(count, 0)));
        return out;
    }

    void write(int descriptor, std::string_view text) const {
        EXPECT_EQ(::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }

    void read(int descriptor, std::size_t size) const {
        std::array<char, 100> buffer;
        EXPECT_EQ(::recv(descriptor, buffer.data(), size, 0), static_cast<ssize_t>(size));
    }

    /// Writes until there is no room.
    static void fill(int descriptor) {
        const std::array<char, 4096> block{};
        while (::send(descriptor, block.data(), block.size(), MSG_NOSIGNAL) > 0) {
        }
    }

    static void drain(int descriptor) {
        std::array<char, 4096> block;
        while (::recv(descriptor, block.data(), block.size(), 0) > 0) {
        }
    }

    int queue = ::kqueue();
    std::array<int, 2> pair{-1, -1};
};

// Reading.

TEST_F(KqueueTest, what_is_there_already_is_told_with_its_size_and_mark) {
    write(pair[1], "hello");
    int mark = 0;
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ADD, 0, &mark)), 0);
    const auto told = events();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].ident, static_cast<std::uintptr_t>(pair[0]));
    EXPECT_EQ(told[0].filter, EVFILT_READ);
    EXPECT_EQ(told[0].data, 5);
    EXPECT_EQ(told[0].udata, &mark);
    EXPECT_EQ(told[0].flags & (EV_EOF | EV_ERROR), 0);
}

TEST_F(KqueueTest, without_ev_clear_it_is_told_as_long_as_it_holds) {
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ADD)), 0);
    EXPECT_TRUE(events().empty());
    write(pair[1], "hello");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(events().size(), 1U);
    read(pair[0], 5);
    EXPECT_TRUE(events().empty());
    write(pair[1], "x");
    EXPECT_EQ(events().size(), 1U);
}

TEST_F(KqueueTest, with_ev_clear_each_arrival_is_told_once) {
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ADD | EV_CLEAR)), 0);
    for (int i = 1; i <= 3; ++i) {
        write(pair[1], "x");
        const auto told = events();
        ASSERT_EQ(told.size(), 1U);
        EXPECT_EQ(told[0].data, i) << "all that was not read";
        EXPECT_TRUE(events().empty());
    }
}

TEST_F(KqueueTest, what_no_longer_holds_when_it_is_fetched_is_not_told) {
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ADD | EV_CLEAR)), 0);
    write(pair[1], "x");
    read(pair[0], 1);
    EXPECT_TRUE(events().empty());
}

TEST_F(KqueueTest, ev_oneshot_is_gone_after_one_event) {
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ADD | EV_ONESHOT)), 0);
    write(pair[1], "x");
    EXPECT_EQ(events().size(), 1U);
    write(pair[1], "x");
    EXPECT_TRUE(events().empty());
    EXPECT_EQ(change(make(pair[0], EVFILT_READ, EV_DELETE)), ENOENT);
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ADD | EV_ONESHOT)), 0);
    EXPECT_EQ(events().size(), 1U) << "what is there already";
}

TEST_F(KqueueTest, ev_dispatch_is_disabled_after_one_event) {
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ADD | EV_DISPATCH)), 0);
    write(pair[1], "x");
    EXPECT_EQ(events().size(), 1U);
    write(pair[1], "x");
    EXPECT_TRUE(events().empty());
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ENABLE)), 0);
    EXPECT_EQ(events().size(), 1U);
}

TEST_F(KqueueTest, what_is_disabled_is_told_when_it_is_enabled) {
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ADD | EV_CLEAR)), 0);
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_DISABLE)), 0);
    write(pair[1], "x");
    EXPECT_TRUE(events().empty());
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ENABLE)), 0);
    EXPECT_EQ(events().size(), 1U);
    EXPECT_TRUE(events().empty());
}

TEST_F(KqueueTest, the_peers_end_is_told_with_what_it_sent_before) {
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ADD | EV_CLEAR)), 0);
    write(pair[1], "last");
    ::shutdown(pair[1], SHUT_WR);
    const auto told = events();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].flags & EV_EOF, EV_EOF);
    EXPECT_EQ(told[0].data, 4);
    EXPECT_EQ(told[0].fflags, 0U);
}

TEST_F(KqueueTest, adding_again_changes_the_mark_and_tells_anew) {
    std::array<int, 2> marks{};
    write(pair[1], "x");
    for (int& mark : marks) {
        ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, &mark)), 0);
        const auto told = events();
        ASSERT_EQ(told.size(), 1U);
        EXPECT_EQ(told[0].udata, &mark);
    }
}

// Writing.

TEST_F(KqueueTest, room_is_told_with_how_much_there_is) {
    ASSERT_EQ(change(make(pair[0], EVFILT_WRITE, EV_ADD | EV_ONESHOT)), 0);
    const auto told = events();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].filter, EVFILT_WRITE);
    EXPECT_GT(told[0].data, 0);
}

TEST_F(KqueueTest, room_is_told_after_the_peer_has_read) {
    fill(pair[0]);
    ASSERT_EQ(change(make(pair[0], EVFILT_WRITE, EV_ADD | EV_ONESHOT)), 0);
    EXPECT_TRUE(events().empty());
    drain(pair[1]);
    EXPECT_EQ(events().size(), 1U);
    EXPECT_TRUE(events().empty());
}

TEST_F(KqueueTest, both_filters_of_a_descriptor_are_events_of_their_own) {
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ADD | EV_CLEAR)), 0);
    ASSERT_EQ(change(make(pair[0], EVFILT_WRITE, EV_ADD | EV_CLEAR)), 0);
    write(pair[1], "x");
    EXPECT_EQ(events().size(), 2U);
    EXPECT_TRUE(events().empty());
    ASSERT_EQ(change(make(pair[0], EVFILT_WRITE, EV_DELETE)), 0);
    write(pair[1], "x");
    const auto told = events();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].filter, EVFILT_READ);
}

TEST_F(KqueueTest, a_peer_that_is_gone_is_an_end_in_both_directions) {
    fill(pair[0]);
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ADD | EV_CLEAR)), 0);
    ASSERT_EQ(change(make(pair[0], EVFILT_WRITE, EV_ADD | EV_ONESHOT)), 0);
    EXPECT_TRUE(events().empty());
    drain(pair[1]);
    ::close(std::exchange(pair[1], -1));
    const auto told = events();
    ASSERT_EQ(told.size(), 2U);
    for (const struct kevent& event : told) EXPECT_EQ(event.flags & EV_EOF, EV_EOF);
}

// User events.

TEST_F(KqueueTest, a_user_event_is_told_when_it_is_triggered_and_once) {
    int mark = 0;
    ASSERT_EQ(change(make(7, EVFILT_USER, EV_ADD | EV_CLEAR, 0, &mark)), 0);
    EXPECT_TRUE(events().empty());
    for (int i = 0; i < 3; ++i) ASSERT_EQ(change(make(7, EVFILT_USER, 0, NOTE_TRIGGER)), 0);
    const auto told = events();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].ident, 7U);
    EXPECT_EQ(told[0].filter, EVFILT_USER);
    EXPECT_EQ(told[0].udata, &mark);
    EXPECT_TRUE(events().empty());
}

TEST_F(KqueueTest, a_user_event_that_is_not_there_cannot_be_triggered) {
    EXPECT_EQ(change(make(7, EVFILT_USER, 0, NOTE_TRIGGER)), ENOENT);
    ASSERT_EQ(change(make(7, EVFILT_USER, EV_ADD | EV_CLEAR)), 0);
    ASSERT_EQ(change(make(7, EVFILT_USER, EV_DELETE)), 0);
    EXPECT_EQ(change(make(7, EVFILT_USER, 0, NOTE_TRIGGER)), ENOENT);
}

TEST_F(KqueueTest, a_trigger_ends_a_wait_in_another_thread) {
    ASSERT_EQ(change(make(7, EVFILT_USER, EV_ADD | EV_CLEAR)), 0);
    for (int i = 0; i < 100; ++i) {
        std::thread other{[&] { EXPECT_EQ(change(make(7, EVFILT_USER, 0, NOTE_TRIGGER)), 0); }};
        EXPECT_EQ(events(patience).size(), 1U);
        other.join();
    }
}

int signalled = -1;  // a handler has no argument to find it by

extern "C" void trigger_signalled(int) {
    struct kevent change {};
    EV_SET(&change, 7, EVFILT_USER, 0, NOTE_TRIGGER, 0, nullptr);
    ::kevent(signalled, &change, 1, nullptr, 0, nullptr);
}

TEST_F(KqueueTest, a_signal_handler_may_trigger) {
    ASSERT_EQ(change(make(7, EVFILT_USER, EV_ADD | EV_CLEAR)), 0);
    signalled = queue;
    auto* const former = std::signal(SIGUSR1, trigger_signalled);
    ASSERT_EQ(std::raise(SIGUSR1), 0);
    std::signal(SIGUSR1, former);
    EXPECT_EQ(events().size(), 1U);
}

// Changes.

TEST_F(KqueueTest, what_is_not_there_cannot_be_changed) {
    EXPECT_EQ(change(make(pair[0], EVFILT_READ, EV_DELETE)), ENOENT);
    EXPECT_EQ(change(make(pair[0], EVFILT_READ, EV_ENABLE)), ENOENT);
    ASSERT_EQ(change(make(pair[0], EVFILT_WRITE, EV_ADD)), 0);
    EXPECT_EQ(change(make(pair[0], EVFILT_READ, EV_DELETE)), ENOENT);
    EXPECT_EQ(change(make(pair[0], EVFILT_WRITE, EV_DELETE)), 0);
    EXPECT_EQ(change(make(pair[0], EVFILT_WRITE, EV_DELETE)), ENOENT);
}

TEST_F(KqueueTest, a_descriptor_that_is_none_is_refused) {
    EXPECT_EQ(change(make(-1, EVFILT_READ, EV_ADD)), EBADF);
    const int closed = std::exchange(pair[0], -1);
    ::close(closed);
    EXPECT_EQ(change(make(closed, EVFILT_READ, EV_ADD)), EBADF);
    struct kevent event {};
    EXPECT_EQ(::kevent(closed, nullptr, 0, &event, 1, &at_once), -1);
}

TEST_F(KqueueTest, changes_that_fail_are_told_in_the_list_and_the_others_are_made) {
    write(pair[1], "x");
    int mark = 0;
    const std::array<struct kevent, 3> changes{make(-1, EVFILT_READ, EV_ADD, 0, &mark),
                                               make(pair[0], EVFILT_READ, EV_ADD),
                                               make(pair[1], EVFILT_READ, EV_DELETE)};
    std::array<struct kevent, 4> out{};
    ASSERT_EQ(::kevent(queue, changes.data(), 3, out.data(), 4, nullptr), 2) << "without waiting, and no events";
    EXPECT_EQ(out[0].flags & EV_ERROR, EV_ERROR);
    EXPECT_EQ(out[0].data, EBADF);
    EXPECT_EQ(out[0].udata, &mark);
    EXPECT_EQ(out[1].data, ENOENT);
    EXPECT_EQ(events().size(), 1U);
}

TEST_F(KqueueTest, without_room_for_it_the_first_error_is_the_calls) {
    const std::array<struct kevent, 2> changes{make(-1, EVFILT_READ, EV_ADD), make(pair[0], EVFILT_READ, EV_ADD)};
    EXPECT_EQ(::kevent(queue, changes.data(), 2, nullptr, 0, nullptr), -1);
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(change(make(pair[0], EVFILT_READ, EV_DELETE)), ENOENT) << "what came behind it is not made";
}

TEST_F(KqueueTest, ev_receipt_is_answered_at_once) {
    write(pair[1], "x");
    const struct kevent add = make(pair[0], EVFILT_READ, EV_ADD | EV_RECEIPT);
    struct kevent out {};
    ASSERT_EQ(::kevent(queue, &add, 1, &out, 1, nullptr), 1);
    EXPECT_EQ(out.flags & EV_ERROR, EV_ERROR);
    EXPECT_EQ(out.data, 0);
}

TEST_F(KqueueTest, changes_and_events_go_in_one_call_and_may_share_a_list) {
    write(pair[1], "x");
    std::array<struct kevent, 2> list{make(pair[0], EVFILT_READ, EV_ADD | EV_CLEAR),
                                      make(pair[0], EVFILT_WRITE, EV_ADD | EV_ONESHOT)};
    EXPECT_EQ(::kevent(queue, list.data(), 2, list.data(), 2, &patience), 2);
}

// Closing.

TEST_F(KqueueTest, what_is_closed_is_told_no_more) {
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ADD | EV_CLEAR)), 0);
    write(pair[1], "x");
    ::close(std::exchange(pair[0], -1));
    EXPECT_TRUE(events().empty());
}

TEST_F(KqueueTest, what_is_closed_is_told_no_more_though_another_descriptor_holds_the_socket) {
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ADD | EV_CLEAR)), 0);
    const int copy = ::dup(pair[0]);
    ::close(pair[0]);
    write(pair[1], "x");
    EXPECT_TRUE(events().empty());
    pair[0] = copy;
}

TEST_F(KqueueTest, a_number_that_is_used_again_begins_anew) {
    int mark = 0;
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0, &mark)), 0);
    write(pair[1], "x");
    const int number = pair[0];
    ::close(number);
    std::array<int, 2> other{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, other.data()), 0);
    ASSERT_EQ(other[0], number);
    pair[0] = other[0];
    write(other[1], "yz");
    EXPECT_TRUE(events().empty());
    EXPECT_EQ(change(make(number, EVFILT_READ, EV_DELETE)), ENOENT);
    ASSERT_EQ(change(make(number, EVFILT_READ, EV_ADD | EV_ONESHOT)), 0);
    const auto told = events();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].data, 2);
    EXPECT_EQ(told[0].udata, nullptr);
    ::close(other[1]);
}

// Time, and limits of the list.

TEST_F(KqueueTest, a_wait_ends_at_its_time) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(events({0, 2'000'000}).empty());
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 2ms);
}

TEST_F(KqueueTest, what_does_not_fit_the_list_comes_with_the_next_call) {
    ASSERT_EQ(change(make(pair[0], EVFILT_WRITE, EV_ADD | EV_ONESHOT)), 0);
    ASSERT_EQ(change(make(pair[1], EVFILT_WRITE, EV_ADD | EV_ONESHOT)), 0);
    EXPECT_EQ(events(at_once, 1).size(), 1U);
    EXPECT_EQ(events(at_once, 1).size(), 1U);
    EXPECT_TRUE(events().empty());
}

TEST_F(KqueueTest, a_listening_socket_tells_how_many_wait) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(listener, any, size), 0);
    ASSERT_EQ(::listen(listener, 10), 0);
    ASSERT_EQ(::getsockname(listener, any, &size), 0);
    ASSERT_EQ(change(make(listener, EVFILT_READ, EV_ADD | EV_CLEAR)), 0);
    EXPECT_TRUE(events().empty());
    std::array<int, 2> clients{};
    for (int& client : clients) {
        client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ASSERT_EQ(::connect(client, any, size), 0);
    }
    const auto told = events(patience);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].data, 2);
    for (const int descriptor : {clients[0], clients[1], listener}) ::close(descriptor);
}

TEST_F(KqueueTest, a_reset_is_an_end_with_an_error_that_is_still_there) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(listener, any, size), 0);
    ASSERT_EQ(::listen(listener, 10), 0);
    ASSERT_EQ(::getsockname(listener, any, &size), 0);
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::connect(client, any, size), 0);
    const int server = ::accept(listener, nullptr, nullptr);
    ASSERT_EQ(change(make(server, EVFILT_READ, EV_ADD | EV_CLEAR)), 0);
    const linger discard{1, 0};
    ASSERT_EQ(::setsockopt(client, SOL_SOCKET, SO_LINGER, &discard, sizeof discard), 0);
    ::close(client);
    const auto told = events(patience);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].flags & EV_EOF, EV_EOF);
    EXPECT_EQ(told[0].fflags, static_cast<unsigned>(ECONNRESET));
    char byte = 0;
    EXPECT_EQ(::recv(server, &byte, 1, 0), -1);
    EXPECT_EQ(errno, ECONNRESET);
    for (const int descriptor : {server, listener}) ::close(descriptor);
}

// What ends the process.

using KqueueDeathTest = KqueueTest;

TEST_F(KqueueDeathTest, what_a_real_one_would_refuse_ends_the_process) {
    EXPECT_DEATH(static_cast<void>(change(make(pair[0], -99, EV_ADD))), "filter");
    EXPECT_DEATH(static_cast<void>(change(make(pair[0], EVFILT_READ, EV_ADD | EV_DELETE))), "EV_DELETE");
    EXPECT_DEATH(static_cast<void>(events({0, 1'000'000'000})), "timeout");
    EXPECT_DEATH(::kevent(queue, nullptr, 1, nullptr, 0, nullptr), "list");
}

TEST_F(KqueueDeathTest, adding_again_with_other_flags_ends_the_process) {
    ASSERT_EQ(change(make(pair[0], EVFILT_READ, EV_ADD | EV_CLEAR)), 0);
    EXPECT_DEATH(static_cast<void>(change(make(pair[0], EVFILT_READ, EV_ADD))), "other flags");
}

}  // namespace
