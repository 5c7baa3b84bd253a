// A member of the chat over a Unix-domain socket; comes back a second after it was disconnected.
#include "common/chat_client.h"

namespace {

constexpr std::string_view usage = R"(usage: uds_chat_client [endpoint]

endpoint  where the server is: a path, @name (Linux abstract name) or unix:///path
          (default pollux-chat.sock in the directory for temporary files)

On the console a line goes to the chat, ! disconnects (and connects again after a second), an empty line stops.
)";

}  // namespace

int main(int argc, char** argv) {
    return chat::run_client(console::unix_endpoint(console::only_argument(argc, argv, usage)));
}
