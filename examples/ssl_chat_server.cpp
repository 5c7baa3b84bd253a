// A chat over TLS: every line of a member goes to all members, and nobody on the way reads it.
#include "common/certificates.h"
#include "common/chat_server.h"

namespace {

constexpr std::string_view usage = R"(usage: ssl_chat_server [endpoint [certificate key]]

endpoint     where to listen: a port, host:port, tcp://host:port or unix:///path (default tcp://127.0.0.1:2222;
             tcp://*:2222 for every address of the machine)
certificate  PEM: the server's certificate, and behind it any of its chain
             (default )" POLLUX_CERTIFICATES R"(/server.pem)
key          PEM: its private key
             (default )" POLLUX_CERTIFICATES R"(/server.key)

On the console a line goes to all members as "(admin) line", !reload reads the files again (members stay, who comes
next sees the new certificate), ! restarts the server, an empty line stops it. A member that sends ! is disconnected.
)";

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = console::arguments(argc, argv, 3, usage);
    const auto context =
        pollux::TlsContext::server({.certificate = console::argument_or(arguments, 1, certificates::path("server.pem")),
                                    .key = console::argument_or(arguments, 2, certificates::path("server.key"))});
    return chat::run_server(console::tcp_endpoint(console::argument_or(arguments, 0, "2222")), context);
}
