// The TLS of the perf programs.
#include "tls.h"

namespace perf {

std::vector<Option> server_tls_options(Options& options, Wire wire) {
    if (!wire.tls) return {};
    options.certificate = POLLUX_CERTIFICATES "/server.pem";
    options.key = POLLUX_CERTIFICATES "/server.key";
    return {{"", "--certificate", &options.certificate, "PEM file with the server's certificate"},
            {"", "--key", &options.key, "PEM file with its private key"}};
}

std::vector<Option> client_tls_options(Options& options, Wire wire) {
    if (!wire.tls) return {};
    options.ca = POLLUX_CERTIFICATES "/ca.pem";
    return {{"", "--ca", &options.ca, "PEM file with the authority of the server's certificate"},
            {"", "--server-name", &options.server_name, "name that the server's certificate must have"}};
}

pollux::TlsContext make_server_tls(const Options& options, Wire wire) {
    if (!wire.tls) return {};
    return pollux::TlsContext::server({.certificate = options.certificate, .key = options.key});
}

pollux::TlsContext make_client_tls(const Options& options, Wire wire) {
    if (!wire.tls) return {};
    pollux::TlsClientOptions tls;
    tls.trust.ca_file = options.ca;
    return pollux::TlsContext::client(tls);
}

}  // namespace perf
