// A message is prepared where it is seen, not made in passing.
// error: conversion from|no viable conversion
#include <pollux/ws/server.h>

void greet(pollux::ws::ServerBase& server) {
#ifdef POLLUX_MISUSE
    const pollux::ws::PreparedMessage greeting = "hello";
#else
    const pollux::ws::PreparedMessage greeting{"hello"};
#endif
    server.broadcast(greeting);
}
