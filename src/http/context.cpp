// What the sessions of a server share on one reactor.
#include "http/context.h"

#include <algorithm>

#include "http/exchange.h"
#include "proto/http/date.h"

namespace pollux::http {

namespace {

/// More than these are not kept for later: a burst's memory goes back.
constexpr std::size_t kept_exchanges = 64;

constexpr std::string_view date_name = "Date: ";

}  // namespace

Context::Context(const ReactorCore& reactor, const Options& options, const ConnectionOptions& connection)
    : reactor_(&reactor),
      options_(&options),
      max_send_bytes_(std::min<std::size_t>(connection.max_pending_bytes, 256 * 1024)) {
    beginning_.append(status_line).append(date_name).append(http_date_bytes, ' ').append("\r\n");
    if (!options.server_name.empty()) beginning_.append("Server: ").append(options.server_name).append("\r\n");
}

Context::~Context() {
    delete last_exchange_;
}

Exchange& Context::take_other_exchange() {
    if (exchanges_.size() > kept_exchanges) [[unlikely]]
        exchanges_.resize(kept_exchanges);
    if (exchanges_.empty()) [[unlikely]]
        return *new Exchange{*this};
    Exchange& exchange = *exchanges_.back().release();
    exchanges_.pop_back();
    return exchange;
}

void Context::write_date() {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
    write_http_date(seconds.count(), beginning_.data() + status_line.size() + date_name.size());
    date_until_ = now() + (seconds + std::chrono::seconds{1} - since_epoch);
}

char* Context::scratch(std::size_t size) {
    if (size > scratch_size_) [[unlikely]] {
        scratch_size_ = std::max<std::size_t>(size, 32 * 1024);
        scratch_ = std::make_unique_for_overwrite<char[]>(scratch_size_);
    }
    return scratch_.get();
}

}  // namespace pollux::http
