// A console for HTTPS, sure of whom it talks to: a line is a request, what is shown is its answer.
#include "common/certificates.h"
#include "common/http_console.h"

namespace {

constexpr std::string_view usage = R"(usage: https_client [server [authority]]

server     where requests go that name none: a port, host:port, https://host:port or unix:///path
           (default https://127.0.0.1:8443)
authority  PEM: whose certificates are trusted; "system" for the authorities that the system trusts
           (default )" POLLUX_CERTIFICATES R"(/ca.pem)

On the console a line is METHOD URL [BODY], where a path stands for a URL of the server:

  POST /api/cache?key=name value
  GET /api/cache?key=name

An empty line stops.
)";

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = console::arguments(argc, argv, 2, usage);
    pollux::http::ClientOptions options;
    options.tls = pollux::TlsContext::client(
        {.trust = certificates::trust_in(console::argument_or(arguments, 1, certificates::path("ca.pem")))});
    return http_console::run(http_console::target("https", "8443", console::argument_or(arguments, 0, "")),
                             std::move(options));
}
