// A connection lives on its reactor: a handler keeps a reference or the id, never a copy.
// error: deleted|protected|private
#include <pollux/connection.h>

void use(pollux::Connection& connection) {
#ifdef POLLUX_MISUSE
    auto other = connection;
#else
    auto& other = connection;
#endif
    other.close();
}
