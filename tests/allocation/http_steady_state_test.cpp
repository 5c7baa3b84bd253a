// In the steady state an HTTP server makes no call to the allocator for a request, whatever it answers from memory.
#include <pollux/http/server.h>

#include <array>
#include <memory>
#include <string>

#include "common/temporary_folder.h"
#include "net/tls_support.h"
#include "steady_state.h"

namespace pollux::test {
namespace {

/// A client that makes no strings: it knows how long each answer is.
class FrugalClient {
public:
    void connect(const SocketAddress& to, bool secure) {
        socket_ = RawSocket::connect(to);
        ASSERT_TRUE(socket_.valid());
        if (!secure) return;
        context_ = std::make_unique<TlsPeerContext>(TlsRole::client, TlsPeerOptions{});
        ssl_.reset(SSL_new(context_->get()));
        ASSERT_EQ(SSL_set_fd(ssl_.get(), static_cast<int>(socket_.handle())), 1);
        ASSERT_EQ(SSL_connect(ssl_.get()), 1);
    }

    [[nodiscard]] bool send(std::string_view text) const {
        std::size_t count = 0;
        if (ssl_) return SSL_write_ex(ssl_.get(), text.data(), text.size(), &count) == 1;
        return socket_.send(text);
    }

    /// The number of bytes; 0 at the end.
    [[nodiscard]] std::size_t receive(char* bytes, std::size_t size) const {
        std::size_t count = 0;
        if (ssl_) return SSL_read_ex(ssl_.get(), bytes, size, &count) == 1 ? count : 0;
        const std::ptrdiff_t received = receive_bytes(socket_.handle(), {bytes, size});
        return received < 0 ? 0 : static_cast<std::size_t>(received);
    }

private:
    struct Free {
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };

    RawSocket socket_;
    std::unique_ptr<TlsPeerContext> context_;
    std::unique_ptr<SSL, Free> ssl_;
};

class HttpSteadyStateTest : public testing::TestWithParam<bool>, protected SteadyState {
protected:
    void SetUp() override {
        if (POLLUX_COUNTS_ALLOCATIONS == 0) GTEST_SKIP() << "the allocator cannot be replaced in this build";
        ASSERT_TRUE(openssl_is_counted_apart);
        folder_.write("page.html", std::string(5000, 'x'));
        server_ = std::make_unique<http::Server<http::RouterHandler>>(engine_, options(), make_router());
        ASSERT_TRUE(server_->start());
        ASSERT_TRUE(engine_.start());
        client_.connect(server_->address(), GetParam());
    }

    /// Sends `request` so often, and each time waits for all of the answers to it.
    void expect_no_allocation_of(std::string_view request, std::size_t answers = 1) {
        check(client_.send(request));
        const std::size_t size = answer_size(answers);
        ASSERT_FALSE(went_wrong());
        SteadyState::expect_no_allocation([&] {
            for (int round = 0; round < 500; ++round) {
                check(client_.send(request));
                for (std::size_t left = size; left != 0 && !went_wrong();) {
                    const std::size_t received = client_.receive(buffer_.data(), std::min(left, buffer_.size()));
                    check(received != 0);
                    left -= received;
                }
            }
        });
    }

private:
    [[nodiscard]] ServerOptions options() const {
        ServerOptions options{.endpoint = fresh_endpoint(Transport::tcp)};
        if (GetParam()) options.tls = server_context();
        return options;
    }

    [[nodiscard]] http::Router make_router() const {
        http::Router router;
        router.get("/", [](const http::Request&, http::Response& response) {
            response.content_type("text/plain");
            response.send("hello");
        });
        router.get("/users/:id", [](const http::Request& request, http::Response& response) {
            response.header("X-Query", request.query("q").value_or(""));
            response.send(request.parameter("id"));
        });
        router.post("/", [](const http::Request& request, http::Response& response) { response.send(request.text()); });
        router.get("/chunks", [](const http::Request&, http::Response& response) {
            response.begin();
            response.write("one");
            response.write("two");
            response.end();
        });
        router.trace("/", [](const http::Request& request, http::Response& response) { response.send_trace(request); });
        return std::move(router.files("/files", folder_.path(), {.time_to_live = 1h}));
    }

    /// Reads that many answers, which are 200, and tells how long they are together.
    [[nodiscard]] std::size_t answer_size(std::size_t answers) {
        std::string received;
        std::size_t size = 0;
        for (std::size_t i = 0; i < answers && !went_wrong(); ++i) {
            std::size_t end = std::string::npos;
            while ((end = end_of_answer(std::string_view{received}.substr(size))) == 0 && !went_wrong()) {
                const std::size_t count = client_.receive(buffer_.data(), buffer_.size());
                check(count != 0);
                received.append(buffer_.data(), count);
            }
            EXPECT_EQ(received.compare(size, 13, "HTTP/1.1 200 "), 0) << received.substr(size);
            size += end;
        }
        return size;
    }

    /// Where the first answer ends; 0 if it is not there as a whole.
    [[nodiscard]] static std::size_t end_of_answer(std::string_view text) {
        const std::size_t head = text.find("\r\n\r\n");
        if (head == std::string_view::npos) return 0;
        constexpr std::string_view name = "Content-Length: ";
        const std::size_t at = text.substr(0, head).find(name);
        if (at == std::string_view::npos) {
            const std::size_t last = text.find("\r\n0\r\n\r\n");
            return last == std::string_view::npos ? 0 : last + 7;
        }
        const std::size_t end = head + 4 + std::stoul(std::string{text.substr(at + name.size(), 10)});
        return end <= text.size() ? end : 0;
    }

    TemporaryFolder folder_;
    std::array<char, 65536> buffer_{};
    Engine engine_;
    std::unique_ptr<http::Server<http::RouterHandler>> server_;
    FrugalClient client_;
};

INSTANTIATE_TEST_SUITE_P(Net, HttpSteadyStateTest, testing::Bool(),
                         [](const auto& setting) { return std::string{setting.param ? "tls" : "tcp"}; });

TEST_P(HttpSteadyStateTest, a_request_of_a_kept_connection) {
    expect_no_allocation_of("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\nAccept: */*\r\n\r\n");
}

TEST_P(HttpSteadyStateTest, pipelined_requests) {
    std::string requests;
    for (int i = 0; i < 16; ++i) requests += "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    expect_no_allocation_of(requests, 16);
}

TEST_P(HttpSteadyStateTest, a_parameter_and_a_query_that_are_decoded) {
    expect_no_allocation_of("GET /users/J%C3%BCrgen?x=1&q=a%20b+c HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST_P(HttpSteadyStateTest, a_whole_body) {
    expect_no_allocation_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x'));
}

TEST_P(HttpSteadyStateTest, a_whole_body_in_chunks) {
    expect_no_allocation_of(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n3\r\ndef\r\n0\r\nX-Trailer: 1\r\n\r\n");
}

TEST_P(HttpSteadyStateTest, an_answer_in_chunks) {
    expect_no_allocation_of("GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST_P(HttpSteadyStateTest, a_trace) {
    expect_no_allocation_of("TRACE / HTTP/1.1\r\nHost: a\r\nX-Header: some value\r\n\r\n");
}

TEST_P(HttpSteadyStateTest, a_cached_file) {
    expect_no_allocation_of("GET /files/page.html HTTP/1.1\r\nHost: a\r\n\r\n");
}

}  // namespace
}  // namespace pollux::test
