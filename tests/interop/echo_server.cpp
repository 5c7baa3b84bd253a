// The server of the interop tests: echoes over TLS, says what it sees on standard output, and takes orders from the
// peer ("!close", "!abort", "!half" as a line of its own) and from standard input ("reload"; the end of it stops).
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>

#include "program.h"

namespace {

using namespace pollux;
using namespace pollux::interop;

class Echo final : public ConnectionHandler {
public:
    explicit Echo(bool http) : http_(http) {}

    void on_open(Connection& connection) override { say("open " + describe(connection)); }

    void on_data(Connection& connection, Bytes data) override {
        const std::string_view text = as_text(data);
        if (text == "!close\n") {
            connection.close();
        } else if (text == "!abort\n") {
            connection.abort();
        } else if (text == "!half\n") {
            connection.close_send();
        } else if (http_) {
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\nfrom pollux\n");
            connection.close();
        } else if (const Result result = connection.send(data); result != Result::ok) {
            say("refused " + std::string{to_string(result)});
        }
    }

    void on_end(Connection& connection) override {
        say("end");
        connection.close();
    }

    void on_close(Connection& connection, CloseReason reason, std::error_code error) override {
        const ConnectionCounters counters = connection.counters();
        say("close " + describe(reason) + " received=" + std::to_string(counters.bytes_received) +
            " sent=" + std::to_string(counters.bytes_sent) + describe(error));
    }

    void on_handshake_error(Connection&, CloseReason reason, std::error_code error) override {
        say("handshake_error " + describe(reason) + describe(error));
    }

private:
    bool http_;
};

TlsClientCertificate client_certificate(const std::string& text) {
    if (text == "required") return TlsClientCertificate::required;
    return text == "optional" ? TlsClientCertificate::optional : TlsClientCertificate::none;
}

/// --more CERTIFICATE:KEY, for each identity after the first.
std::vector<TlsIdentity> more_identities(Arguments& arguments) {
    std::vector<TlsIdentity> identities;
    for (const std::string& pair : arguments.values("--more")) {
        const std::vector<std::string> files = split(pair, ':');
        if (files.size() == 2) identities.push_back({.certificate = files[0], .key = files[1]});
    }
    return identities;
}

TlsContext context(Arguments& arguments) {
    TlsIdentity first = identity(arguments);
    TlsServerOptions options;
    options.certificate = std::move(first.certificate);
    options.key = std::move(first.key);
    options.chain = std::move(first.chain);
    options.pfx = std::move(first.pfx);
    options.password = std::move(first.password);
    options.more_identities = more_identities(arguments);
    options.protocol = protocol_options(arguments);
    options.client_certificate = client_certificate(arguments.value("--client-certificate"));
    options.client_trust.ca_file = arguments.value("--client-ca");
    options.dh_parameters = arguments.value("--dh");
    options.session_resumption = !arguments.flag("--no-resumption");
    options.session_tickets = !arguments.flag("--no-tickets");
    return arguments.flag("--plain") ? TlsContext{} : TlsContext::server(std::move(options));
}

void obey_input(TlsContext& tls) {
    std::string order;
    while (std::getline(std::cin, order)) {
        if (order == "reload") {
            say("reload " + tls.reload().message());
        } else {
            say("no such order: " + order);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments{argc, argv};
    const std::string endpoint = arguments.value("--endpoint", "tcp://127.0.0.1:0");
    const bool http = arguments.flag("--http");
    TlsContext tls = context(arguments);
    arguments.expect_all_used();

    Engine engine;
    Server<Echo> server{engine, {.endpoint = endpoint, .tls = tls}, http};
    Status status = server.start();
    if (status) status = engine.start();
    if (!status) {
        std::cerr << status << std::endl;
        return EXIT_FAILURE;
    }
    say("listening " + (server.port() != 0 ? std::to_string(server.port()) : server.address().to_string()));

    obey_input(tls);
    server.stop();
    const ServerCounters counters = server.counters();
    say("accepted=" + std::to_string(counters.accepted) +
        " handshakes_failed=" + std::to_string(counters.handshakes_failed));
    engine.stop();
    engine.wait();
    return EXIT_SUCCESS;
}
