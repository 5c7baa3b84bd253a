// The outside project of the install test: an echo on loopback, asked by a blocking client, over TCP; and contexts of
// TLS, for which OpenSSL must have been linked.
#include <array>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include <pollux/pollux.h>

namespace {

struct Echo final : pollux::ConnectionHandler {
    void on_data(pollux::Connection& connection, pollux::Bytes data) override { connection.send(data); }
};

bool succeeded(std::string_view step, const pollux::Status& status) {
    if (!status) std::cerr << step << ": " << status << '\n';
    return status.ok();
}

/// No certificates are at hand here, so one context is for a client, and the other must tell what it misses.
bool has_tls() {
    const pollux::Status client = pollux::TlsContext::client({.trust = {.system_store = true}}).status();
    if (!succeeded("client context", client)) return false;

    const pollux::Status server = pollux::TlsContext::server({.certificate = "missing.pem"}).status();
    if (!server && server.message().find("missing.pem") != std::string::npos) return true;
    std::cerr << "a server context without its file says: " << server << '\n';
    return false;
}

}  // namespace

int main() {
    if (!has_tls()) return EXIT_FAILURE;

    pollux::Engine engine;
    pollux::Server<Echo> server{engine, {.endpoint = "tcp://127.0.0.1:0"}};
    if (!succeeded("server", server.start()) || !succeeded("engine", engine.start())) return EXIT_FAILURE;

    constexpr std::string_view question = "is anybody there?";
    std::array<std::byte, question.size()> answer{};
    std::size_t received = 0;

    pollux::BlockingClient client;
    if (!succeeded("connect", client.connect("tcp://127.0.0.1:" + std::to_string(server.port()))) ||
        !succeeded("send", client.send(question)) || !succeeded("receive", client.receive_exactly(answer, received)) ||
        !succeeded("close", client.close())) {
        return EXIT_FAILURE;
    }
    if (pollux::as_text(answer) != question) {
        std::cerr << "the echo is \"" << pollux::as_text(answer) << "\"\n";
        return EXIT_FAILURE;
    }
    std::cout << pollux::as_text(answer) << '\n';
}
