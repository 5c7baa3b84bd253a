// A member of the chat over TCP; comes back a second after it was disconnected.
#include "common/chat_client.h"

namespace {

constexpr std::string_view usage = R"(usage: tcp_chat_client [endpoint]

endpoint  where the server is: a port, host:port or tcp://host:port (default tcp://127.0.0.1:1111)

On the console a line goes to the chat, ! disconnects (and connects again after a second), an empty line stops.
)";

}  // namespace

int main(int argc, char** argv) {
    return chat::run_client(console::tcp_endpoint(console::only_argument(argc, argv, usage)));
}
