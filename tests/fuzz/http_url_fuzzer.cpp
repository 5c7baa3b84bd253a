// Fuzzes URLs: what is taken can be put into a request as it is, and survives the way to text and back. The input: a
// URL and, in a second line, a reference that is resolved against it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/support.h"
#include "proto/http/request_parser.h"
#include "proto/http/url.h"

namespace {

using pollux::http::Url;
using pollux::test::insist;

void check(const Url& url) {
    Url again;
    insist(Url::parse(url.to_string(), again) && again == url);
    insist(!url.host.empty() && url.port != 0);
    insist(url.path.empty() || url.path.front() == '/');
    insist(url.query.empty() || url.query.front() == '?');

    // The server's side of the library takes what the client's side makes of it.
    insist(pollux::http::is_host(url.authority()));
    pollux::http::RequestHead head;
    insist(!pollux::http::parse_request_line("GET " + url.target("GET") + " HTTP/1.1", head));
    insist(!pollux::http::parse_request_line("OPTIONS " + url.target("OPTIONS") + " HTTP/1.1", head));
}

void check_dots(std::string_view path) {
    const std::string clean = pollux::http::remove_dot_segments(path);
    insist(clean.size() <= path.size() && pollux::http::remove_dot_segments(clean) == clean);
    if (!path.starts_with('/')) return;
    insist(clean.starts_with('/') && clean.find("/../") == std::string::npos && clean.find("/./") == std::string::npos);
    insist(!clean.ends_with("/..") && !clean.ends_with("/."));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = pollux::test::text_of(data, size);
    const std::size_t line_end = std::min(text.find('\n'), text.size());
    const std::string_view reference = text.substr(std::min(line_end + 1, text.size()));
    check_dots(reference);

    Url url;
    url.host = "untouched";
    if (!Url::parse(text.substr(0, line_end), url)) {
        insist(url.host == "untouched" && url.path.empty() && url.query.empty());
        return 0;
    }
    check(url);

    Url there;
    if (url.resolve(reference, there)) check(there);
    return 0;
}
