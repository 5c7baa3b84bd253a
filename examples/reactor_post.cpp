// dispatch and post, from the main thread and from a reactor's: what runs at once, what waits its turn, and where.
#include <iostream>
#include <latch>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <pollux/pollux.h>

#include "common/console.h"

namespace {

using console::say;

std::string here() {
    const pollux::Reactor* reactor = pollux::Reactor::current();
    return reactor != nullptr ? "reactor " + std::to_string(reactor->index()) : "the main thread";
}

// Called on the reactor's thread. A dispatched task runs inside the call, a posted one when this function is over.
void from_the_reactor(pollux::Reactor& reactor, const char* number, std::latch& done) {
    say(number, ".1 dispatch, on ", here());
    reactor.dispatch([number] { say(number, ".1.1   dispatched: runs at once, on ", here()); });

    say(number, ".2 post, on ", here());
    reactor.post([number, &done] {
        say(number, ".2.1   posted: runs in a later turn, on ", here());
        done.count_down();
    });
    say(number, ".3 the task of ", number, " is over");
}

// A post that is refused leaves the task as it was, so it can be tried again. A thread that posts faster than the
// reactor works gets `would_block`; yielding is its way to wait.
pollux::Result post_until_accepted(pollux::Reactor& reactor, pollux::Task task) {
    pollux::Result result = reactor.post(std::move(task));
    while (result == pollux::Result::would_block) {
        std::this_thread::yield();
        result = reactor.post(std::move(task));
    }
    return result;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1) {
        say("usage: reactor_post\n\nShows on which thread and in which order dispatched and posted tasks run.");
        return argv[1] == std::string_view{"--help"} ? 0 : 2;
    }

    pollux::Engine engine{{.reactors = 2}};
    if (const pollux::Status status = engine.start(); !status) {
        std::cerr << status << '\n';
        return 1;
    }
    pollux::Reactor& first = engine.reactor(0);
    pollux::Reactor& second = engine.reactor(1);

    // From a thread that is not the reactor's, dispatch and post are the same: both are queued, in their order.
    std::latch both_done{2};
    say("1 dispatch to reactor 0, on ", here());
    first.dispatch([&] { from_the_reactor(first, "1", both_done); });
    say("2 post to reactor 0, on ", here());
    first.post([&] { from_the_reactor(first, "2", both_done); });
    both_done.wait();

    // From one reactor to another: also queued. Nothing is shared between them but what the tasks carry.
    std::latch answered{1};
    say("3 post to reactor 1, on ", here());
    second.post([&] {
        say("3.1 reactor 1 posts its answer to reactor 0, on ", here());
        const int answer = 6 * 7;
        first.post([&answered, answer] {
            say("3.2 the answer is ", answer, ", on ", here());
            answered.count_down();
        });
    });
    answered.wait();

    // More than a mailbox holds: refused tasks are tried again, none is lost, and their order is kept.
    constexpr int count = 1'000'000;
    int ran = 0;
    int out_of_order = 0;
    std::latch counted{1};
    for (int i = 0; i < count; ++i) {
        post_until_accepted(first, [&, i] {
            if (ran != i) ++out_of_order;
            if (++ran == count) counted.count_down();
        });
    }
    counted.wait();
    say("4 ", ran, " tasks posted and run, ", out_of_order, " of them out of order");

    engine.stop();
    engine.wait();
    return out_of_order == 0 ? 0 : 1;
}
