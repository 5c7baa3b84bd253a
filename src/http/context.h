// What the sessions of a server share on one reactor.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pollux/http/options.h>
#include <pollux/options.h>

#include "buffer_pool.h"
#include "reactor_core.h"

namespace pollux::http {

class Exchange;
class Session;

/// What idle connections should not own each: exchanges, buffers, the date. On its reactor's thread.
class Context {
public:
    using Time = std::chrono::steady_clock::time_point;

    Context(const ReactorCore& reactor, const Options& options, const ConnectionOptions& connection);
    ~Context();
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    [[nodiscard]] const Options& options() const noexcept { return *options_; }

    /// The most that one `send` of a connection accepts.
    [[nodiscard]] std::size_t max_send_bytes() const noexcept { return max_send_bytes_; }

    /// An exchange that nobody uses. One that was given back may still be referred to until the next one is taken.
    [[nodiscard]] Exchange& take_exchange() {
        if (last_exchange_ == nullptr) [[unlikely]]
            return take_other_exchange();
        return *std::exchange(last_exchange_, nullptr);
    }
    void give_back(Exchange& exchange) noexcept {
        if (last_exchange_ != nullptr) [[unlikely]]
            exchanges_.emplace_back(last_exchange_);
        last_exchange_ = &exchange;
    }

    /// For what a session received and cannot use yet.
    [[nodiscard]] BufferPool& buffers() noexcept { return buffers_; }

    [[nodiscard]] Time now() const noexcept { return reactor_->turn_time(); }

    /// How an answer of status 200 begins: its status line and `common_fields`.
    [[nodiscard]] std::string_view beginning() {
        if (now() >= date_until_) [[unlikely]]
            write_date();
        return beginning_;
    }

    /// The lines that every answer has: `Date`, made anew once a second (RFC 9110, 6.6.1), and `Server`.
    [[nodiscard]] std::string_view common_fields() { return beginning().substr(status_line.size()); }

    /// Memory to put an answer together in; valid until the next call.
    [[nodiscard]] char* scratch(std::size_t size);

private:
    static constexpr std::string_view status_line = "HTTP/1.1 200 OK\r\n";

    [[nodiscard]] Exchange& take_other_exchange();
    void write_date();

    const ReactorCore* reactor_;
    const Options* options_;
    std::size_t max_send_bytes_;
    Exchange* last_exchange_ = nullptr;  // given back last, and its owner is this: mostly the only one there is
    std::vector<std::unique_ptr<Exchange>> exchanges_;
    BufferPool buffers_;
    std::unique_ptr<char[]> scratch_;
    std::size_t scratch_size_ = 0;
    std::string beginning_;
    Time date_until_{};
};

}  // namespace pollux::http
