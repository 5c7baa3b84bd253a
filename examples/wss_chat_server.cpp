// A chat over WebSocket and TLS, with the page for it: every message of a member goes to all members.
#include "common/certificates.h"
#include "common/ws_chat_server.h"

namespace {

constexpr std::string_view usage = R"(usage: wss_chat_server [endpoint [certificate key]]

endpoint     where to listen: a port, host:port, tcp://host:port or unix:///path (default tcp://127.0.0.1:8443;
             tcp://*:8443 for every address of the machine)
certificate  PEM: the server's certificate, and behind it any of its chain
             (default )" POLLUX_CERTIFICATES R"(/server.pem)
key          PEM: its private key
             (default )" POLLUX_CERTIFICATES R"(/server.key)

The page is at https://127.0.0.1:8443/chat/, its WebSocket at wss://127.0.0.1:8443/chat/ws. A browser does not know who
made the certificate: it asks first, or is told to trust ca.pem beside it.
On the console a line goes to all members as "(admin) line", !reload reads the certificate again, ! restarts the server,
an empty line stops it. A member that sends ! is disconnected.
)";

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = console::arguments(argc, argv, 3, usage);
    const auto context =
        pollux::TlsContext::server({.certificate = console::argument_or(arguments, 1, certificates::path("server.pem")),
                                    .key = console::argument_or(arguments, 2, certificates::path("server.key"))});
    return chat::run_web_server(console::inet_endpoint("tcp://", "8443", console::argument_or(arguments, 0, "")),
                                context);
}
