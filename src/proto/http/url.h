// URLs of HTTP (RFC 3986, RFC 9110 4.2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pollux::http {

/// Where a request goes: `http://host:port/path?query`, or https. A plain value; the fragment is not part of it.
struct Url {
    bool secure = false;
    std::uint16_t port = 0;  ///< The scheme's, unless another was written.
    std::string host;        ///< In lower case; an IPv6 address without its brackets.
    std::string path;        ///< As it was written; empty, or it begins with `/`.
    std::string query;       ///< With the question mark; empty if there was none.

    /// Takes a text apart. False, and `out` is untouched, if it is no such URL: another scheme, no host or a bad one, a
    /// user name (RFC 9110, 4.2.4), a bad port, a space or a control character. Other characters that cannot stand in a
    /// URL are percent-encoded.
    [[nodiscard]] static bool parse(std::string_view text, Url& out);

    /// What a reference, as in `Location`, means where this is the base (RFC 3986, 5.2). False as with `parse`.
    [[nodiscard]] bool resolve(std::string_view reference, Url& out) const;

    /// The value of `Host`: the port only if it is not the scheme's.
    [[nodiscard]] std::string authority() const;

    /// Scheme, host and port, always with the port: what two URLs of one origin have in common (RFC 6454, 4).
    [[nodiscard]] std::string origin() const;

    /// What stands in the request line. OPTIONS of a URL without a path and a query asks about the whole server.
    [[nodiscard]] std::string target(std::string_view method) const;

    /// The text that `parse` takes.
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const Url&, const Url&) = default;
};

/// A path without `.` and `..` as segments (RFC 3986, 5.2.4).
[[nodiscard]] std::string remove_dot_segments(std::string_view path);

}  // namespace pollux::http
