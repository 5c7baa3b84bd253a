// Mistakes of a start: each comes back as an error that names the thing and the value, and leaves nothing behind.
#include "common/descriptor_shortage.h"
#include "common/process.h"
#include "udp_support.h"

namespace pollux::test {
namespace {

std::error_condition condition_of(Errc error) {
    return make_error_code(error).default_error_condition();
}

class UdpStartTest : public UdpEngineTest {
protected:
    /// Fails to start with `error`, and says all the `words`.
    void expect_mistake(UdpOptions options, std::error_condition error, const std::vector<std::string>& words) {
        const std::size_t before = open_descriptors();
        const auto udp = make(seen, std::move(options), {});
        const Status status = udp->start();
        EXPECT_TRUE(status.error() == error) << status;
        for (const std::string& word : words) {
            EXPECT_NE(status.message().find(word), std::string::npos) << '"' << word << "\" is not in: " << status;
        }
        EXPECT_FALSE(udp->running());
        EXPECT_FALSE(udp->address());
        EXPECT_FALSE(udp->socket_id());
        EXPECT_EQ(udp->send_to(inet("127.0.0.1:9"), "x"), Result::closed);
        EXPECT_EQ(seen.seen().opens, 0u);
        EXPECT_EQ(open_descriptors(), before);
        udp->stop();
    }
    void expect_bad_option(UdpOptions options, const std::vector<std::string>& words) {
        if (options.bind.empty()) options.bind = "udp://127.0.0.1:0";
        expect_mistake(std::move(options), condition_of(Errc::invalid_option), words);
    }
};

TEST_F(UdpStartTest, an_address_in_use) {
    const RawUdp taken;
    const std::string endpoint = endpoint_of(taken.address());
    expect_mistake({.bind = endpoint}, std::errc::address_in_use, {endpoint});
}

TEST_F(UdpStartTest, two_of_one_engine_on_one_port) {
    const auto first = open({});
    UdpRecorder none;
    const auto second = make(none, {.bind = endpoint_of(first->address())}, {});
    EXPECT_EQ(second->start().error(), std::errc::address_in_use);
    first->stop();
    EXPECT_TRUE(second->start());
    second->stop();
    none.expect_in_order("second");
}

TEST_F(UdpStartTest, a_second_start) {
    const auto udp = open({});
    const Status status = udp->start();
    EXPECT_EQ(status.error(), Errc::already_started);
    EXPECT_NE(status.message().find("udp://127.0.0.1:0"), std::string::npos) << status;
    EXPECT_TRUE(udp->running());
    EXPECT_EQ(seen.seen().opens, 1u);
}

TEST_F(UdpStartTest, endpoints_that_are_none) {
    expect_mistake({.bind = "udp://127.0.0.1"}, condition_of(Errc::invalid_endpoint), {"udp://127.0.0.1"});
    expect_mistake({.bind = "udp:127.0.0.1:5"}, condition_of(Errc::invalid_endpoint), {"udp:127.0.0.1:5"});
    expect_mistake({.bind = "udp://127.0.0.1:70000"}, condition_of(Errc::invalid_endpoint), {"70000"});
    expect_mistake({.connect = "udp://[::1:5"}, condition_of(Errc::invalid_endpoint), {"udp://[::1:5"});
    expect_mistake({.bind = "tcp://127.0.0.1:0"}, condition_of(Errc::invalid_endpoint), {"bind", "tcp://127.0.0.1:0"});
    expect_mistake({.connect = "unix:///tmp/x"}, condition_of(Errc::invalid_endpoint), {"connect", "unix:///tmp/x"});
    expect_mistake({.connect = "udp://127.0.0.1:0"}, condition_of(Errc::invalid_option),
                   {"connect", "udp://127.0.0.1:0"});
    expect_mistake({.connect = "udp://*:5"}, condition_of(Errc::invalid_option), {"connect", "udp://*:5"});
    expect_mistake({}, condition_of(Errc::invalid_option), {"bind", "connect"});
}

TEST_F(UdpStartTest, a_name_that_does_not_exist) {
    const auto connecting = make(seen, {.connect = "udp://no-such-host.invalid:5"}, {});
    const Status status = connecting->start();
    EXPECT_TRUE(status.error());
    EXPECT_NE(status.message().find("no-such-host.invalid"), std::string::npos) << status;
    const auto binding = make(seen, {.bind = "udp://no-such-host.invalid:5"}, {});
    EXPECT_NE(binding->start().message().find("no-such-host.invalid"), std::string::npos);
}

TEST_F(UdpStartTest, an_address_of_another_machine) {
    if (RawUdp{"203.0.113.7"}.valid()) GTEST_SKIP() << "the system lets everybody have it";
    expect_mistake({.bind = "udp://203.0.113.7:0"}, std::errc::address_not_available, {"udp://203.0.113.7:0"});
}

TEST_F(UdpStartTest, versions_that_do_not_meet) {
    if (!has_ipv6()) GTEST_SKIP() << "there is no IPv6 here";
    const auto udp = make(seen, {.bind = "udp://127.0.0.1:0", .connect = "udp://[::1]:5"}, {});
    const Status status = udp->start();
    EXPECT_TRUE(status.error());
    EXPECT_NE(status.message().find("udp://[::1]:5"), std::string::npos) << status;
}

TEST_F(UdpStartTest, options_that_make_no_sense) {
    expect_bad_option({.reactor = 1}, {"reactor", "1 of 1"});
    expect_bad_option({.hops = 0}, {"hops", "0"});
    expect_bad_option({.hops = 256}, {"hops", "256"});
    expect_bad_option({.multicast = {.hops = 256}}, {"hops", "256"});
    expect_bad_option({.max_datagram_bytes = 0}, {"max_datagram_bytes", "0"});
    expect_bad_option({.max_datagram_bytes = 65'536}, {"max_datagram_bytes", "65536"});
    expect_bad_option({.high_watermark_bytes = 0, .low_watermark_bytes = 0}, {"high_watermark_bytes"});
    expect_bad_option({.high_watermark_bytes = 10, .low_watermark_bytes = 10}, {"low_watermark_bytes", "10"});
    expect_bad_option({.max_pending_bytes = 5}, {"max_pending_bytes", "5"});
    expect_bad_option({.close_timeout = 0ms}, {"close_timeout"});
}

TEST_F(UdpStartTest, groups_and_interfaces_that_are_none) {
    expect_bad_option({.multicast = {.interface_name = "nosuch0"}}, {"interface_name", "nosuch0"});
    expect_bad_option({.multicast = {.interface_name = "99999"}}, {"interface_name", "99999"});
    expect_bad_option({.multicast = {.groups = {{.group = "10.1.2.3"}}}}, {"group", "10.1.2.3"});
    expect_bad_option({.multicast = {.groups = {{.group = "example.org"}}}}, {"group", "example.org"});
    expect_bad_option({.multicast = {.groups = {{.group = ""}}}}, {"group"});
    expect_bad_option({.multicast = {.groups = {{.group = "239.255.1.1", .interface_name = "nosuch0"}}}}, {"nosuch0"});
    expect_bad_option({.multicast = {.groups = {{.group = "232.1.1.1", .source = "::1"}}}}, {"source", "::1"});
    expect_bad_option({.multicast = {.groups = {{.group = "232.1.1.1", .source = "nobody"}}}}, {"source", "nobody"});
}

TEST_F(UdpStartTest, a_group_the_system_refuses_names_the_group) {
    const std::size_t before = open_descriptors();
    // Twice the same: the system's own error, from the second.
    const MulticastGroup group{.group = "239.255.3.3", .source = {}, .interface_name = loopback_name()};
    const auto udp = make(seen, {.bind = "udp://127.0.0.1:0", .multicast = {.groups = {group, group}}}, {});
    const Status status = udp->start();
    EXPECT_EQ(status.error(), std::errc::address_in_use) << status;
    EXPECT_NE(status.message().find("239.255.3.3"), std::string::npos) << status;
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_FALSE(udp->running());
}

TEST_F(UdpStartTest, after_a_mistake_it_may_be_started_again) {
    auto taken = std::make_unique<RawUdp>();
    const InetAddress address = taken->address();
    const auto udp = make(seen, {.bind = endpoint_of(address)}, echo_hooks());
    EXPECT_FALSE(udp->start());
    EXPECT_FALSE(udp->restart());
    taken->close();
    EXPECT_TRUE(udp->start());
    const RawUdp peer;
    ASSERT_TRUE(peer.send_to(address, "x"));
    EXPECT_TRUE(peer.receive());
}

TEST_F(UdpStartTest, a_restart_that_fails_leaves_it_stopped) {
    const auto udp = open({});
    const InetAddress address = udp->address();
    udp->stop();
    const RawUdp thief{"127.0.0.1", address.port};
    ASSERT_TRUE(thief.valid());
    const auto fixed = make(seen, {.bind = endpoint_of(address)}, {});
    EXPECT_EQ(fixed->restart().error(), std::errc::address_in_use);
    EXPECT_FALSE(fixed->running());
}

TEST_F(UdpStartTest, without_descriptors_it_fails_and_later_works) {
    if (!DescriptorShortage::possible()) GTEST_SKIP() << "the system bounds no process's descriptors";
    const auto udp = make(seen, {.bind = "udp://127.0.0.1:0"}, echo_hooks());
    Status status;
    {
        // Nothing is looked at in here: the undefined behaviour sanitizer needs a descriptor for that.
        const DescriptorShortage shortage{0};
        status = udp->start();
    }
    EXPECT_EQ(status.error(), std::errc::too_many_files_open) << status;
    EXPECT_NE(status.message().find("udp://127.0.0.1:0"), std::string::npos) << status;
    EXPECT_FALSE(udp->running());
    ASSERT_TRUE(udp->start());
    const RawUdp peer;
    ASSERT_TRUE(peer.send_to(udp->address(), "x"));
    EXPECT_TRUE(peer.receive());
}

TEST(UdpStartReactorsTest, without_descriptors_for_all_reactors_none_is_left) {
    if (!has_sockets_on_all_reactors()) GTEST_SKIP() << one_socket_only;
    if (!DescriptorShortage::possible()) GTEST_SKIP() << "the system bounds no process's descriptors";
    Engine engine{{.reactors = 3}};
    ASSERT_TRUE(engine.start());
    UdpRecorder seen;
    RecordingUdp udp{engine, {.bind = "udp://127.0.0.1:0"}, std::ref(seen)};
    const std::size_t before = open_descriptors();
    {
        // Room for two of three.
        DescriptorShortage shortage{3};
        shortage.give_back(2);
        EXPECT_EQ(udp.start().error(), std::errc::too_many_files_open);
    }
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_TRUE(udp.start());
    udp.stop();
    EXPECT_EQ(seen.seen().opens, 3u);
    engine.stop();
    engine.wait();
    seen.expect_in_order("udp");
}

TEST_F(UdpStartTest, the_receive_buffer_is_asked_to_be_large) {
    const auto large = open({});
    const auto small = open({}, {.bind = "udp://127.0.0.1:0", .kernel_receive_buffer_bytes = 10'000});
    const auto size_of = [](const UdpBase& udp, SocketOption option) {
        return option_of(socket_bound_to(udp.address()), option).value_or(0);
    };
    // Linux doubles it for its own records.
    const auto expect_size = [&](const UdpBase& udp, SocketOption option, int size) {
        EXPECT_TRUE(size_of(udp, option) == size || size_of(udp, option) == 2 * size) << size_of(udp, option);
    };
    EXPECT_GT(size_of(*large, SocketOption::receive_buffer), size_of(*small, SocketOption::receive_buffer));
    expect_size(*small, SocketOption::receive_buffer, 10'000);
    const auto sending = open({}, {.bind = "udp://127.0.0.1:0", .kernel_send_buffer_bytes = 30'000});
    expect_size(*sending, SocketOption::send_buffer, 30'000);
}

}  // namespace
}  // namespace pollux::test
