// A member of the chat over WebSocket; comes back a second after it was disconnected.
#include "common/ws_chat_client.h"

namespace {

constexpr std::string_view usage = R"(usage: ws_chat_client [url]

url  where the chat is: a port, host:port, ws://host:port or ws://host:port/path
     (default ws://127.0.0.1:8080/chat/ws, and /chat/ws where there is no path)

On the console a line goes to the chat, ! disconnects (and connects again after a second), an empty line stops.
)";

}  // namespace

int main(int argc, char** argv) {
    return chat::run_web_client(chat::chat_url("ws://", "8080", console::only_argument(argc, argv, usage)));
}
