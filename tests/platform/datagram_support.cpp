// Helpers of the conformance suite for datagrams.
#include "platform/datagram_support.h"

namespace pollux::platform::test {

void PrintTo(const Datagram& datagram, std::ostream* out) {
    *out << datagram.bytes.size() << " bytes, peer " << datagram.peer.to_string();
}

InetAddress at(std::string_view text) {
    InetAddress address;
    const Status status = InetAddress::parse(text, address);
    EXPECT_TRUE(status) << status;
    return address;
}

InetAddress closed_port(int host) {
    return at("127.0.0." + std::to_string(host) + ":1");
}

bool has_ipv6() {
    NativeHandle handle = invalid_handle;
    const bool has = !open_datagram_socket(SocketAddress::Family::ipv6, {}, 0, false, handle) &&
                     !bind_datagram_socket(handle, at("[::1]:0"));
    close_handle(handle);
    return has;
}

bool binds_to_addresses() {
    using namespace pollux::test;
    const auto probe = pollux::test::open_socket(SocketAddress::Family::ipv4, SocketKind::datagram);
    SocketAddress elsewhere;
    EXPECT_TRUE(parse_numeric("192.0.2.1", 0, elsewhere));
    const bool bound = bind_socket(probe, elsewhere);
    close_socket(probe);
    return !bound;
}

Slots::Slots(std::size_t count) : memory_(new std::byte[count * datagram_slot_bytes]), arrivals_(count) {
    for (std::size_t i = 0; i < count; ++i) {
        arrivals_[i].slot = memory_.get() + i * datagram_slot_bytes;
        arrivals_[i].bytes = arrivals_[i].segment_bytes = 12'345;
        arrivals_[i].truncated = true;
        arrivals_[i].from = at("9.9.9.9:9");
    }
    intake_.arrivals = arrivals_;
    intake_.count = 12'345;
    intake_.overflows = 12'345;
}

std::vector<Datagram> Slots::datagrams() const {
    std::vector<Datagram> datagrams;
    for (std::size_t i = 0; i < intake_.count; ++i) {
        const DatagramArrival& arrival = arrivals_[i];
        EXPECT_FALSE(arrival.truncated);
        const DatagramRun run{{arrival.slot, arrival.bytes}, arrival.segment_bytes};
        for (std::size_t j = 0; j < run.size(); ++j) {
            datagrams.push_back({arrival.from, std::string{as_text(run[j])}});
        }
    }
    return datagrams;
}

DatagramEnd::DatagramEnd(DatagramLoop& loop, UdpBatching batching, const InetAddress& local, const UdpOptions& options,
                         const InetAddress& peer, unsigned interface_index)
    : loop_(loop) {
    NativeHandle handle = invalid_handle;
    std::error_code error = open_datagram_socket(local.family, options, interface_index, false, handle);
    EXPECT_FALSE(error) << error.message();
    if (error) return;
    error = bind_datagram_socket(handle, local);
    EXPECT_FALSE(error) << error.message();
    if (peer) {
        error = connect_datagram_socket(handle, peer);
        EXPECT_FALSE(error) << error.message();
    }
    const SocketAddress bound = local_address(handle);
    address_ = {bound.family, bound.port, bound.scope, bound.ip};
    error = loop.poller.attach_datagrams(*this, handle, batching);
    EXPECT_FALSE(error) << error.message();
}

DatagramEnd::~DatagramEnd() {
    if (is_open()) loop_.close(*this);
}

void DatagramEnd::send(const InetAddress& to, std::string_view bytes) {
    const OutgoingRun run{as_bytes(bytes).data(), static_cast<std::uint32_t>(bytes.size()),
                          static_cast<std::uint32_t>(bytes.size()), to};
    const IoResult result = loop_.poller.send_datagrams(*this, {&run, 1});
    EXPECT_EQ(result.status, IoStatus::done) << system_error(result.error).message();
    EXPECT_EQ(result.bytes, 1U);
}

std::vector<Datagram> DatagramEnd::receive_exactly(std::size_t count) {
    std::vector<Datagram> received;
    while (received.size() < count) {
        loop_.poller.arm_receive(*this);
        if (loop_.wait_for(*this, receivable | failed) == 0) break;
        const IoResult result = receive();
        if (result.status == IoStatus::would_block) continue;
        EXPECT_EQ(result.status, IoStatus::done) << system_error(result.error).message();
        if (result.status != IoStatus::done) break;
        for (Datagram& datagram : loop_.slots.datagrams()) received.push_back(std::move(datagram));
    }
    return received;
}

std::vector<Datagram> DatagramEnd::receive_all() {
    std::vector<Datagram> received;
    for (;;) {
        const IoResult result = receive();
        if (result.status == IoStatus::would_block) return received;
        EXPECT_EQ(result.status, IoStatus::done) << system_error(result.error).message();
        if (result.status != IoStatus::done) return received;
        for (Datagram& datagram : loop_.slots.datagrams()) received.push_back(std::move(datagram));
    }
}

void DatagramEnd::provoke_fault(const InetAddress& to) {
    const Time deadline = Poller::now() + patience;
    while ((seen & failed) == 0 && Poller::now() < deadline) {
        send(to, "is anybody there?");
        const Time pause_end = Poller::now() + 200ms;
        while ((seen & failed) == 0 && Poller::now() < pause_end) loop_.turn(pause_end);
    }
    EXPECT_EQ(take_seen() & failed, failed) << "nothing is told";
}

std::vector<DatagramFault> DatagramEnd::take_faults() {
    std::vector<DatagramFault> faults;
    DatagramFault fault;
    while (loop_.poller.take_datagram_error(*this, fault)) faults.push_back(fault);
    return faults;
}

Sent send_all(DatagramEnd& end, DatagramBatch& batch) {
    Sent sent;
    std::size_t passed = 0;
    while (!batch.empty()) {
        const IoResult result = end.send(batch);
        EXPECT_LE(result.bytes, batch.datagrams());
        sent.taken += result.bytes;
        passed += result.bytes;
        batch.consume(result.bytes);
        if (result.status == IoStatus::would_block) {
            sent.blocked = true;
            return sent;
        }
        if (result.status == IoStatus::failed) {
            sent.refused.push_back(passed++);
            sent.errors.push_back(result.error);
            batch.consume(1);
        } else {
            EXPECT_EQ(result.status, IoStatus::done);
            EXPECT_TRUE(batch.empty()) << "it is done, and not all were taken";
        }
    }
    return sent;
}

std::vector<Datagram> append(DatagramBatch& batch, const InetAddress& to, const std::vector<std::size_t>& sizes,
                             const InetAddress& from, std::uint64_t offset) {
    std::vector<Datagram> datagrams;
    for (const std::size_t size : sizes) {
        datagrams.push_back({from, pattern(offset++, size)});
        EXPECT_TRUE(batch.append(to, as_bytes(datagrams.back().bytes))) << "the test sends too much at once";
    }
    return datagrams;
}

std::string batching_name(const testing::TestParamInfo<UdpBatching>& batching) {
    switch (batching.param) {
        case UdpBatching::automatic:
            return "automatic";
        case UdpBatching::calls:
            return "calls";
        case UdpBatching::none:
            break;
    }
    return "none";
}

}  // namespace pollux::platform::test
