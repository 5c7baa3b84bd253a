// What the handlers of a server with a router share.
#pragma once

#include <vector>

#include <pollux/http/handler.h>
#include <pollux/http/router.h>

#include "proto/http/route_tree.h"

namespace pollux::http {

/// The routes of a router at the time when a server was made with it. It does not change any more, so that all reactors
/// look at it without a lock.
class RouteTable {
public:
    struct Route {
        RouteFunction function;
        BodyRules body;
    };

    RouteTree tree{};
    std::vector<Route> routes{};  ///< By `RouteTree::Route`.
    RouteFunction not_found{};    ///< None: the library's own answer.
};

}  // namespace pollux::http
