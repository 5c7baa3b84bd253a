// A cache over HTTPS: GET gives one value or all, POST and PUT store, DELETE removes.
#include "common/certificates.h"
#include "common/http_cache_server.h"

namespace {

constexpr std::string_view usage = R"(usage: https_server [endpoint [folder [certificate key]]]

endpoint     where to listen: a port, host:port, tcp://host:port or unix:///path (default tcp://127.0.0.1:8443;
             tcp://*:8443 for every address of the machine)
folder       its files are served under all paths that are not the cache's (default, or "": none are)
certificate  PEM: the server's certificate, and behind it any of its chain
             (default )" POLLUX_CERTIFICATES R"(/server.pem)
key          PEM: its private key
             (default )" POLLUX_CERTIFICATES R"(/server.key)

  curl --cacert ca.pem -d value 'https://localhost:8443/api/cache?key=name'    stores a value
  curl --cacert ca.pem 'https://localhost:8443/api/cache?key=name'             gives it
  curl --cacert ca.pem https://localhost:8443/api/cache                        gives all of them

On the console !reload reads the certificate again, ! restarts the server, an empty line stops it.
)";

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = console::arguments(argc, argv, 4, usage);
    const auto context =
        pollux::TlsContext::server({.certificate = console::argument_or(arguments, 2, certificates::path("server.pem")),
                                    .key = console::argument_or(arguments, 3, certificates::path("server.key"))});
    return cache::run_server(console::inet_endpoint("tcp://", "8443", console::argument_or(arguments, 0, "")),
                             console::argument_or(arguments, 1, ""), context);
}
