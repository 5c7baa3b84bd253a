// Close, abort and close_send in every callback, on both sides, over both transports, plain and with TLS.
#include <array>
#include <cerrno>

#include "tls_support.h"

namespace pollux::test {
namespace {

enum class Callback : std::uint8_t { on_open, on_data, on_end, on_drain, on_timer };
enum class Action : std::uint8_t { close, abort, close_send, send_and_close, close_and_abort };

enum class Security : std::uint8_t { plain, tls };

using CloseCase = std::tuple<Transport, Security, Side, Callback, Action>;

class CloseMatrixTest : public EngineTest, public testing::WithParamInterface<CloseCase> {
protected:
    CloseMatrixTest() : EngineTest(1, std::get<Transport>(GetParam())) {}
};

std::string case_name(const testing::TestParamInfo<CloseCase>& info) {
    static constexpr std::array callbacks{"on_open", "on_data", "on_end", "on_drain", "on_timer"};
    static constexpr std::array actions{"close", "abort", "close_send", "send_and_close", "close_and_abort"};
    const auto& [transport, security, side, callback, action] = info.param;
    return std::string{transport == Transport::tcp ? "tcp" : "unix"} + (security == Security::tls ? "_tls" : "") +
           (side == Side::server ? "_server_" : "_client_") + actions[static_cast<std::size_t>(action)] + "_in_" +
           callbacks[static_cast<std::size_t>(callback)];
}

INSTANTIATE_TEST_SUITE_P(Net, CloseMatrixTest,
                         testing::Combine(testing::Values(Transport::tcp, Transport::unix_domain),
                                          testing::Values(Security::plain, Security::tls),
                                          testing::Values(Side::server, Side::client),
                                          testing::Values(Callback::on_open, Callback::on_data, Callback::on_end,
                                                          Callback::on_drain, Callback::on_timer),
                                          testing::Values(Action::close, Action::abort, Action::close_send,
                                                          Action::send_and_close, Action::close_and_abort)),
                         case_name);

const std::string farewell = pattern(0, 700'000);

void expect_refusing(Connection& connection, ConnectionState state) {
    EXPECT_EQ(connection.state(), state);
    EXPECT_FALSE(connection.is_open());
    EXPECT_EQ(connection.send("more"), Result::closed);
    EXPECT_TRUE(connection.peer_address().family != SocketAddress::Family::none);
}

void act(Connection& connection, Action action) {
    switch (action) {
        case Action::close:
            connection.close();
            expect_refusing(connection, ConnectionState::closing);
            connection.close();  // again changes nothing
            break;
        case Action::abort:
            connection.abort();
            expect_refusing(connection, ConnectionState::closed);
            connection.abort();
            connection.close();
            break;
        case Action::close_send:
            connection.close_send();
            EXPECT_EQ(connection.send("more"), Result::closed);
            connection.close_send();
            break;
        case Action::send_and_close:
            EXPECT_EQ(connection.send(farewell), Result::ok);
            connection.close();
            expect_refusing(connection, ConnectionState::closing);
            break;
        case Action::close_and_abort:
            EXPECT_EQ(connection.send(farewell), Result::ok);
            connection.close();
            connection.abort();
            expect_refusing(connection, ConnectionState::closed);
            break;
    }
}

/// How the peer's stream ended.
enum class StreamEnd : std::uint8_t { in_order, cut_off };

/// Either kind of pair. With TLS the end is in order only if close_notify said so.
class AnyPair {
public:
    AnyPair(Security security, Engine& engine, Transport transport, Side side, Recorder& recorder, Hooks hooks,
            ConnectionOptions options) {
        if (security == Security::plain) {
            plain_ = std::make_unique<Pair>(engine, transport, side, recorder, std::move(hooks), options);
        } else {
            secure_ = std::make_unique<TlsPair>(engine, transport, side, recorder, std::move(hooks), options);
        }
    }

    [[nodiscard]] bool send(std::string_view bytes) const {
        return plain_ ? plain_->peer.send(bytes) : secure_->peer.send(bytes);
    }
    void finish_sending() const {
        if (plain_) return plain_->peer.finish_sending();
        EXPECT_TRUE(secure_->peer.finish_sending());
    }
    [[nodiscard]] std::pair<std::string, StreamEnd> receive_rest() const {
        if (plain_) {
            RawSocket::Rest rest = plain_->peer.receive_rest();
            EXPECT_NE(rest.error, EAGAIN) << "no end came";
            return {std::move(rest.bytes), rest.error == 0 ? StreamEnd::in_order : StreamEnd::cut_off};
        }
        TlsPeer::Rest rest = secure_->peer.receive_rest();
        EXPECT_NE(rest.end, TlsEnd::none) << "no end came";
        return {std::move(rest.bytes), rest.end == TlsEnd::close_notify ? StreamEnd::in_order : StreamEnd::cut_off};
    }
    void close() const {
        if (plain_) return plain_->peer.close();
        (void)secure_->peer.finish_sending();  // if it was not said before, and anybody listens
        secure_->peer.close();
    }
    [[nodiscard]] bool client_is_connected() const {
        const auto& client = plain_ ? plain_->client : secure_->client;
        return client && client->connected();
    }

private:
    std::unique_ptr<Pair> plain_;
    std::unique_ptr<TlsPair> secure_;
};

TEST_P(CloseMatrixTest, ends_once_and_for_the_right_reason) {
    const auto& [transport, security, side, callback, action] = GetParam();
    const auto once = [this, act_as = action](Connection& connection) {
        bool first = false;
        seen.change([&](Recorder::Seen& now) { first = now.marks++ == 0; });
        if (first) act(connection, act_as);
    };
    Hooks hooks{.on_close = [](Connection& connection, CloseReason, std::error_code) {
        expect_refusing(connection, ConnectionState::closed);
        connection.close();
        connection.abort();
        connection.close_send();
        connection.pause_receiving();
        connection.resume_receiving();
    }};
    switch (callback) {
        case Callback::on_open:
            hooks.on_open = once;
            break;
        case Callback::on_data:
            hooks.on_data = [once](Connection& connection, Bytes) { once(connection); };
            break;
        case Callback::on_end:
            hooks.on_end = once;
            break;
        case Callback::on_timer:
            hooks.on_timer = once;
            break;
        case Callback::on_drain:
            hooks.on_open = [](Connection& connection) { send_until_refused(connection, pattern(0, 64 * 1024)); };
            hooks.on_drain = once;
            break;
    }
    if (callback == Callback::on_end && action == Action::close_send) {
        // Both directions are shut down in order after this; there is nothing left to wait for but close itself.
        hooks.on_end = [once](Connection& connection) {
            once(connection);
            connection.close();
        };
    }

    ConnectionOptions options;
    options.close_timeout = std::chrono::hours{1};  // whatever ends before patience does, ended for a better reason
    const AnyPair pair{security, engine, transport, side, seen, std::move(hooks), options};
    if (callback == Callback::on_data) {
        ASSERT_TRUE(pair.send("x"));
    }
    if (callback == Callback::on_end) pair.finish_sending();
    const auto [bytes, end] = pair.receive_rest();
    pair.close();
    ASSERT_TRUE(seen.wait_for_closes(1));
    EXPECT_EQ(seen.seen().closes, 1u);
    EXPECT_TRUE(eventually([&] { return !engine.is_alive(seen.id()); }));

    const CloseReason reason = seen.reason();
    const bool aborts = action == Action::abort || action == Action::close_and_abort;
    if (aborts) {
        EXPECT_EQ(reason, CloseReason::aborted);
        // A Unix socket has no reset of its own; its peer may just see the end.
        const bool resets = transport == Transport::tcp || security == Security::tls;
        EXPECT_TRUE(end == StreamEnd::cut_off || !resets);
    } else {
        EXPECT_EQ(end, StreamEnd::in_order);
        if (callback == Callback::on_end || action == Action::close_send) {
            // Who was first is open to interpretation where both ends finish.
            EXPECT_TRUE(reason == CloseReason::peer_closed || reason == CloseReason::local_close) << to_string(reason);
        } else {
            EXPECT_EQ(reason, CloseReason::local_close);
        }
        if (action == Action::send_and_close) {
            EXPECT_TRUE(bytes.ends_with(farewell)) << "what was pending must drain";
        }
    }
    EXPECT_TRUE(eventually([&] { return !pair.client_is_connected(); }));
}

}  // namespace
}  // namespace pollux::test
