// What the programs of the interop tests share: arguments, and the lines that tell a test what this side saw.
#pragma once

#include <pollux/pollux.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace pollux::interop {

/// `--name value` pairs and `--flags`. Each program takes what it knows; a name nobody asked for is a mistake.
class Arguments {
public:
    /// Ends the program if something is neither.
    Arguments(int argc, char** argv);

    /// The last value of an option, or `otherwise`.
    [[nodiscard]] std::string value(const std::string& name, const std::string& otherwise = {});

    /// All values of an option that may be given several times.
    [[nodiscard]] std::vector<std::string> values(const std::string& name);

    /// True if the flag was given.
    [[nodiscard]] bool flag(const std::string& name);

    /// Ends the program if there was an option that was not asked for.
    void expect_all_used() const;

private:
    std::map<std::string, std::vector<std::string>> given_;
    std::map<std::string, bool> used_;
};

/// The parts of a text between separators; none of an empty text.
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);

/// --min, --max, --ciphers, --suites, --groups, --alpn a,b
[[nodiscard]] TlsProtocolOptions protocol_options(Arguments& arguments);

/// --certificate, --key, --chain, --pfx, --password
[[nodiscard]] TlsIdentity identity(Arguments& arguments);

/// The byte at a place of an endless sequence without a short period, so that a lost, doubled or swapped one shows.
[[nodiscard]] char known_byte(std::uint64_t position) noexcept;

/// Writes one line and flushes it. Any thread.
void say(const std::string& line);

/// "TLSv1.3 cipher=… alpn=… sni=… resumed=0 peer=CN=client verify=ok"
[[nodiscard]] std::string describe(const Connection& connection);

/// " error=certificate has expired", or nothing.
[[nodiscard]] std::string describe(std::error_code error);

/// The name as an identifier: "peer_closed", "tls_truncated".
[[nodiscard]] std::string describe(CloseReason reason);

/// On one line, whatever is in it.
[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace pollux::interop
