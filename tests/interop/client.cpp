// The client of the interop tests: connects with TLS, says what it sees on standard output, and takes orders from
// standard input, one a line; the end of it stops:
//   text WORDS   sends the words and a line end
//   bytes N      sends N known bytes and checks that they come back
//   close, abort, half   Connection::close, abort and close_send
//   connect      connects again, when the connection is over
#include <pollux/pollux.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>

#include "program.h"

namespace {

using namespace pollux;
using namespace pollux::interop;

/// A transfer of known bytes to a peer that echoes. Touched by the reactor's thread alone.
struct Transfer {
    std::uint64_t size = 0;  ///< 0: there is none.
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    bool intact = true;

    void pump(Connection& connection) {
        while (sent < size) {
            std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(size - sent, 60'000)), '\0');
            for (std::size_t i = 0; i < piece.size(); ++i) piece[i] = known_byte(sent + i);
            if (connection.send(piece) != Result::ok) return;  // on_drain follows
            sent += piece.size();
        }
    }

    void take(std::string_view text) {
        for (const char character : text) {
            if (character != known_byte(received++)) intact = false;
        }
        if (received < size) return;
        say("echoed " + std::to_string(received) + (intact && received == size ? " intact" : " damaged"));
        size = 0;
    }
};

class Visitor final : public ConnectionHandler {
public:
    explicit Visitor(Transfer& transfer) : transfer_(transfer) {}

    void on_open(Connection& connection) override { say("open " + describe(connection)); }

    void on_data(Connection&, Bytes data) override {
        if (transfer_.size > 0) {
            transfer_.take(as_text(data));
        } else {
            say("data " + escaped(as_text(data)));
        }
    }

    void on_drain(Connection& connection) override { transfer_.pump(connection); }

    void on_end(Connection& connection) override {
        say("end");
        connection.close();
    }

    void on_close(Connection& connection, CloseReason reason, std::error_code error) override {
        const ConnectionCounters counters = connection.counters();
        say("close " + describe(reason) + " received=" + std::to_string(counters.bytes_received) +
            " sent=" + std::to_string(counters.bytes_sent) + describe(error));
    }

    void on_connect_error(std::error_code error, unsigned, bool) override { say("connect_error" + describe(error)); }

private:
    Transfer& transfer_;
};

TlsVerification verification(const std::string& text) {
    if (text == "ignore-name") return TlsVerification::ignore_name;
    return text == "none" ? TlsVerification::insecure_none : TlsVerification::full;
}

TlsContext context(Arguments& arguments) {
    TlsClientOptions options;
    options.verification = verification(arguments.value("--verify", "full"));
    options.trust.ca_file = arguments.value("--ca");
    options.identity = identity(arguments);
    options.protocol = protocol_options(arguments);
    return arguments.flag("--plain") ? TlsContext{} : TlsContext::client(std::move(options));
}

void on_connection(ClientBase& client, std::function<void(Connection&)> work) {
    const ConnectionId id = client.connection_id();
    Reactor& reactor = client.engine().reactor(0);
    const Result posted = reactor.post([id, &reactor, work = std::move(work)] {
        if (Connection* connection = reactor.find(id)) {
            work(*connection);
        } else {
            say("not connected");
        }
    });
    if (posted != Result::ok) say("refused " + std::string{to_string(posted)});
}

void obey(ClientBase& client, Transfer& transfer, const std::string& order) {
    if (order.starts_with("text ")) {
        on_connection(client, [text = order.substr(5) + '\n'](Connection& connection) { connection.send(text); });
    } else if (order.starts_with("bytes ")) {
        on_connection(client, [&transfer, size = std::stoull(order.substr(6))](Connection& connection) {
            transfer = {.size = size};
            transfer.pump(connection);
        });
    } else if (order == "close") {
        on_connection(client, [](Connection& connection) { connection.close(); });
    } else if (order == "abort") {
        on_connection(client, [](Connection& connection) { connection.abort(); });
    } else if (order == "half") {
        on_connection(client, [](Connection& connection) { connection.close_send(); });
    } else if (order == "connect") {
        client.stop();
        if (const Status status = client.start(); !status) say("not started: " + status.message());
    } else {
        say("no such order: " + order);
    }
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments{argc, argv};
    ClientOptions options;
    options.endpoint = arguments.value("--endpoint");
    options.server_name = arguments.value("--server-name");
    options.tls = context(arguments);
    arguments.expect_all_used();

    Transfer transfer;
    Engine engine;
    Client<Visitor> client{engine, std::move(options), std::ref(transfer)};
    Status status = client.start();
    if (status) status = engine.start();
    if (!status) {
        std::cerr << status << std::endl;
        return EXIT_FAILURE;
    }

    std::string order;
    while (std::getline(std::cin, order)) obey(client, transfer, order);

    client.stop();
    engine.stop();
    engine.wait();
    return EXIT_SUCCESS;
}
