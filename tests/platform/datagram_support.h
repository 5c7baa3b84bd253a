// Helpers of the conformance suite for datagrams: UDP sockets on a loop, and what they received cut into datagrams.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "datagram_batch.h"
#include "platform/datagram_sockets.h"
#include "platform/support.h"

namespace pollux::platform::test {

/// A datagram as it was received, or as it is to be sent.
struct Datagram {
    InetAddress peer;
    std::string bytes;

    friend bool operator==(const Datagram&, const Datagram&) = default;
};

void PrintTo(const Datagram& datagram, std::ostream* out);

/// The address of a text like "127.0.0.1:80".
[[nodiscard]] InetAddress at(std::string_view text);

/// Nobody is there: port 1 is nobody's, and of this network each address is this machine.
[[nodiscard]] InetAddress closed_port(int host = 2);

/// Whether this machine has IPv6.
[[nodiscard]] bool has_ipv6();

/// Whether a UDP socket gets the address it is bound to. Wine gives it all of them.
[[nodiscard]] bool binds_to_addresses();
inline constexpr const char* binds_to_all = "the system binds UDP sockets to all addresses, whatever was asked for";

/// Slots to receive into, filled with something that no test sends.
class Slots {
public:
    explicit Slots(std::size_t count = max_datagram_messages);

    [[nodiscard]] DatagramIntake& intake() { return intake_; }

    /// What the last call received, one by one.
    [[nodiscard]] std::vector<Datagram> datagrams() const;

private:
    std::unique_ptr<std::byte[]> memory_;
    std::vector<DatagramArrival> arrivals_;
    DatagramIntake intake_;
};

/// A loop that receives datagrams, always into the same slots, as a reactor does.
struct DatagramLoop : Loop {
    Slots slots;
};

/// A UDP socket on a loop.
class DatagramEnd : public End {
public:
    /// Bound to `local`, and connected to `peer` if that is an address.
    DatagramEnd(DatagramLoop& loop, UdpBatching batching, const InetAddress& local = at("127.0.0.1:0"),
                const UdpOptions& options = {}, const InetAddress& peer = {}, unsigned interface_index = 0);
    ~DatagramEnd();
    DatagramEnd(const DatagramEnd&) = delete;
    DatagramEnd& operator=(const DatagramEnd&) = delete;

    [[nodiscard]] const InetAddress& address() const { return address_; }
    /// Sends one datagram, which must be taken.
    void send(const InetAddress& to, std::string_view bytes);

    /// One call for runs.
    [[nodiscard]] IoResult send(const DatagramBatch& batch) { return loop_.poller.send_datagrams(*this, batch.runs()); }

    /// One call, into the slots of the loop.
    [[nodiscard]] IoResult receive() { return loop_.poller.receive_datagrams(*this, loop_.slots.intake()); }

    /// Waits until so many datagrams have come, arming as the contract says, and returns what has come.
    [[nodiscard]] std::vector<Datagram> receive_exactly(std::size_t count);

    /// Everything that is there, without waiting.
    [[nodiscard]] std::vector<Datagram> receive_all();

    /// Sends to where nobody is until the event comes that tells it: the system limits how often it tells.
    void provoke_fault(const InetAddress& to);

    /// All that the network told of datagrams sent before.
    [[nodiscard]] std::vector<DatagramFault> take_faults();

private:
    DatagramLoop& loop_;
    InetAddress address_;
};

/// What became of a batch that was sent as the engine does it: what is refused is dropped, and the rest is tried again.
struct Sent {
    std::size_t taken = 0;
    std::vector<std::size_t> refused;  // by their places in the batch
    std::vector<int> errors;           // of these
    bool blocked = false;              // the rest is still in the batch
};
[[nodiscard]] Sent send_all(DatagramEnd& end, DatagramBatch& batch);

/// Appends datagrams of these sizes, of the pattern from `offset` on, and says what they are for a receiver who gets
/// them from `from`.
std::vector<Datagram> append(DatagramBatch& batch, const InetAddress& to, const std::vector<std::size_t>& sizes,
                             const InetAddress& from, std::uint64_t offset = 0);

/// Each way to pass datagrams between the library and the system.
class DatagramTest : public testing::TestWithParam<UdpBatching> {
protected:
    DatagramLoop loop;
};

std::string batching_name(const testing::TestParamInfo<UdpBatching>& batching);

}  // namespace pollux::platform::test

// One line in each file with tests of datagrams.
#define POLLUX_WITH_EACH_BATCHING(suite)                                                                     \
    INSTANTIATE_TEST_SUITE_P(Batching, suite,                                                                \
                             testing::Values(UdpBatching::automatic, UdpBatching::calls, UdpBatching::none), \
                             batching_name)
