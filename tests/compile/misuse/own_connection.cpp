// Connections and reactors are made by the library alone.
// error: protected|abstract
#include <pollux/pollux.h>

#ifdef POLLUX_MISUSE
pollux::Connection connection;
pollux::Reactor reactor;
#else
pollux::Connection* connection = nullptr;
pollux::Reactor* reactor = nullptr;
#endif
