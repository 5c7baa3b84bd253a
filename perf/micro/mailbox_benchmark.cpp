// How many messages one mailbox carries from one thread to another, each on a core of its own.
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <thread>

#include <benchmark/benchmark.h>

#include "mailbox.h"
#include "platform/threads.h"
#include "processor.h"

namespace {

constexpr std::size_t mailbox_bytes = 1024 * 1024;       // the engine's default
constexpr std::size_t consume_limit_bytes = 256 * 1024;  // enough that the end of a batch does not count
constexpr int relaxations_per_look = 16;
constexpr unsigned producer_core = 0;
constexpr unsigned consumer_core = 1;

// Reads every message to its last byte, as a reactor copies it to where it goes.
class Consumer {
public:
    explicit Consumer(pollux::Mailbox& mailbox) : thread_([this, &mailbox] { run(mailbox); }) {}

    /// Waits until it has seen that many messages.
    std::uint64_t stop_after(std::uint64_t messages) {
        expected_.store(messages, std::memory_order_release);
        thread_.join();
        return sum_;
    }

private:
    void run(pollux::Mailbox& mailbox) {
        if (std::thread::hardware_concurrency() > 1) (void)pollux::platform::pin_current_thread(consumer_core);
        std::array<std::byte, 64 * 1024> destination{};
        while (received_ < expected_.load(std::memory_order_acquire)) {
            mailbox.consume(consume_limit_bytes,
                            [&](pollux::MailKind, std::uint64_t target, pollux::MutableBytes payload) {
                                std::memcpy(destination.data(), payload.data(), payload.size());
                                sum_ += target;
                                ++received_;
                            });
            // A reactor looks at its sockets between two looks at its mail.
            for (int i = 0; i < relaxations_per_look; ++i) pollux::relax_core();
        }
        benchmark::DoNotOptimize(destination);
    }

    std::atomic<std::uint64_t> expected_{UINT64_MAX};
    std::uint64_t received_ = 0;
    std::uint64_t sum_ = 0;
    std::thread thread_;
};

// Arguments: bytes of a message, messages for each publish. A thread that sends one message at a time publishes each.
void send_through_mailbox(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    const auto batch = static_cast<std::uint64_t>(state.range(1));
    if (std::thread::hardware_concurrency() > 1) (void)pollux::platform::pin_current_thread(producer_core);
    const std::array<std::byte, 64 * 1024> message{};
    pollux::Mailbox mailbox{mailbox_bytes};
    Consumer consumer{mailbox};

    std::uint64_t sent = 0;
    std::uint64_t sum = 0;
    for (auto _ : state) {
        std::byte* room = nullptr;
        while ((room = mailbox.reserve(pollux::MailKind::send, sent, size)) == nullptr) {
            mailbox.publish();
            pollux::relax_core();
        }
        std::memcpy(room, message.data(), size);
        mailbox.finish();
        sum += sent++;
        if (sent % batch == 0) mailbox.publish();
    }
    mailbox.publish();
    if (consumer.stop_after(sent) != sum) state.SkipWithError("messages were lost");
    state.SetItemsProcessed(static_cast<std::int64_t>(sent));
    state.SetBytesProcessed(static_cast<std::int64_t>(sent * size));
}

BENCHMARK(send_through_mailbox)
    ->ArgNames({"bytes", "batch"})
    ->Args({32, 1})
    ->Args({32, 16})
    ->Args({256, 1})
    ->Args({4096, 1})
    ->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
