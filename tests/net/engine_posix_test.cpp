// What engines and servers do with signals and permissions.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "support.h"

namespace pollux::test {
namespace {

TEST(ServerStartTest, names_the_path_it_may_not_write) {
    const std::string directory = fresh_path();
    ASSERT_EQ(::mkdir(directory.c_str(), 0500), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        // For root nothing is forbidden, so be nobody.
        if (::getuid() == 0 && ::setuid(65534) != 0) ::_exit(3);
        Engine engine;
        Server server{engine, {.endpoint = "unix://" + directory + "/s"}, Callbacks{.on_data = echo}};
        const Status status = server.start();
        const bool named = status.message().find(directory + "/s") != std::string::npos;
        ::_exit(status.error() == std::errc::permission_denied && named ? 0 : 1);
    }
    int outcome = -1;
    ASSERT_EQ(::waitpid(child, &outcome, 0), child);
    EXPECT_TRUE(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0) << outcome;
    ::rmdir(directory.c_str());
}

/// Puts a harmless handler in place for the time before and after the library's own.
class HarmlessSignal {
public:
    explicit HarmlessSignal(int number) : number_(number) {
        struct sigaction action {};
        action.sa_handler = ignore;
        ::sigaction(number_, &action, &before_);
    }
    ~HarmlessSignal() { ::sigaction(number_, &before_, nullptr); }
    HarmlessSignal(const HarmlessSignal&) = delete;
    HarmlessSignal& operator=(const HarmlessSignal&) = delete;

    [[nodiscard]] bool in_place() const {
        struct sigaction now {};
        ::sigaction(number_, nullptr, &now);
        return now.sa_handler == ignore;
    }

private:
    static void ignore(int) {}

    int number_;
    struct sigaction before_ {};
};

TEST(SignalTest, run_returns_on_sigint_and_sigterm) {
    for (const int number : {SIGINT, SIGTERM}) {
        const HarmlessSignal harmless{number};
        Engine engine{{.reactors = 2}};
        Server server{engine, {.endpoint = "tcp://127.0.0.1:0"}, Callbacks{.on_data = echo}};
        std::atomic<bool> returned{false};
        std::thread runner{[&] {
            const Status status = engine.run();
            EXPECT_TRUE(status) << status;
            returned = true;
        }};
        ASSERT_TRUE(eventually([&] { return engine.running() && server.running(); }));
        EXPECT_TRUE(eventually([&] {
            ::kill(::getpid(), number);
            return returned.load();
        }));
        runner.join();
        EXPECT_TRUE(harmless.in_place()) << "the former handler must come back";
    }
}

TEST(SignalTest, stop_on_signal_stops_every_engine_it_watches) {
    const HarmlessSignal harmless{SIGTERM};
    Engine first;
    Engine second{{.reactors = 2}};
    Engine third;
    ASSERT_TRUE(first.start() && second.start() && third.start());
    {
        const StopOnSignal watch_first{first};
        {
            const StopOnSignal watch_second{second};
            const StopOnSignal no_longer_watched{third};
        }
        const StopOnSignal watch_second{second};
        EXPECT_FALSE(harmless.in_place());
        ::raise(SIGTERM);
        first.wait();
        second.wait();
        EXPECT_FALSE(first.running());
        EXPECT_FALSE(second.running());
        EXPECT_TRUE(third.running());
    }
    EXPECT_TRUE(harmless.in_place());
    ::raise(SIGTERM);
    EXPECT_TRUE(third.running());
}

}  // namespace
}  // namespace pollux::test
