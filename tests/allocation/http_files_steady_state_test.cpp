// Files that are in memory are answered with without a call to the allocator.
#include <pollux/http/server.h>

#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "common/temporary_folder.h"
#include "net/support.h"
#include "steady_state.h"

namespace pollux::test {
namespace {

class HttpFilesSteadyStateTest : public testing::Test, protected SteadyState {
protected:
    void SetUp() override {
        if (POLLUX_COUNTS_ALLOCATIONS == 0) GTEST_SKIP() << "the allocator cannot be replaced in this build";
        for (const auto& [path, size] : {std::pair{"small.css", 100},
                                         {"small.css.gz", 50},
                                         {"large.bin", 200'000},
                                         {"streamed.bin", 1'100'000},
                                         {"sub folder/index.html", 1000}}) {
            folder_.write(path, std::string(static_cast<std::size_t>(size), 'x'));
            // A file that was modified just now is loaded again.
            folder_.set_modified(path, 1'000'000'000);
        }
        http::Router router;
        router.files("/", folder_.path(), {.time_to_live = std::chrono::hours{1}});
        server_.emplace(engine_, ServerOptions{.endpoint = fresh_endpoint(Transport::tcp)}, router);
        const Status status = server_->start();
        ASSERT_TRUE(status) << status;
        ASSERT_TRUE(engine_.start());
        peer_ = RawSocket::connect(server_->address());
        ASSERT_TRUE(peer_.valid());
    }

    /// Sends a request again and again and takes the answers.
    void expect_no_allocation_for(std::string_view target, std::string_view status, std::string_view fields = {}) {
        std::string request{"GET "};
        request.append(target).append(" HTTP/1.1\r\nHost: here\r\nUser-Agent: test\r\n").append(fields).append("\r\n");
        send(request);
        const std::size_t answer_bytes = receive_answer(status);
        ASSERT_NE(answer_bytes, 0U);
        expect_no_allocation([&] {
            for (int round = 0; round < 200 && !went_wrong(); ++round) {
                send(request);
                receive(answer_bytes);
            }
        });
    }

    void send(std::string_view text) { check(peer_.send(text)); }

    std::size_t receive_some(std::size_t most) {
        const std::ptrdiff_t count =
            receive_bytes(peer_.handle(), std::span{buffer_}.first(std::min(most, buffer_.size())));
        check(count > 0);
        return count > 0 ? static_cast<std::size_t>(count) : 0;
    }

    void receive(std::size_t size) {
        while (size != 0 && !went_wrong()) size -= receive_some(size);
    }

    /// The size of the next answer, which has that status; 0 if it has another.
    std::size_t receive_answer(std::string_view status) {
        std::string head;
        while (!head.ends_with("\r\n\r\n") && !went_wrong()) head.append(buffer_.data(), receive_some(1));
        EXPECT_TRUE(head.starts_with("HTTP/1.1 " + std::string{status})) << head;
        constexpr std::string_view name = "Content-Length: ";
        std::size_t length = 0;
        if (const std::size_t at = head.find(name); at != std::string::npos) {
            std::from_chars(head.data() + at + name.size(), head.data() + head.size(), length);
        }
        receive(length);
        return head.starts_with("HTTP/1.1 " + std::string{status}) ? head.size() + length : 0;
    }

    TemporaryFolder folder_;
    std::array<char, 65536> buffer_{};
    Engine engine_;
    std::optional<http::Server<http::RouterHandler>> server_;
    RawSocket peer_;
};

TEST_F(HttpFilesSteadyStateTest, whole_files) {
    expect_no_allocation_for("/small.css", "200");
    expect_no_allocation_for("/small.css", "200", "Accept-Encoding: gzip, br\r\n");
    expect_no_allocation_for("/large.bin", "200");
}

TEST_F(HttpFilesSteadyStateTest, paths_that_are_decoded) {
    expect_no_allocation_for("/sub%20folder/", "200");
    expect_no_allocation_for("/%73mall%2ecss", "200");
}

TEST_F(HttpFilesSteadyStateTest, nothing_new) {
    expect_no_allocation_for("/small.css", "304", "If-None-Match: *\r\n");
    expect_no_allocation_for("/small.css", "304", "If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT\r\n");
}

TEST_F(HttpFilesSteadyStateTest, parts_of_files) {
    expect_no_allocation_for("/small.css", "206", "Range: bytes=10-19\r\n");
    expect_no_allocation_for("/streamed.bin", "206", "Range: bytes=1000000-\r\n");
}

TEST_F(HttpFilesSteadyStateTest, files_that_are_streamed) {
    expect_no_allocation_for("/streamed.bin", "200");
}

TEST_F(HttpFilesSteadyStateTest, files_that_are_missing) {
    expect_no_allocation_for("/missing", "404");
}

}  // namespace
}  // namespace pollux::test
