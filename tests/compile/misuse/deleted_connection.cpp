// Nobody but the library destroys a connection.
// error: protected|inaccessible|cannot access
#include <pollux/connection.h>

void end(pollux::Connection* connection) {
#ifdef POLLUX_MISUSE
    delete connection;
#else
    connection->abort();
#endif
}
