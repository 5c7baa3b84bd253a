// Timers: once, periodic, at a time, cancelled, armed again from their own callback, and waited for by a thread.
#include <chrono>
#include <iostream>
#include <latch>
#include <memory>
#include <string_view>
#include <thread>

#include <pollux/pollux.h>

#include "common/console.h"

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using std::chrono::system_clock;

const steady_clock::time_point start = steady_clock::now();

template <class... Parts>
void say(const Parts&... parts) {
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - start);
    console::say(elapsed.count(), " ms  ", parts...);
}

// Timers on a reactor. They belong to its thread, as this object does, so none of this needs a lock.
class Timers {
public:
    Timers(pollux::Reactor& reactor, std::latch& done) : done_(done), reactor_(reactor) {}

    void arm() {
        once_.after(100ms);
        periodic_.every(100ms, 150ms);
        steady_.at(steady_clock::now() + 300ms);
        wall_.at(system_clock::now() + 350ms);
        doubling_.after(delay_);
        never_.after(1h);
        canceller_.after(200ms);
        moved_.after(100ms);
        moved_.after(450ms);  // replaces what was armed
    }

private:
    void on_periodic(pollux::Timer& timer) {
        say("periodic, ", ++ticks_, " of 5");
        if (ticks_ == 5) timer.cancel();
    }

    void on_doubling(pollux::Timer& timer) {
        say("once more, after ", delay_.count(), " ms");
        delay_ *= 2;
        if (delay_ <= 400ms) {
            timer.after(delay_);
        } else {
            done_.count_down();
        }
    }

    std::latch& done_;
    pollux::Reactor& reactor_;
    int ticks_ = 0;
    std::chrono::milliseconds delay_{50};

    pollux::Timer once_{reactor_, [](pollux::Timer&) { say("once, after 100 ms"); }};
    pollux::Timer periodic_{reactor_, [this](pollux::Timer& timer) { on_periodic(timer); }};
    pollux::Timer steady_{reactor_, [](pollux::Timer&) { say("at a time of the steady clock"); }};
    pollux::Timer wall_{reactor_, [](pollux::Timer&) { say("at a wall-clock time"); }};
    pollux::Timer doubling_{reactor_, [this](pollux::Timer& timer) { on_doubling(timer); }};
    pollux::Timer never_{reactor_, [](pollux::Timer&) { say("never seen"); }};
    pollux::Timer canceller_{reactor_, [this](pollux::Timer&) {
                                 say("cancelled: ", never_.cancel() ? "it was armed" : "it was not armed");
                             }};
    pollux::Timer moved_{reactor_, [](pollux::Timer&) { say("moved from 100 to 450 ms"); }};
};

// Timers are made, used and destroyed on their reactor's thread; this one only says when.
void on_the_reactor(pollux::Engine& engine) {
    std::unique_ptr<Timers> timers;
    std::latch fired{1};
    engine.post(0, [&] {
        timers = std::make_unique<Timers>(engine.reactor(0), fired);
        timers->arm();
    });
    fired.wait();

    std::latch destroyed{1};
    engine.post(0, [&] {
        timers.reset();
        destroyed.count_down();
    });
    destroyed.wait();
}

// For threads that wait: no callback, no reactor of one's own.
void on_this_thread(pollux::Engine& engine) {
    pollux::WaitableTimer timer{engine};
    timer.after(100ms);
    say("waiting 100 ms: ", timer.wait() ? "fired" : "cancelled");

    timer.at(steady_clock::now() + 50ms);
    say("waiting until a time: ", timer.wait() ? "fired" : "cancelled");

    timer.after(1h);
    std::thread other{[&timer] {
        std::this_thread::sleep_for(50ms);
        timer.cancel();
    }};
    say("waiting an hour, cancelled by another thread: ", timer.wait() ? "fired" : "cancelled");
    other.join();

    say("waiting for what is not armed: ", timer.wait() ? "fired" : "cancelled");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1) {
        console::say("usage: timer\n\nShows each kind of timer; runs for about a second.");
        return argv[1] == std::string_view{"--help"} ? 0 : 2;
    }
    pollux::Engine engine;
    if (const pollux::Status status = engine.start(); !status) {
        std::cerr << status << '\n';
        return 1;
    }
    on_the_reactor(engine);
    on_this_thread(engine);
    return 0;
}
