// Arguments in, lines out.
#include "program.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>

namespace pollux::interop {
namespace {

[[noreturn]] void misused(const std::string& why) {
    std::fprintf(stderr, "%s\n", why.c_str());
    std::exit(2);
}

TlsVersion version(const std::string& text) {
    if (text == "1.2") return TlsVersion::tls1_2;
    if (text == "1.3") return TlsVersion::tls1_3;
    misused("not a version that can be chosen: " + text);
}

}  // namespace

Arguments::Arguments(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (!name.starts_with("--")) misused("not an option: " + std::string{name});
        std::vector<std::string>& values = given_[std::string{name}];
        if (i + 1 < argc && !std::string_view{argv[i + 1]}.starts_with("--")) values.emplace_back(argv[++i]);
    }
}

std::string Arguments::value(const std::string& name, const std::string& otherwise) {
    const std::vector<std::string> all = values(name);
    return all.empty() ? otherwise : all.back();
}

std::vector<std::string> Arguments::values(const std::string& name) {
    used_[name] = true;
    const auto found = given_.find(name);
    return found == given_.end() ? std::vector<std::string>{} : found->second;
}

bool Arguments::flag(const std::string& name) {
    used_[name] = true;
    return given_.contains(name);
}

void Arguments::expect_all_used() const {
    for (const auto& [name, values] : given_) {
        if (!used_.contains(name)) misused("no such option: " + name);
    }
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return parts;
}

TlsProtocolOptions protocol_options(Arguments& arguments) {
    return {.min_version = version(arguments.value("--min", "1.2")),
            .max_version = version(arguments.value("--max", "1.3")),
            .ciphers = arguments.value("--ciphers"),
            .cipher_suites = arguments.value("--suites"),
            .groups = arguments.value("--groups"),
            .alpn = split(arguments.value("--alpn"), ',')};
}

TlsIdentity identity(Arguments& arguments) {
    return {.certificate = arguments.value("--certificate"),
            .key = arguments.value("--key"),
            .chain = arguments.value("--chain"),
            .pfx = arguments.value("--pfx"),
            .password = arguments.value("--password")};
}

char known_byte(std::uint64_t position) noexcept {
    return static_cast<char>((position * 0x9E3779B97F4A7C15U) >> 56);
}

void say(const std::string& line) {
    std::fputs((line + '\n').c_str(), stdout);
    std::fflush(stdout);
}

std::string describe(const Connection& connection) {
    const std::optional<TlsInfo> info = connection.tls();
    if (!info) return "plain";
    std::string text = info->version + " cipher=" + info->cipher + " alpn=" + info->alpn + " sni=" + info->server_name;
    text += info->resumed ? " resumed=1" : " resumed=0";
    text += " peer=" + (info->peer_certificate ? info->peer_certificate->subject : "");
    text += " verify=" + (info->verify_result ? info->verify_result.message() : "ok");
    return text;
}

std::string describe(std::error_code error) {
    return error ? " error=" + error.message() : "";
}

std::string describe(CloseReason reason) {
    std::string name{to_string(reason)};
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char character) {
        return character == ' ' ? '_' : static_cast<char>(std::tolower(character));
    });
    return name;
}

std::string escaped(std::string_view text) {
    std::string line;
    for (const char character : text) {
        if (character == '\n') {
            line += "\\n";
        } else {
            line += character >= ' ' && character <= '~' ? character : '?';
        }
    }
    return line;
}

}  // namespace pollux::interop
