// A chat over WebSocket, with the page for it: every message of a member goes to all members.
#include "common/ws_chat_server.h"

namespace {

constexpr std::string_view usage = R"(usage: ws_chat_server [endpoint]

endpoint  where to listen: a port, host:port, tcp://host:port or unix:///path (default tcp://127.0.0.1:8080;
          tcp://*:8080 for every address of the machine)

The page is at http://127.0.0.1:8080/chat/, its WebSocket at ws://127.0.0.1:8080/chat/ws.
On the console a line goes to all members as "(admin) line", ! restarts the server, an empty line stops it.
A member that sends ! is disconnected.
)";

}  // namespace

int main(int argc, char** argv) {
    return chat::run_web_server(console::inet_endpoint("tcp://", "8080", console::only_argument(argc, argv, usage)));
}
