// A chat over a Unix-domain socket: every line of a member goes to all members.
#include "common/chat_server.h"

namespace {

constexpr std::string_view usage = R"(usage: uds_chat_server [endpoint]

endpoint  where to listen: a path, @name (Linux abstract name) or unix:///path
          (default pollux-chat.sock in the directory for temporary files)

On the console a line goes to all members as "(admin) line", ! restarts the server, an empty line stops it.
A member that sends ! is disconnected.
)";

}  // namespace

int main(int argc, char** argv) {
    return chat::run_server(console::unix_endpoint(console::only_argument(argc, argv, usage)));
}
