// A server's further arguments are those of its handler's constructor.
// error: no match|constraint|no overloaded
#include <string>

#include <pollux/server.h>

class Greeter final : public pollux::ConnectionHandler {
public:
    explicit Greeter(const std::string& greeting) : greeting_(greeting) {}

    void on_open(pollux::Connection& connection) override { connection.send(greeting_); }
    void on_data(pollux::Connection& /*connection*/, pollux::Bytes /*data*/) override {}

private:
    std::string greeting_;
};

void listen(pollux::Engine& engine) {
#ifdef POLLUX_MISUSE
    const pollux::Server<Greeter> server{engine, {.endpoint = "tcp://127.0.0.1:0"}, 7, "hello"};
#else
    const pollux::Server<Greeter> server{engine, {.endpoint = "tcp://127.0.0.1:0"}, "hello"};
#endif
}
