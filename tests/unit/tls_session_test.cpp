// TlsSession: both roles in memory, every cut, errors, and what becomes of the bytes around them.
#include <openssl/x509_vfy.h>
#include <pollux/tls.h>

#include <algorithm>
#include <utility>

#include "unit/tls_session_support.h"

namespace pollux::test {
namespace {

using Step = TlsSession::Step;

class TlsSessionTest : public testing::TestWithParam<TlsVersion> {
protected:
    [[nodiscard]] bool modern() const { return GetParam() == TlsVersion::tls1_3; }

    /// Ends that can talk.
    [[nodiscard]] TlsEnds talking() const { return TlsEnds::talking(contexts); }

    TlsContexts contexts{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Unit, TlsSessionTest, testing::Values(TlsVersion::tls1_2, TlsVersion::tls1_3),
                         [](const auto& test) { return test.param == TlsVersion::tls1_2 ? "tls1_2" : "tls1_3"; });

TEST_P(TlsSessionTest, talks_both_ways) {
    TlsEnds ends{contexts};
    (void)ends.shake_hands();
    ASSERT_TRUE(ends.done());
    ASSERT_TRUE(ends.client.say("question"));
    std::string wire = ends.client.take();
    EXPECT_EQ(ends.server.hear(wire), Step::wants_input);
    EXPECT_EQ(wire, "");
    EXPECT_EQ(ends.server.heard, "question");
    ASSERT_TRUE(ends.server.say("answer"));
    wire = ends.server.take();
    EXPECT_EQ(ends.client.hear(wire), Step::wants_input);
    EXPECT_EQ(ends.client.heard, "answer");
    EXPECT_FALSE(ends.client.session.error());
    EXPECT_FALSE(ends.server.session.error());
}

TEST_P(TlsSessionTest, every_flight_cut_at_every_byte) {
    for (const bool with_client_certificate : {false, true}) {
        const TlsContexts mine{GetParam(), with_client_certificate};
        const std::size_t stride = sanitized ? 17 : (with_client_certificate ? 5 : 1);
        for (std::size_t flight = 0; flight < 4; ++flight) {
            std::size_t size = 1;
            for (std::size_t cut = 0; cut < size; cut += stride) {
                TlsEnds ends{mine};
                size = ends.shake_hands(flight, cut);
                ASSERT_TRUE(ends.done()) << "flight " << flight << " cut at " << cut << ": "
                                         << ends.server.session.error().message();
            }
        }
    }
}

TEST_P(TlsSessionTest, one_byte_at_a_time) {
    TlsEnds ends{contexts};
    ASSERT_EQ(ends.client.shake(), Step::wants_input);
    for (int flight = 0; flight < 4; ++flight) {
        const bool from_client = flight % 2 == 0;
        const std::string wire = (from_client ? ends.client : ends.server).take();
        for (const char byte : wire) ASSERT_TRUE(ends.pass(from_client, std::string(1, byte), 1));
    }
    ASSERT_TRUE(ends.done());
    ASSERT_TRUE(ends.client.say("hello"));
    for (const char byte : ends.client.take()) {
        std::string one(1, byte);
        EXPECT_EQ(ends.server.hear(one), Step::wants_input);
        EXPECT_EQ(one, "");
    }
    EXPECT_EQ(ends.server.heard, "hello");
}

TEST_P(TlsSessionTest, the_handshake_keeps_what_is_behind_it) {
    if (!modern()) GTEST_SKIP() << "the client's flight is not the last one";
    TlsEnds ends{contexts};
    ASSERT_EQ(ends.client.shake(), Step::wants_input);
    std::string wire = ends.client.take();
    ASSERT_EQ(ends.server.shake(wire), Step::wants_input);
    wire = ends.server.take();
    ASSERT_EQ(ends.client.shake(wire), Step::done);
    ASSERT_TRUE(ends.client.say("right behind"));
    ASSERT_TRUE(ends.client.say(" the Finished"));
    wire = ends.client.take();
    ASSERT_EQ(ends.server.shake(wire), Step::done);
    EXPECT_EQ(wire, "");
    EXPECT_EQ(ends.server.heard, "");
    EXPECT_EQ(ends.server.hear(wire), Step::wants_input);
    EXPECT_EQ(ends.server.heard, "right behind the Finished");
}

TEST_P(TlsSessionTest, a_record_is_as_large_as_what_it_is_given) {
    TlsEnds ends = talking();
    std::string heard;
    for (const std::size_t size : {std::size_t{1}, std::size_t{100}, std::size_t{16'383}, std::size_t{16'384}}) {
        ASSERT_TRUE(ends.client.say(pattern(size, size)));
        std::string wire = ends.client.take();
        EXPECT_EQ(wire.size(), size + (modern() ? 22 : 29)) << "one record: header, nonce or type, tag";
        EXPECT_EQ(ends.server.hear(wire), Step::wants_input);
        heard += pattern(size, size);
    }
    EXPECT_EQ(ends.server.heard, heard);
}

TEST_P(TlsSessionTest, records_cut_at_every_byte) {
    TlsEnds ends = talking();
    std::size_t size = 1;
    for (std::size_t cut = 0; cut < size; ++cut) {
        for (const char* text : {"one", "and", "another"}) ASSERT_TRUE(ends.client.say(text));
        const std::string wire = ends.client.take();
        size = wire.size();
        for (std::string part : {wire.substr(0, cut), wire.substr(cut)}) {
            EXPECT_EQ(ends.server.hear(part), Step::wants_input);
            EXPECT_EQ(part, "") << "everything is consumed, whole records or not";
        }
        ASSERT_EQ(std::exchange(ends.server.heard, {}), "oneandanother") << "cut at " << cut;
    }
}

TEST_P(TlsSessionTest, many_records_in_place) {
    // The plaintext is written over the input while the rest of the input is still to be read.
    TlsEnds ends = talking();
    std::string expected;
    Random random{7};
    for (int record = 0; record < 200; ++record) {
        const std::size_t size = record % 10 == 0 ? 16'384 : 1 + random.up_to(3000);
        const std::string text = pattern(expected.size(), size);
        ASSERT_TRUE(ends.client.say(text));
        expected += text;
    }
    const std::string wire = ends.client.take();
    std::string unread;
    for (std::size_t done = 0; done < wire.size();) {
        const std::size_t size = std::min<std::size_t>(1 + random.up_to(200'000), wire.size() - done);
        unread += wire.substr(done, size);
        ASSERT_EQ(ends.server.hear(unread), Step::wants_input);
        ASSERT_EQ(unread, "");
        done += size;
    }
    EXPECT_EQ(ends.server.heard, expected);
}

TEST_P(TlsSessionTest, buffers_may_be_given_back_at_any_byte) {
    TlsEnds ends = talking();
    std::size_t size = 1;
    for (std::size_t cut = 0; cut < size; ++cut) {
        ASSERT_TRUE(ends.client.say("in two parts"));
        ends.client.session.release_buffers();
        const std::string wire = ends.client.take();
        size = wire.size();
        for (std::string part : {wire.substr(0, cut), wire.substr(cut)}) {
            EXPECT_EQ(ends.server.hear(part), Step::wants_input);
            ends.server.session.release_buffers();
        }
        ASSERT_EQ(std::exchange(ends.server.heard, {}), "in two parts") << "cut at " << cut;
    }
}

TEST_P(TlsSessionTest, close_notify_ends_and_nothing_behind_it_counts) {
    TlsEnds ends = talking();
    ASSERT_TRUE(ends.client.say("last words"));
    ends.client.close();
    std::string wire = ends.client.take() + "whatever";
    EXPECT_EQ(ends.server.hear(wire), Step::ended);
    EXPECT_EQ(ends.server.heard, "last words");
    EXPECT_FALSE(ends.server.session.error());
    // The other direction is still open.
    ASSERT_TRUE(ends.server.say("and mine"));
    ends.server.close();
    wire = ends.server.take();
    EXPECT_EQ(ends.client.hear(wire), Step::ended);
    EXPECT_EQ(ends.client.heard, "and mine");
    EXPECT_FALSE(ends.client.say("too late"));
}

TEST_P(TlsSessionTest, an_input_that_ends_is_no_error) {
    TlsEnds ends = talking();
    ASSERT_TRUE(ends.client.say("cut off"));
    std::string wire = ends.client.take();
    wire.pop_back();
    EXPECT_EQ(ends.server.hear(wire), Step::wants_input);
    EXPECT_EQ(ends.server.heard, "");
    std::string nothing;
    EXPECT_EQ(ends.server.hear(nothing), Step::wants_input);
    EXPECT_FALSE(ends.server.session.error());
}

TEST_P(TlsSessionTest, damage_at_any_byte_of_a_record_fails_after_what_was_sound) {
    std::size_t size = 1;
    for (std::size_t byte = 0; byte < size; ++byte) {
        TlsEnds ends = talking();
        ASSERT_TRUE(ends.client.say("sound"));
        std::string wire = ends.client.take();
        ASSERT_TRUE(ends.client.say("damaged"));
        std::string damaged = ends.client.take();
        size = damaged.size();
        damaged[byte] = static_cast<char>(damaged[byte] ^ 0x10);
        // As much behind it as a length that became larger asks for.
        wire += damaged + std::string(std::size_t{70} * 1024, '\0');
        ASSERT_EQ(ends.server.hear(wire), Step::failed) << "with byte " << byte << " damaged";
        EXPECT_EQ(ends.server.heard, "sound");
        EXPECT_EQ(ends.server.session.error().category(), tls_category());
        EXPECT_FALSE(ends.server.take().empty()) << "an alert is sent";
    }
}

TEST_P(TlsSessionTest, damage_at_any_byte_of_a_flight_fails_or_waits) {
    const std::size_t stride = sanitized ? 37 : 5;
    for (std::size_t flight = 0; flight < 3; ++flight) {
        std::size_t size = 1;
        for (std::size_t byte = flight; byte < size; byte += stride) {
            TlsEnds ends{contexts};
            (void)ends.client.shake();
            for (std::size_t number = 0; number <= flight; ++number) {
                const bool from_client = number % 2 == 0;
                std::string wire = (from_client ? ends.client : ends.server).take();
                size = wire.size();
                if (number == flight && byte < size) wire[byte] = static_cast<char>(wire[byte] ^ 0x20);
                const bool passed = ends.pass(from_client, wire, wire.size());
                if (number < flight) {
                    ASSERT_TRUE(passed);
                }
            }
            // Whatever the receiver made of it, the two can never both believe that they agree.
            for (int more = 0; more < 2; ++more) {
                if (!ends.pass(true, ends.client.take(), 0) || !ends.pass(false, ends.server.take(), 0)) break;
            }
            // The version in a record's header is not part of what is agreed on.
            const bool harmless = byte % 5 < 3 && ends.done();
            EXPECT_TRUE(!ends.done() || harmless || flight == 0) << "flight " << flight << ", byte " << byte;
        }
    }
}

TEST_P(TlsSessionTest, nothing_bad_comes_of_calls_after_a_failure) {
    TlsEnds ends = talking();
    std::string garbage(100, 'x');
    ASSERT_EQ(ends.server.hear(garbage), Step::failed);
    const std::error_code error = ends.server.session.error();
    ends.server.abandon_output();
    for (int again = 0; again < 3; ++again) {
        std::string more(100, 'y');
        EXPECT_EQ(ends.server.hear(more), Step::failed);
        EXPECT_FALSE(ends.server.say("anybody?"));
        ends.server.close();
        ends.server.session.release_buffers();
    }
    EXPECT_TRUE(error);
    EXPECT_TRUE(ends.server.session.error());
}

TEST_P(TlsSessionTest, garbage_is_no_handshake) {
    for (std::uint64_t seed = 0; seed < scaled(300); ++seed) {
        for (const TlsRole role : {TlsRole::server, TlsRole::client}) {
            TlsEnd end{(role == TlsRole::server ? contexts.server : contexts.client).get(), role};
            if (role == TlsRole::client) {
                ASSERT_EQ(end.shake(), Step::wants_input);
            }
            std::string garbage = pattern(seed * 1009, 600);
            // Let it begin as a record does, so that not all of it is refused at the first byte.
            if (seed % 2 == 0) garbage.replace(0, 5, "\x16\x03\x01\x01\x10", 5);
            const Step first = end.shake(garbage);
            ASSERT_TRUE(first == Step::failed || first == Step::wants_input) << "seed " << seed;
            // Some of it announces more than there is; then let there be more.
            garbage.assign(std::size_t{70} * 1024, '\0');
            if (first == Step::wants_input) {
                ASSERT_EQ(end.shake(garbage), Step::failed) << "seed " << seed;
            }
            EXPECT_EQ(end.session.error().category(), tls_category());
        }
    }
}

TEST_P(TlsSessionTest, a_server_that_is_not_trusted) {
    TlsClientOptions options;
    options.trust.ca_file = generated("untrusted-ca.pem");
    SslContextPointer context;
    const Status status = make_client_context(options, context);
    ASSERT_TRUE(status) << status;
    std::swap(contexts.client, context);
    TlsEnds ends{contexts};
    (void)ends.shake_hands();
    EXPECT_FALSE(ends.client_done);
    const std::error_code error = ends.client.session.error();
    EXPECT_EQ(error.category(), certificate_category()) << error.message();
    EXPECT_TRUE(error.value() == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
                error.value() == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE)
        << error.message();
}

TEST_P(TlsSessionTest, what_others_left_in_openssls_queue_is_not_its_own) {
    TlsEnds ends = talking();
    TlsEnd other{contexts.server.get(), TlsRole::server};
    std::string garbage(600, 'x');
    ASSERT_EQ(other.shake(garbage), Step::failed);
    (void)BIO_new_file("/nowhere/at/all", "r");
    ASSERT_TRUE(ends.client.say("hello"));
    std::string wire = ends.client.take();
    EXPECT_EQ(ends.server.hear(wire), Step::wants_input);
    EXPECT_EQ(ends.server.heard, "hello");
    EXPECT_FALSE(ends.server.session.error());
}

TEST_P(TlsSessionTest, key_updates) {
    if (!modern()) GTEST_SKIP() << "TLS 1.3 only";
    TlsEnds ends = talking();
    std::string heard;
    for (int round = 0; round < 20; ++round) {
        SSL_key_update(ends.client.native(), round % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
        ASSERT_TRUE(ends.client.say("with new keys"));
        std::string wire = ends.client.take();
        ASSERT_EQ(ends.server.hear(wire), Step::wants_input);
        ASSERT_TRUE(ends.server.say("and back"));
        wire = ends.server.take();
        ASSERT_EQ(ends.client.hear(wire), Step::wants_input);
        heard += "and back";
    }
    EXPECT_EQ(ends.client.heard, heard);
}

TEST_P(TlsSessionTest, a_renegotiation_is_refused) {
    if (modern()) GTEST_SKIP() << "TLS 1.2 only";
    for (const bool by_client : {true, false}) {
        TlsEnds ends = talking();
        TlsEnd& eager = by_client ? ends.client : ends.server;
        TlsEnd& other = by_client ? ends.server : ends.client;
        SSL_clear_options(eager.native(), SSL_OP_NO_RENEGOTIATION);
        SSL_renegotiate(eager.native());
        (void)eager.shake();
        std::string wire = eager.take();
        ASSERT_FALSE(wire.empty());
        const Step step = other.hear(wire);
        EXPECT_EQ(SSL_is_init_finished(other.native()), step == Step::failed ? 0 : 1) << "it did not begin again";
        const std::string answer = other.take();
        EXPECT_LT(answer.size(), 100u) << "an alert at most, and no flight";
    }
}

}  // namespace
}  // namespace pollux::test
