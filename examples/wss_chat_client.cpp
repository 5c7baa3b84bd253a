// A member of the chat over WebSocket and TLS, sure of whom it talks to; comes back a second after it was disconnected.
#include "common/certificates.h"
#include "common/ws_chat_client.h"

namespace {

constexpr std::string_view usage = R"(usage: wss_chat_client [url [authority]]

url        where the chat is: a port, host:port, wss://host:port or wss://host:port/path
           (default wss://127.0.0.1:8443/chat/ws, and /chat/ws where there is no path)
authority  PEM: whose certificates are trusted; "system" for the authorities that the system trusts
           (default )" POLLUX_CERTIFICATES R"(/ca.pem)

On the console a line goes to the chat, ! disconnects (and connects again after a second), an empty line stops.
)";

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = console::arguments(argc, argv, 2, usage);
    const auto context = pollux::TlsContext::client(
        {.trust = certificates::trust_in(console::argument_or(arguments, 1, certificates::path("ca.pem")))});
    return chat::run_web_client(chat::chat_url("wss://", "8443", console::argument_or(arguments, 0, "")), context);
}
