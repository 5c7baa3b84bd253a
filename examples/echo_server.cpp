// The echo server of the README on any number of endpoints: what arrives goes back.
#include <deque>
#include <iostream>
#include <string_view>
#include <vector>

#include <pollux/pollux.h>

namespace {

constexpr std::string_view usage = R"(usage: echo_server [endpoint ...]

endpoint  tcp://host:port or unix:///path (default tcp://127.0.0.1:1111 and unix:///tmp/pollux-echo.sock)

Ends at SIGINT or SIGTERM.
)";

struct Echo : pollux::ConnectionHandler {
    void on_data(pollux::Connection& peer, pollux::Bytes data) override { peer.send(data); }
};

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string_view> endpoints(argv + 1, argv + argc);
    if (!endpoints.empty() && endpoints.front().starts_with('-')) {
        std::cout << usage;
        return endpoints.front() == "--help" || endpoints.front() == "-h" ? 0 : 2;
    }
    if (endpoints.empty()) endpoints = {"tcp://127.0.0.1:1111", "unix:///tmp/pollux-echo.sock"};

    pollux::Engine engine{{.reactors = 0}};
    std::deque<pollux::Server<Echo>> servers;  // a server stays where it was made; a deque never moves its elements
    for (const std::string_view endpoint : endpoints) {
        auto& server = servers.emplace_back(engine, pollux::ServerOptions{.endpoint = std::string{endpoint}});
        if (const pollux::Status status = server.start(); !status) {
            std::cerr << status << '\n';
            return 1;
        }
        std::cout << "listening on " << server.address().to_string() << std::endl;
    }

    const pollux::Status status = engine.run();
    if (!status) std::cerr << status << '\n';
    return status ? 0 : 1;
}
