// What the tests of HTTP clients share: a server whose every byte the test writes itself, and records of outcomes.
#pragma once

#include <pollux/http/client.h>

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "common/raw_socket.h"
#include "net/support.h"

namespace pollux::http {

void PrintTo(const ClientResponse& response, std::ostream* out);

}  // namespace pollux::http

namespace pollux::test {

/// A request as it came, and the connection it came on.
struct SentRequest {
    std::string head;  ///< With the empty line.
    std::string body;

    [[nodiscard]] std::string line() const { return head.substr(0, head.find("\r\n")); }
    [[nodiscard]] bool has_line(std::string_view line) const;
};

/// Reads one request; the head alone is empty if the connection ended before. The body is read if its length is told.
[[nodiscard]] SentRequest read_request(const RawSocket& peer);

/// Reads a chunked body as it is framed, up to the empty line at its end.
[[nodiscard]] std::string read_chunked(const RawSocket& peer);

/// An answer with a length, and nothing else unless `fields` ("A: b\r\n") say more.
[[nodiscard]] std::string answer_of(std::string_view body, std::string_view fields = {},
                                    std::string_view status = "200 OK");

/// The outcome, waited for no longer than anything is here.
[[nodiscard]] http::ClientResponse outcome(std::future<http::ClientResponse> future);

/// What the handler of one request heard, shared with the test.
class ClientRecord {
public:
    struct Seen {
        unsigned heads = 0;
        unsigned status = 0;
        std::string url;
        std::string fields;  // "name=value;" each
        std::string body;
        std::size_t parts = 0;
        std::size_t drains = 0;
        unsigned ends = 0;
        std::string trailers;
        std::vector<std::error_code> errors;
        bool destroyed = false;
        std::string violations;  ///< Broken promises about order, nesting and threads.

        [[nodiscard]] bool over() const { return ends + errors.size() != 0; }
    };

    template <class Change>
    void change(Change&& change) {
        // Told while it is locked: whoever waits may destroy the record at once.
        std::lock_guard lock{mutex_};
        change(seen_);
        changed_.notify_all();
    }

    template <class Predicate>
    [[nodiscard]] bool wait_until(Predicate&& predicate, std::chrono::milliseconds limit = patience) {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, limit, [&] { return predicate(std::as_const(seen_)); });
    }

    /// Waits until the handler is gone, as it is after the outcome.
    [[nodiscard]] bool wait_for_outcome() {
        return wait_until([](const Seen& seen) { return seen.over() && seen.destroyed; });
    }

    [[nodiscard]] Seen seen() {
        std::lock_guard lock{mutex_};
        return seen_;
    }

    /// The only error; a success if there was none or another outcome.
    [[nodiscard]] std::error_code error() {
        const Seen now = seen();
        return now.errors.size() == 1 && now.ends == 0 ? now.errors[0] : std::error_code{};
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    Seen seen_;
};

/// What a test wants done in a callback, after it was recorded.
struct ClientHooks {
    std::function<void(http::ClientExchange&)> on_head{};
    std::function<void(http::ClientExchange&, std::string_view)> on_body{};
    std::function<void(http::ClientExchange&)> on_drain{};
    std::function<void()> on_end{};
    std::function<void(std::error_code)> on_error{};
};

/// A handler that records, with the reactor it must be called on.
[[nodiscard]] std::unique_ptr<http::ClientHandler> recording(ClientRecord& record, const Reactor& reactor,
                                                             ClientHooks hooks = {});

/// Writes `size` bytes of the known pattern, as much at a time as is accepted, and ends the body.
class PatternSource {
public:
    PatternSource(std::uint64_t size, std::size_t piece) : size_(size), piece_(piece) {}

    /// From `on_drain`.
    void pump(http::ClientExchange& exchange);

private:
    std::uint64_t size_;
    std::size_t piece_;
    std::uint64_t written_ = 0;
};

/// A raw listener and a client of it, over TCP or a Unix socket.
class HttpClientTest : public NetTest {
protected:
    /// A client that reaches the listener.
    [[nodiscard]] std::unique_ptr<http::Client> make_client(http::ClientOptions options = {});

    /// A URL of the listener.
    [[nodiscard]] std::string url(std::string_view path = "/") const;

    /// The value of `Host` in requests for such a URL.
    [[nodiscard]] std::string host() const;

    /// Accepts a connection, reads a request and answers.
    RawSocket serve_one(std::string_view answer);

    RawListener listener{transport()};
};

}  // namespace pollux::test
