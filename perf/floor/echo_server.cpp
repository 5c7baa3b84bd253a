// Echo by system calls alone: one thread, one epoll, one receive and one send a turn for each connection.
#include <cstdint>
#include <string_view>
#include <vector>

#include "floor.h"
#include "plain.h"
#include "serve.h"

namespace {

using perf_floor::PlainConnection;

class Loop : public perf_floor::PlainLoop<> {
public:
    bool serve(PlainConnection& connection, std::uint32_t events) {
        return perf_floor::serve_event(connection, events, [&] { return echo(connection); });
    }

private:
    // Receives and sends back. False if the connection is over.
    bool echo(PlainConnection& connection) {
        while (!connection.blocked()) {
            const int received = connection.read(buffer_.data());
            if (received <= 0) return received == 0;
            if (!connection.write({buffer_.data(), static_cast<std::size_t>(received)})) return false;
        }
        return true;
    }

    std::vector<char> buffer_ = std::vector<char>(PlainConnection::most_read_bytes);
};

}  // namespace

int main(int argc, char** argv) {
    const perf_floor::Options options = perf_floor::parse_options(argc, argv);
    perf_floor::pin_to(options.core);
    Loop loop;
    perf_floor::serve_all(options, loop);
}
