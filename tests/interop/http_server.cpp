// The HTTP server of the interop tests: routes for what peers try, --files DIR under /files/, --plain without TLS. The
// end of standard input stops it.
#include <pollux/http/server.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include "program.h"

namespace {

using namespace pollux;
using namespace pollux::interop;
using http::Request;
using http::Response;

/// What a client is told of its own request: one line each, "body" with the number of its bytes.
void describe_request(const Request& request, Response& response) {
    std::string text;
    const auto line = [&text](std::string_view name, std::string_view value) {
        text.append(name).append("=").append(value).append("\n");
    };
    line("method", request.method_name());
    line("path", request.path());
    line("word", request.query("word").value_or(""));
    line("host", request.host());
    line("version", "1." + std::to_string(request.minor_version()));
    line("secure", request.is_secure() ? "yes" : "no");
    line("mark", request.header("X-Mark").value_or(""));
    line("trailer", request.trailers().find("X-Trailer").value_or(""));
    line("body", std::to_string(request.body().size()));
    response.content_type("text/plain");
    response.send(std::move(text));
}

/// Sends a body back as it comes: what finds no room waits, and the client is held back.
class Echo final : public http::Stream {
public:
    void on_body(const Request& /*request*/, Response& response, Bytes bytes) override {
        if (!response.begun()) response.begin();
        if (response.write(bytes) == Result::would_block) {
            waiting_ = as_text(bytes);
            response.pause_receiving();
        }
    }
    void on_body_end(const Request& /*request*/, Response& response) override {
        if (!response.begun()) response.begin();
        response.end();
    }
    void on_drain(Response& response) override {
        if (response.write(waiting_) == Result::ok) response.resume_receiving();
    }

private:
    std::string waiting_;
};

/// The number that a parameter is; 0 if it is none.
std::uint64_t number(std::string_view text) {
    return std::strtoull(std::string{text}.c_str(), nullptr, 10);
}

/// As many bytes as the path says, in chunks with a trailer.
void send_chunks(const Request& request, Response& response) {
    response.begin();
    for (std::uint64_t left = number(request.parameter("size")); left != 0;) {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, 1000));
        if (response.write(std::string(size, 'x')) != Result::ok) break;
        left -= size;
    }
    const http::Field trailer{"X-Trailer", "behind"};
    response.end({&trailer, 1});
}

http::Router make_router(const std::string& files) {
    constexpr std::uint64_t large = std::uint64_t{1} << 30;
    http::Router router;
    for (const http::Method method : {http::Method::get, http::Method::post, http::Method::put, http::Method::del,
                                      http::Method::patch, http::Method::options}) {
        router.add(method, "/request/*rest", describe_request, {.max_body_bytes = large});
    }
    router.trace("/request/*rest", [](const Request& request, Response& response) { response.send_trace(request); });
    router.get("/hello", [](const Request&, Response& response) { response.send("hello\n"); });
    router.post("/echo", [](const Request&, Response& response) { response.attach(std::make_unique<Echo>()); },
                {.body = http::BodyMode::streamed, .max_body_bytes = large});
    router.post("/small", describe_request, {.max_body_bytes = 1000});
    router.get("/bytes/:size", [](const Request& request, Response& response) {
        response.send(std::string(static_cast<std::size_t>(number(request.parameter("size"))), 'x'));
    });
    router.get("/chunks/:size", send_chunks);
    if (!files.empty()) router.files("/files", files);
    return router;
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments{argc, argv};
    const std::string endpoint = arguments.value("--endpoint", "tcp://127.0.0.1:0");
    const http::Router router = make_router(arguments.value("--files"));
    TlsContext tls;
    if (!arguments.flag("--plain")) {
        tls = TlsContext::server({.certificate = arguments.value("--certificate"),
                                  .key = arguments.value("--key"),
                                  .protocol = protocol_options(arguments)});
    }
    arguments.expect_all_used();

    Engine engine;
    http::Server server{engine, {.endpoint = endpoint, .tls = tls}, router};
    Status status = server.start();
    if (status) status = engine.start();
    if (!status) {
        std::cerr << status << std::endl;
        return EXIT_FAILURE;
    }
    say("listening " + (server.port() != 0 ? std::to_string(server.port()) : server.address().to_string()));

    for (std::string line; std::getline(std::cin, line);) say("no such order: " + line);
    engine.stop();
    engine.wait();
    return EXIT_SUCCESS;
}
