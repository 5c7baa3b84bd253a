// What it costs to check that a text is UTF-8: ASCII, and text with characters of two, three and four bytes in it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "proto/ws/utf8.h"

namespace {

// A sentence each, as people write it.
constexpr std::string_view ascii = "The quick brown fox jumps over the lazy dog, and then sleeps. ";
constexpr std::string_view latin = "Ça coûte à peine dix-huit euros, s’écria l’élève étonné, où ça? ";
constexpr std::string_view cyrillic = "Съешь же ещё этих мягких французских булок, да выпей чаю. ";
constexpr std::string_view cjk = "色は匂へど散りぬるを我が世誰ぞ常ならむ有為の奥山今日越えて";
constexpr std::string_view emoji = "😀😃😄😁😆😅🤣😂🙂🙃😉😊";
constexpr std::string_view chat = "Kommst du später? 😀 はい、もちろん。 See you at eight, then! ";

// So many bytes at the least, and no character cut.
std::string repeated(std::string_view sentence, std::size_t size) {
    std::string text;
    while (text.size() < size) text += sentence;
    return text;
}

void check(benchmark::State& state, std::string_view sentence) {
    const std::string text = repeated(sentence, static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        std::string_view view = text;
        benchmark::DoNotOptimize(view);
        benchmark::DoNotOptimize(pollux::ws::is_utf8(pollux::as_bytes(view)));
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

void sizes(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgName("bytes")->Arg(64)->Arg(16 * 1024)->Arg(1024 * 1024);
}

BENCHMARK_CAPTURE(check, ascii, ascii)->Apply(sizes);
BENCHMARK_CAPTURE(check, latin, latin)->Apply(sizes);
BENCHMARK_CAPTURE(check, cyrillic, cyrillic)->Apply(sizes);
BENCHMARK_CAPTURE(check, cjk, cjk)->Apply(sizes);
BENCHMARK_CAPTURE(check, emoji, emoji)->Apply(sizes);
BENCHMARK_CAPTURE(check, chat, chat)->Apply(sizes);

}  // namespace

BENCHMARK_MAIN();
