// A member of the chat over TLS, sure of whom it talks to; comes back a second after it was disconnected.
#include "common/certificates.h"
#include "common/chat_client.h"

namespace {

constexpr std::string_view usage = R"(usage: ssl_chat_client [endpoint [authority [name]]]

endpoint   where the server is: a port, host:port, tcp://host:port or unix:///path (default tcp://127.0.0.1:2222)
authority  PEM: whose certificates are trusted; "system" for the authorities that the system trusts
           (default )" POLLUX_CERTIFICATES R"(/ca.pem)
name       what the server's certificate must be for (default: the endpoint's host; localhost for unix:///path)

On the console a line goes to the chat, ! disconnects (and connects again after a second), an empty line stops.
)";

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = console::arguments(argc, argv, 3, usage);
    const std::string endpoint = console::tcp_endpoint(console::argument_or(arguments, 0, "2222"));
    const auto context = pollux::TlsContext::client(
        {.trust = certificates::trust_in(console::argument_or(arguments, 1, certificates::path("ca.pem")))});

    // A path has no host that a certificate could be for, so somebody must say which name is expected there.
    const std::string default_name = endpoint.starts_with("unix://") ? "localhost" : "";
    return chat::run_client(endpoint, context, console::argument_or(arguments, 2, default_name));
}
