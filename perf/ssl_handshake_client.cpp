// Handshake load: each client opens a connection, agrees on TLS, gets one byte echoed, resets the connection and begins
// again. Written on bare OpenSSL and epoll, so that it costs as little as it can; nobody's certificate is verified.
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "common/options.h"
#include "common/report.h"

namespace {

using Clock = std::chrono::steady_clock;

struct LoadOptions : perf::Options {
    std::string tls = "1.3";
    bool resume = false;
};

[[noreturn]] void die(const std::string& what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    std::exit(1);
}

/// Where the server is, as the system takes it.
class Target {
public:
    explicit Target(const perf::Options& options) {
        addrinfo hints{};
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
        hints.ai_socktype = SOCK_STREAM;
        if (getaddrinfo(options.address.c_str(), std::to_string(options.port).c_str(), &hints, &found_) != 0)
            die("not an IP address: " + options.address);
    }
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;
    ~Target() { freeaddrinfo(found_); }

    /// A socket that is connecting, or -1.
    [[nodiscard]] int connect_socket() const {
        const int fd = socket(found_->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
        const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        // close() resets: no TIME_WAIT, so the ports do not run out.
        const linger reset{.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        if (connect(fd, found_->ai_addr, found_->ai_addrlen) == 0 || errno == EINPROGRESS) return fd;
        close(fd);
        return -1;
    }

private:
    addrinfo* found_ = nullptr;
};

SSL_CTX* make_context(const LoadOptions& options) {
    if (options.tls != "1.2" && options.tls != "1.3") die("--tls takes 1.2 or 1.3");
    const int version = options.tls == "1.2" ? TLS1_2_VERSION : TLS1_3_VERSION;
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_read_ahead(context, 1);  // one system call for a flight
    return context;
}

/// One client: one connection after the other.
class Client {
public:
    enum class Outcome { waits, done, failed };

    Client(const Target& target, SSL_CTX* context, bool resume)
        : target_(&target), context_(context), resume_(resume) {}
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() {
        end();
        SSL_SESSION_free(session_);
    }

    /// Begins the next connection. False if it cannot.
    [[nodiscard]] bool begin(int poller) {
        fd_ = target_->connect_socket();
        if (fd_ < 0) return false;
        ssl_ = SSL_new(context_);
        SSL_set_fd(ssl_, fd_);
        SSL_set_connect_state(ssl_);
        if (session_ != nullptr) SSL_set_session(ssl_, session_);
        asked_ = false;

        epoll_event event{};
        event.events = EPOLLIN | EPOLLOUT | static_cast<std::uint32_t>(EPOLLET);
        event.data.ptr = this;
        return epoll_ctl(poller, EPOLL_CTL_ADD, fd_, &event) == 0;
    }

    /// Goes on as far as it can. `done` when the byte is back: TLS 1.3's tickets have come before it.
    Outcome advance() {
        if (!asked_) {
            const int agreed = SSL_do_handshake(ssl_);
            if (agreed != 1) return outcome_of(agreed);
            if (SSL_write(ssl_, "x", 1) != 1) return Outcome::failed;
            asked_ = true;
        }
        std::array<char, 16> answer;
        const int received = SSL_read(ssl_, answer.data(), static_cast<int>(answer.size()));
        if (received <= 0) return outcome_of(received);
        return received == 1 ? Outcome::done : Outcome::failed;
    }

    [[nodiscard]] bool resumed() const { return SSL_session_reused(ssl_) == 1; }

    /// True if this connection had a session to resume, or does not want one. False only for each client's first.
    [[nodiscard]] bool counts() const { return !resume_ || session_ != nullptr; }

    void keep_session() {
        if (!resume_) return;
        SSL_SESSION_free(session_);
        session_ = SSL_get1_session(ssl_);
    }

    void end() {
        if (ssl_ == nullptr) return;
        // OpenSSL lets nobody resume the session of a connection that was dropped without a goodbye.
        SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(ssl_);
        ssl_ = nullptr;
        close(fd_);
    }

private:
    Outcome outcome_of(int result) {
        const int error = SSL_get_error(ssl_, result);
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return Outcome::waits;
        const unsigned long reason = ERR_get_error();
        std::fprintf(stderr, "connection lost: %s\n", reason != 0 ? ERR_reason_error_string(reason) : "closed");
        ERR_clear_error();
        return Outcome::failed;
    }

    const Target* target_;
    SSL_CTX* context_;
    bool resume_;
    int fd_ = -1;
    SSL* ssl_ = nullptr;
    SSL_SESSION* session_ = nullptr;
    bool asked_ = false;  // the handshake is done and the byte is sent
};

class HandshakeLoad {
public:
    explicit HandshakeLoad(const LoadOptions& options)
        : options_(options), target_(options), context_(make_context(options)), poller_(epoll_create1(0)) {
        for (std::size_t i = 0; i < options.clients; ++i)
            clients_.push_back(std::make_unique<Client>(target_, context_, options.resume));
    }

    perf::HandshakeReport run() {
        const Clock::time_point begin = Clock::now();
        for (const auto& client : clients_) start(*client);
        const auto end = begin + std::chrono::duration<double>{options_.seconds};
        while (living_ > 0 && Clock::now() < end) turn();
        report_.time = Clock::now() - begin;
        return report_;
    }

private:
    void turn() {
        std::array<epoll_event, 256> events;
        const int ready = epoll_wait(poller_, events.data(), static_cast<int>(events.size()), 100);
        for (int i = 0; i < ready; ++i) advance(*static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr));
    }

    void advance(Client& client) {
        const Client::Outcome outcome = client.advance();
        if (outcome == Client::Outcome::waits) return;
        --living_;
        if (outcome == Client::Outcome::failed || !count(client)) {
            ++report_.errors;
            client.end();  // and not begun again: a server that is gone would be asked for ever
            return;
        }
        client.keep_session();
        client.end();
        start(client);
    }

    // False if it was to be resumed and was not.
    bool count(const Client& client) {
        if (!client.counts()) return true;
        if (client.resumed() != options_.resume) {
            std::fprintf(stderr, "a handshake was %s\n", options_.resume ? "not resumed" : "resumed");
            return false;
        }
        ++report_.handshakes;
        if (options_.resume) ++report_.resumed;
        return true;
    }

    void start(Client& client) {
        if (client.begin(poller_)) {
            ++living_;
        } else {
            std::perror("cannot connect");
            ++report_.errors;
        }
    }

    const LoadOptions& options_;
    Target target_;
    SSL_CTX* context_;
    int poller_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::size_t living_ = 0;  // clients that go on
    perf::HandshakeReport report_;
};

void pin_to(const std::vector<unsigned>& cores) {
    if (cores.empty()) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const unsigned core : cores) CPU_SET(core, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) die("--cores: there is no such core");
}

}  // namespace

int main(int argc, char** argv) {
    LoadOptions options;
    options.port = perf::default_port(perf::ssl);
    options.clients = 16;
    perf::parse_options(argc, argv,
                        {perf::endpoint_options(options, perf::ssl),
                         {{"-c", "--clients", &options.clients, "connections at a time"},
                          {"-z", "--seconds", &options.seconds, "how long to measure"},
                          {"", "--tls", &options.tls, "version of TLS: 1.2 or 1.3"},
                          {"", "--resume", &options.resume, "resume the session of the connection before"},
                          {"", "--cores", &options.cores, "pin to these cores, as in 0,1"}}});
    pin_to(options.cores);
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL

    perf::print_endpoint(options, perf::ssl);
    std::printf("Working clients: %zu\nTLS version: %s\nResumption: %s\nSeconds to benchmarking: %g\n\n",
                options.clients, options.tls.c_str(), options.resume ? "yes" : "no", options.seconds);
    const perf::HandshakeReport report = HandshakeLoad{options}.run();
    print(report);
    return report.errors == 0 && report.handshakes > 0 ? 0 : 1;
}
