// The further arguments of UDP are those of its handler's constructor.
// error: no match|constraint|no overloaded
#include <string>

#include <pollux/udp.h>

class Parrot final : public pollux::DatagramHandler {
public:
    explicit Parrot(std::string word) : word_(std::move(word)) {}

    void on_datagram(pollux::UdpSocket& socket, const pollux::InetAddress& from, pollux::Bytes /*bytes*/) override {
        socket.send_to(from, word_);
    }

private:
    std::string word_;
};

void bind(pollux::Engine& engine) {
#ifdef POLLUX_MISUSE
    const pollux::Udp<Parrot> udp{engine, {.bind = "udp://127.0.0.1:0"}, 7, "hello"};
#else
    const pollux::Udp<Parrot> udp{engine, {.bind = "udp://127.0.0.1:0"}, "hello"};
#endif
}
