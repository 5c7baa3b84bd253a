// Helpers of the conformance suite.
#include "platform/support.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <random>

namespace pollux::platform::test {

std::string pattern(std::uint64_t offset, std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<char>(((offset + i) * 0x9E3779B97F4A7C15U) >> 56);
    }
    return bytes;
}

Loop::Loop() {
    const std::error_code error = poller.open();
    EXPECT_FALSE(error) << error.message();
}

std::size_t Loop::turn(Time deadline) {
    const std::size_t count = poller.wait(deadline);
    for (std::size_t i = 0; i < count; ++i) {
        const Event<Socket> event = poller.event(i);
        if (event.socket == nullptr || event.flags == 0) continue;
        auto& end = static_cast<End&>(*event.socket);
        end.seen |= event.flags;
        end.sent += event.sent;
        ++end.events;
        if ((event.flags & released) != 0) {
            EXPECT_FALSE(end.is_released) << "released without having been closed";
            end.is_released = true;
        }
        if (on_event) on_event(end, event);
    }
    return count;
}

bool Loop::run_until(const std::function<bool()>& done) {
    const Time deadline = Poller::now() + patience;
    while (!done()) {
        if (Poller::now() >= deadline) return false;
        turn(deadline);
    }
    return true;
}

std::uint32_t Loop::wait_for(End& end, std::uint32_t flags) {
    EXPECT_TRUE(run_until([&] { return (end.seen & flags) != 0; })) << "no event, waited for flags " << flags;
    return end.take_seen();
}

void Loop::settle() {
    for (int i = 0; i < 20; ++i) turn(Poller::now() + 1ms);
}

void Loop::close(End& end) {
    end.is_released = poller.close(end);
    EXPECT_FALSE(end.is_open());
    EXPECT_TRUE(run_until([&] { return end.is_released; })) << "never released";
    end.seen = 0;
}

SocketAddress loopback(SocketAddress::Family family, std::uint16_t port) {
    SocketAddress address;
    EXPECT_TRUE(parse_numeric(family == SocketAddress::Family::ipv6 ? "::1" : "127.0.0.1", port, address));
    return address;
}

SocketAddress unix_address(const std::string& path) {
    SocketAddress address;
    address.family = SocketAddress::Family::unix_domain;
    address.path = path;
    return address;
}

TemporaryPath::TemporaryPath() {
    std::random_device random;
    const std::string name = "pollux-" + std::to_string(random()) + std::to_string(random()) + ".sock";
    path_ = (std::filesystem::temp_directory_path() / name).string();
}

TemporaryPath::~TemporaryPath() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
}

ListenOptions listen_options(int backlog) {
    ListenOptions options;
    options.backlog = backlog;
    options.reuse_address = true;
    return options;
}

Listener::Listener(Loop& loop, const SocketAddress& address, const ListenOptions& options) : loop_(loop) {
    NativeHandle handle = invalid_handle;
    std::error_code error = listen(address, options, handle);
    EXPECT_FALSE(error) << error.message();
    if (error) return;
    address_ = local_address(handle);
    error = loop.poller.attach(*this, handle);
    EXPECT_FALSE(error) << error.message();
}

Listener::~Listener() {
    loop_.close(*this);
}

InetAddress Listener::accept(End& end) {
    const Time deadline = Poller::now() + patience;
    while (Poller::now() < deadline) {
        if (!armed_) loop_.poller.arm_receive(*this);
        armed_ = true;
        if ((loop_.wait_for(*this, receivable) & receivable) == 0) break;
        armed_ = false;
        Accepted accepted;
        const IoResult result = loop_.poller.accept(*this, accepted);
        if (result.status == IoStatus::would_block) continue;
        EXPECT_EQ(result.status, IoStatus::done) << result.error;
        if (result.status != IoStatus::done) break;
        const std::error_code error = loop_.poller.attach(end, accepted.handle);
        EXPECT_FALSE(error) << error.message();
        return accepted.peer;
    }
    ADD_FAILURE() << "nothing to accept";
    return {};
}

std::error_code connect(Loop& loop, End& end, const SocketAddress& address, const ConnectionOptions& options) {
    const IoResult result = loop.poller.connect(end, address, options);
    if (result.status == IoStatus::failed) return system_error(result.error);
    EXPECT_EQ(result.status, IoStatus::done);
    if (result.status != IoStatus::done) return std::make_error_code(std::errc::resource_unavailable_try_again);
    if (loop.wait_for(end, sendable | failed) == 0) return std::make_error_code(std::errc::timed_out);
    return loop.poller.finish_connect(end);
}

IoResult receive_all(Poller& poller, End& end, std::string& out, std::size_t buffer_bytes) {
    std::vector<std::byte> buffer(buffer_bytes);
    for (;;) {
        const IoResult result = poller.receive(end, buffer);
        if (result.status != IoStatus::done) return result;
        EXPECT_GT(result.bytes, 0U);
        out += as_text(Bytes{buffer}.first(result.bytes));
    }
}

std::string receive_exactly(Loop& loop, End& end, std::size_t size, std::size_t buffer_bytes) {
    std::string text;
    std::vector<std::byte> buffer(buffer_bytes);
    while (text.size() < size) {
        loop.poller.arm_receive(end);
        if ((loop.wait_for(end, receivable) & receivable) == 0) break;
        const IoResult result =
            loop.poller.receive(end, MutableBytes{buffer}.first(std::min(buffer_bytes, size - text.size())));
        if (result.status == IoStatus::would_block) continue;
        EXPECT_EQ(result.status, IoStatus::done) << "after " << text.size() << " of " << size << " bytes";
        if (result.status != IoStatus::done) break;
        text += as_text(Bytes{buffer}.first(result.bytes));
    }
    return text;
}

std::string receive_to_end(Loop& loop, End& end) {
    std::string text;
    std::vector<std::byte> buffer(std::size_t{64} * 1024);
    for (;;) {
        loop.poller.arm_receive(end);
        if ((loop.wait_for(end, receivable) & receivable) == 0) return text;
        const IoResult result = loop.poller.receive(end, buffer);
        if (result.status == IoStatus::end) return text;
        if (result.status == IoStatus::would_block) continue;
        EXPECT_EQ(result.status, IoStatus::done) << system_error(result.error).message();
        if (result.status != IoStatus::done) return text;
        text += as_text(Bytes{buffer}.first(result.bytes));
    }
}

void send_all(Loop& loop, End& end, std::string_view text) {
    while (!text.empty()) {
        const IoResult result = loop.poller.send(end, as_bytes(text));
        if (result.status == IoStatus::failed) {
            ADD_FAILURE() << system_error(result.error).message();
            return;
        }
        text.remove_prefix(result.bytes);
        if (text.empty()) return;
        end.sent = 0;
        loop.poller.arm_send(end, as_bytes(text));
        if ((loop.wait_for(end, sendable) & sendable) == 0) return;
        text.remove_prefix(end.sent);
    }
}

std::size_t fill(Loop& loop, End& end, std::size_t offset) {
    const std::string block = pattern(0, std::size_t{1} << 16);
    std::size_t total = 0;
    for (;;) {
        // The sequence is kept, so that the reader can check it.
        const std::string bytes = pattern(offset + total, block.size());
        const IoResult result = loop.poller.send(end, as_bytes(bytes));
        if (result.status == IoStatus::would_block) return total;
        EXPECT_EQ(result.status, IoStatus::done);
        if (result.status != IoStatus::done || total > (std::size_t{1} << 30)) return total;
        total += result.bytes;
    }
}

PairTest::~PairTest() {
    for (End* end : {&client, &server}) {
        if (end->is_open()) loop.close(*end);
    }
}

void PairTest::connect_pair(End& connecting, End& accepted, const ConnectionOptions& options) {
    ListenOptions listening = listen_options();
    listening.connection = options;
    SocketFile file;
    {
        Listener listener{loop, fresh_address(), listening};
        file = SocketFile{listener.address()};
        const std::error_code error = connect(loop, connecting, listener.address(), options);
        ASSERT_FALSE(error) << error.message();
        listener.accept(accepted);
    }
    file.remove();
    ASSERT_TRUE(connecting.is_open());
    ASSERT_TRUE(accepted.is_open());
}

std::string transport_name(const testing::TestParamInfo<Transport>& transport) {
    return transport.param == Transport::tcp ? "tcp" : "unix";
}

}  // namespace pollux::platform::test
