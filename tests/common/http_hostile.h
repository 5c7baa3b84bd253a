// Requests that no server may take for requests: what one recipient would read differently from the next.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pollux::test {

struct HostileRequest {
    std::string bytes;
    unsigned status = 400;  ///< Of the answer.
};

/// Behind each of them comes this, which must not be taken for a request either.
inline constexpr std::string_view smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

inline std::string printable(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        constexpr std::string_view digits = "0123456789ABCDEF";
        const auto code = static_cast<unsigned char>(c);
        if (code >= 0x20 && code < 0x7F) {
            text += c;
        } else {
            text += {'\\', 'x', digits[code >> 4U], digits[code & 0xFU]};
        }
    }
    return text;
}

/// Request lines, with their status if it is not 400.
inline std::vector<HostileRequest> hostile_lines() {
    using namespace std::string_literals;
    std::vector<HostileRequest> requests;
    for (const std::string& line : {" GET / HTTP/1.1"s,
                                    "GET  / HTTP/1.1"s,
                                    "GET /  HTTP/1.1"s,
                                    "GET / HTTP/1.1 "s,
                                    "GET\t/\tHTTP/1.1"s,
                                    "GET /\tHTTP/1.1"s,
                                    "GET / HTTP/1.1\t"s,
                                    "GET /"s,
                                    "GET"s,
                                    "GET /a b HTTP/1.1"s,
                                    "GET / HTTP/1.1 x"s,
                                    "GET HTTP/1.1"s,
                                    "GET  HTTP/1.1"s,
                                    " / HTTP/1.1"s,
                                    "/ HTTP/1.1"s,
                                    "GET / http/1.1"s,
                                    "GET / HTTP/1.10"s,
                                    "GET / HTTP/1."s,
                                    "GET / HTTP/11"s,
                                    "GET / HTTP/1,1"s,
                                    "GET / HTTP /1.1"s,
                                    "GET / HTTP/+1.1"s,
                                    "GET / HTTPS/1.1"s,
                                    "GET / XTTP/1.1"s,
                                    "GET / HTTP/1.1;"s,
                                    "G@T / HTTP/1.1"s,
                                    "G\xC4T / HTTP/1.1"s,
                                    "GET: / HTTP/1.1"s,
                                    "GET a HTTP/1.1"s,
                                    "GET * HTTP/1.1"s,
                                    "OPTIONS ** HTTP/1.1"s,
                                    "OPTIONS *a HTTP/1.1"s,
                                    "GET ?a HTTP/1.1"s,
                                    "GET /a#b HTTP/1.1"s,
                                    "GET /\xC3\xA4 HTTP/1.1"s,
                                    "GET http: HTTP/1.1"s,
                                    "GET http:/a HTTP/1.1"s,
                                    "GET http:// HTTP/1.1"s,
                                    "GET http:///a HTTP/1.1"s,
                                    "GET ftp://a/ HTTP/1.1"s,
                                    "GET http://u@a/ HTTP/1.1"s,
                                    "GET http://a:b/ HTTP/1.1"s,
                                    "GET http://a:80:80/ HTTP/1.1"s,
                                    "GET http://[::1/ HTTP/1.1"s,
                                    "GET http://a b/ HTTP/1.1"s,
                                    "GET http://a\\b/ HTTP/1.1"s,
                                    "GET example.com:80 HTTP/1.1"s,
                                    "GET /\0 HTTP/1.1"s,
                                    "GET /\x7F HTTP/1.1"s,
                                    "GET /\x01 HTTP/1.1"s,
                                    "GET / HTTP/1.1\r"s,
                                    "GET /\rx HTTP/1.1"s,
                                    "GET /\nx HTTP/1.1"s,
                                    "GET / HTTP/1.1\nX: y"s}) {
        requests.push_back({line + "\r\nHost: a\r\n\r\n"});
    }
    for (const std::string& line :
         {"GET / HTTP/2.0"s, "GET / HTTP/0.9"s, "GET / HTTP/1.2"s, "GET / HTTP/9.9"s, "PRI * HTTP/2.0"s}) {
        requests.push_back({line + "\r\nHost: a\r\n\r\n", 505});
    }
    for (const std::string& line : {"get / HTTP/1.1"s, "GETT / HTTP/1.1"s, "GE / HTTP/1.1"s, "X / HTTP/1.1"s,
                                    "CONNECT a:443 HTTP/1.1"s, std::string(200, 'A') + " / HTTP/1.1"}) {
        requests.push_back({line + "\r\nHost: a\r\n\r\n", 501});
    }
    return requests;
}

/// Field lines.
inline std::vector<HostileRequest> hostile_fields() {
    using namespace std::string_literals;
    const std::string line = "POST / HTTP/1.1\r\n";
    std::vector<HostileRequest> requests;
    for (const std::string& hosts : {""s,
                                     "Host:\r\n"s,
                                     "Host: \t \r\n"s,
                                     "Host: a\r\nHost: a\r\n"s,
                                     "Host: a\r\nhOST: b\r\n"s,
                                     "Host: a\r\nHost:\r\n"s,
                                     "Host: a b\r\n"s,
                                     "Host: a/b\r\n"s,
                                     "Host: u@a\r\n"s,
                                     "Host: http://a\r\n"s,
                                     "Host: a:b\r\n"s,
                                     "Host: a:123456\r\n"s,
                                     "Host: a:80:80\r\n"s,
                                     "Host: :80\r\n"s,
                                     "Host: [::1\r\n"s,
                                     "Host: [::1]x\r\n"s,
                                     "Host: []\r\n"s,
                                     "Host: a#b\r\n"s,
                                     "Host: a?b\r\n"s,
                                     "Host: \xC4\r\n"s,
                                     "Host: a\\b\r\n"s,
                                     "Host: a:-1\r\n"s,
                                     "Host: a:+1\r\n"s,
                                     "Host : a\r\n"s,
                                     " Host: a\r\n"s,
                                     "Host\r\n"s,
                                     "Host a\r\n"s}) {
        requests.push_back({line + hosts + "\r\n"});
    }
    for (const std::string& lengths : {""s,
                                       "+5"s,
                                       "-5"s,
                                       "5 5"s,
                                       "5,5"s,
                                       "5, 5"s,
                                       "5,"s,
                                       ",5"s,
                                       "0x5"s,
                                       "5a"s,
                                       "a5"s,
                                       "5.0"s,
                                       "5e0"s,
                                       "5;a"s,
                                       "\"5\""s,
                                       "\xEF\xBC\x95"s,
                                       "18446744073709551616"s,
                                       "18446744073709551621"s,
                                       "99999999999999999999999999"s,
                                       "5\r\nContent-Length: 5"s,
                                       "5\r\nContent-Length: 6"s,
                                       "5\r\ncontent-length: "s,
                                       "chunked"s,
                                       "5\0"s,
                                       "5\v"s}) {
        requests.push_back({line + "Host: a\r\nContent-Length: " + lengths + "\r\n\r\nabcde"});
    }
    for (const std::string& codings : {""s,
                                       "identity"s,
                                       "xchunked"s,
                                       "chunkedx"s,
                                       "chunked;q=1"s,
                                       "\"chunked\""s,
                                       "chunked chunked"s,
                                       "chunked, chunked"s,
                                       "chunked,"s,
                                       "chunked, identity"s,
                                       "identity, chunked"s,
                                       "chunked, gzip"s,
                                       "gzip"s,
                                       "x, chunked"s,
                                       "gzip;q=1, chunked"s,
                                       "chunk"s,
                                       "chun\tked"s,
                                       "chunked\0"s,
                                       "\0chunked"s,
                                       "chunked\x0B"s,
                                       "\x0B"
                                       "chunked"s,
                                       "\xE7hunked"s,
                                       "chunked\r\nTransfer-Encoding: chunked"s,
                                       "chunked\r\nTransfer-Encoding: identity"s,
                                       "identity\r\nTransfer-Encoding: chunked"s,
                                       "gzip\r\nTransfer-Encoding: chunked"s,
                                       "chunked\r\nTransfer-Encoding:"s,
                                       "chunked\r\nContent-Length: 5"s,
                                       "x\r\nContent-Length: 5"s,
                                       "chunked\r\n x"s,
                                       "\r\n chunked"s,
                                       "chunked\r\nContent-Length: 0"s}) {
        requests.push_back({line + "Host: a\r\nTransfer-Encoding: " + codings + "\r\n\r\n0\r\n\r\n"});
    }
    requests.push_back({line + "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501});
    requests.push_back({line + "Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"});
    requests.push_back({"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"});
    for (const std::string& field : {"Transfer-Encoding : chunked"s,
                                     "Transfer-Encoding\t: chunked"s,
                                     "Content-Length : 5"s,
                                     "Content-Length\t:5"s,
                                     " X: y"s,
                                     "\tX: y"s,
                                     "X: y\r\n z"s,
                                     "X: y\r\n\tz"s,
                                     "X: y\r\n "s,
                                     ": y"s,
                                     ":"s,
                                     "X"s,
                                     "X y"s,
                                     "X Y: z"s,
                                     "X\t: y"s,
                                     "X(: y"s,
                                     "X\": y"s,
                                     "\xC4: y"s,
                                     "X\xC4: y"s,
                                     "X/: y"s,
                                     "X[: y"s,
                                     "X@: y"s,
                                     "X: a\rb"s,
                                     "X: a\r"s,
                                     "X\r: a"s,
                                     "X: a\nY: b"s,
                                     "X: a\0b"s,
                                     "\0X: a"s,
                                     "X\0: a"s,
                                     "X: a\x01"s,
                                     "X: a\x0B"s,
                                     "X: a\x0C"s,
                                     "X: a\x1F"s,
                                     "X: a\x7F"s,
                                     "X: a\x1B[0m"s,
                                     "X: a\n"s,
                                     "X: a\n\r\n"s,
                                     "\n"s,
                                     "\r"s}) {
        requests.push_back({line + "Host: a\r\n" + field + "\r\n\r\n"});
    }
    requests.push_back({line + "Host: a\n\n"});
    requests.push_back({line + "Host: a\r\n\n"});
    requests.push_back({line + "Host: a\n\r\n"});
    requests.push_back({line + "Host: a\r\n\r\r\n"});
    requests.push_back({line + " Host: a\r\nHost: a\r\n\r\n"});
    requests.push_back({line + "Host: a\r\nExpect: 200-ok\r\n\r\n", 417});
    requests.push_back({line + "Host: a\r\nExpect: 100-continue, x\r\n\r\n", 417});
    return requests;
}

/// Chunked bodies.
inline std::vector<HostileRequest> hostile_chunks() {
    using namespace std::string_literals;
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    std::vector<HostileRequest> requests;
    for (const std::string& body : {"\r\n"s,
                                    "-1\r\na\r\n"s,
                                    "+1\r\na\r\n"s,
                                    "0x1\r\na\r\n"s,
                                    "1_0\r\n"s,
                                    "_1\r\na\r\n"s,
                                    "g\r\n"s,
                                    " 1\r\na\r\n"s,
                                    "\t1\r\na\r\n"s,
                                    "1 0\r\n"s,
                                    "1,0\r\n"s,
                                    "1.0\r\n"s,
                                    "10000000000000001\r\na\r\n"s,
                                    "ffffffffffffffff1\r\n"s,
                                    "1ffffffffffffffff\r\n"s,
                                    "00000000000000000x\r\n"s,
                                    "1\na\r\n"s,
                                    "1\ra\r\n"s,
                                    "1\r\r\na\r\n"s,
                                    "1;\na\r\n"s,
                                    "1;a\na\r\n"s,
                                    "1;a\rb\r\na\r\n"s,
                                    "1;a=b\na\r\n"s,
                                    "1;a=b\rc\r\na\r\n"s,
                                    "1;a=\"b\nc\"\r\na\r\n"s,
                                    "1;a=\"b\r\nc\"\r\na\r\n"s,
                                    "1;a\0\r\na\r\n"s,
                                    "1;a=\0\r\na\r\n"s,
                                    "1;a\x01\r\na\r\n"s,
                                    "1;a=\x7F\r\na\r\n"s,
                                    "1\0\r\na\r\n"s,
                                    "1\xC4\r\na\r\n"s,
                                    "1\r\nab\r\n"s,
                                    "1\r\na\n0\r\n\r\n"s,
                                    "1\r\na\r0\r\n\r\n"s,
                                    "1\r\na0\r\n\r\n"s,
                                    "1\r\na\r\r\n0\r\n\r\n"s,
                                    "1\r\n\r\n\r\n"s,
                                    "2\r\na\r\n0\r\n\r\n"s,
                                    "0\n\r\n"s,
                                    "0\r\n\n"s,
                                    "0\r\r\n\r\n"s,
                                    "0\r\n\rx"s,
                                    "1\r\na\r\n\r\n"s,
                                    ";a\r\n"s,
                                    ";\r\n"s}) {
        requests.push_back({head + body});
    }
    for (const std::string& trailer : {"Content-Length: 5"s,
                                       "Transfer-Encoding: chunked"s,
                                       "transfer-encoding: x"s,
                                       "Host: b"s,
                                       "Connection: close"s,
                                       "Expect: 100-continue"s,
                                       "X : y"s,
                                       " X: y"s,
                                       "X: y\r\n z"s,
                                       "X"s,
                                       ": y"s,
                                       "X: a\nY: b"s,
                                       "X: a\rb"s,
                                       "X: a\0"s,
                                       "X: a\x7F"s,
                                       "X Y: z"s,
                                       "\n"s,
                                       "Trailer: X"s,
                                       "TE: trailers"s,
                                       "Upgrade: x"s}) {
        requests.push_back({head + "1\r\na\r\n0\r\n" + trailer + "\r\n\r\n"});
    }
    return requests;
}

inline std::vector<HostileRequest> hostile_requests() {
    std::vector<HostileRequest> all = hostile_lines();
    for (const auto& more : {hostile_fields(), hostile_chunks()}) all.insert(all.end(), more.begin(), more.end());
    return all;
}

}  // namespace pollux::test
