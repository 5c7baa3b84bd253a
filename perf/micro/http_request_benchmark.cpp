// What the head of a request costs: to find its end, for llhttp alone, for llhttp with its fields noted, and checked.
#include <array>
#include <cstdint>
#include <string_view>

#include <benchmark/benchmark.h>
#include <llhttp.h>

#include "proto/http/head_scanner.h"
#include "proto/http/message_parser.h"
#include "proto/http/request_parser.h"

namespace {

using pollux::http::HeadScanner;
using pollux::http::MessageParser;
using pollux::http::RequestHead;
using pollux::http::RequestParser;

// What a load generator sends, and what a browser does.
constexpr std::array<std::string_view, 2> heads{
    "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n",
    "GET /static/site.css?version=42 HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "Connection: keep-alive\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Safari/537.36\r\n"
    "Accept: text/css,*/*;q=0.1\r\n"
    "Referer: https://www.example.com/\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
    "If-None-Match: \"5f3c-18d2a\"\r\n"
    "\r\n"};

std::string_view head_of(const benchmark::State& state) {
    return heads[static_cast<std::size_t>(state.range(0))];
}

void count(benchmark::State& state) {
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(head_of(state).size()));
}

void find_end(benchmark::State& state) {
    std::string_view head = head_of(state);
    for (auto _ : state) {
        HeadScanner scanner;
        benchmark::DoNotOptimize(head);
        benchmark::DoNotOptimize(scanner.scan(head));
    }
    count(state);
}

void llhttp_alone(benchmark::State& state) {
    std::string_view head = head_of(state);
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    llhttp_t parser;
    for (auto _ : state) {
        benchmark::DoNotOptimize(head);
        llhttp_init(&parser, HTTP_REQUEST, &settings);
        benchmark::DoNotOptimize(llhttp_execute(&parser, head.data(), head.size()));
    }
    count(state);
}

void note_fields(benchmark::State& state) {
    std::string_view head = head_of(state);
    MessageParser parser{MessageParser::Direction::request};
    for (auto _ : state) {
        benchmark::DoNotOptimize(head);
        benchmark::DoNotOptimize(parser.parse_head(head, {}));
    }
    count(state);
}

// All that a request goes through until a handler could have it.
void parse_and_check(benchmark::State& state) {
    std::string_view head = head_of(state);
    RequestParser parser;
    for (auto _ : state) {
        benchmark::DoNotOptimize(head);
        HeadScanner scanner;
        RequestHead out;
        benchmark::DoNotOptimize(scanner.scan(head));
        benchmark::DoNotOptimize(parser.parse(head, scanner.first_line(), {}, out));
        benchmark::DoNotOptimize(out);
    }
    count(state);
}

void both_heads(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgName("fields")->Arg(0)->Arg(1);
}

BENCHMARK(find_end)->Apply(both_heads);
BENCHMARK(llhttp_alone)->Apply(both_heads);
BENCHMARK(note_fields)->Apply(both_heads);
BENCHMARK(parse_and_check)->Apply(both_heads);

}  // namespace

BENCHMARK_MAIN();
