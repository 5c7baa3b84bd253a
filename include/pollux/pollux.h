// All of Pollux.
#pragma once

#include <pollux/address.h>
#include <pollux/blocking_client.h>
#include <pollux/blocking_udp.h>
#include <pollux/bytes.h>
#include <pollux/client.h>
#include <pollux/connection.h>
#include <pollux/engine.h>
#include <pollux/error.h>
#include <pollux/handler.h>
#include <pollux/http/client.h>
#include <pollux/http/server.h>
#include <pollux/options.h>
#include <pollux/reactor.h>
#include <pollux/server.h>
#include <pollux/task.h>
#include <pollux/timer.h>
#include <pollux/tls.h>
#include <pollux/udp.h>
#include <pollux/udp_socket.h>
#include <pollux/ws/client.h>
#include <pollux/ws/server.h>
