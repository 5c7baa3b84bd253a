// A chat over TCP: every line of a member goes to all members.
#include "common/chat_server.h"

namespace {

constexpr std::string_view usage = R"(usage: tcp_chat_server [endpoint]

endpoint  where to listen: a port, host:port or tcp://host:port (default tcp://127.0.0.1:1111;
          tcp://*:1111 for every address of the machine)

On the console a line goes to all members as "(admin) line", ! restarts the server, an empty line stops it.
A member that sends ! is disconnected.
)";

}  // namespace

int main(int argc, char** argv) {
    return chat::run_server(console::tcp_endpoint(console::only_argument(argc, argv, usage)));
}
