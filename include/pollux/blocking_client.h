// A blocking client for scripts and tests, built on the same engine as everything else.
#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include <pollux/client.h>

namespace pollux {

/// A connection for straight-line code: each call blocks until it is done or its time is up. One thread at a time, and
/// never a reactor's thread (those calls answer `Errc::wrong_thread`). Received bytes are buffered up to
/// `high_watermark_bytes`; beyond that the peer is held back.
class BlockingClient {
public:
    /// Brings an engine of its own, with one reactor.
    BlockingClient();

    /// Shares a running engine.
    explicit BlockingClient(Engine& engine);

    /// Aborts the connection if it is open.
    ~BlockingClient();

    BlockingClient(const BlockingClient&) = delete;
    BlockingClient& operator=(const BlockingClient&) = delete;

    /// Connects, as `ClientOptions` says; its `reconnect` is not used, and `timeout` bounds the whole call.
    [[nodiscard]] Status connect(ClientOptions options, std::chrono::milliseconds timeout = std::chrono::seconds{10});

    /// Connects to an endpoint with the default options.
    [[nodiscard]] Status connect(std::string_view endpoint,
                                 std::chrono::milliseconds timeout = std::chrono::seconds{10});

    /// Hands over all of `bytes`, in pieces as the peer reads. Returns when the connection has accepted the last one.
    [[nodiscard]] Status send(Bytes bytes, std::chrono::milliseconds timeout = std::chrono::seconds{10});
    [[nodiscard]] Status send(std::string_view text, std::chrono::milliseconds timeout = std::chrono::seconds{10}) {
        return send(as_bytes(text), timeout);
    }

    /// Waits for bytes and takes what is there, up to the size of `buffer`. `received` is 0 only at the end of the
    /// stream (with a success) or on failure.
    [[nodiscard]] Status receive(MutableBytes buffer, std::size_t& received,
                                 std::chrono::milliseconds timeout = std::chrono::seconds{10});

    /// Waits until `buffer` is full. `Errc::closed_by_peer` if the stream ends before; then what came is in `buffer`
    /// and `received` tells how much.
    [[nodiscard]] Status receive_exactly(MutableBytes buffer, std::size_t& received,
                                         std::chrono::milliseconds timeout = std::chrono::seconds{10});

    /// Shuts down the sending side after what is pending; receiving goes on.
    [[nodiscard]] Status close_send();

    /// Closes gracefully and waits until the connection is over.
    [[nodiscard]] Status close(std::chrono::milliseconds timeout = std::chrono::seconds{10});

    [[nodiscard]] bool connected() const;

private:
    class Session;

    std::unique_ptr<Engine> own_engine_;
    Engine* engine_;
    std::unique_ptr<Session> session_;
};

}  // namespace pollux
