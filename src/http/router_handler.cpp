// The handler behind a router: finds the route of each request.
#include <utility>

#include <pollux/http/router.h>

#include "http/exchange.h"
#include "http/route_table.h"
#include "proto/http/method_set.h"

namespace pollux::http {

RouterHandler::RouterHandler(std::shared_ptr<const RouteTable> table) noexcept : table_(std::move(table)) {}

RouterHandler::~RouterHandler() = default;

namespace {

RouteTree::Match match(const RouteTable& table, const Request& request) {
    return table.tree.match(request.method(), request.raw_path(), Exchange::of(request).arena());
}

/// To OPTIONS and to a method that is not among them.
void answer_allowed(MethodSet methods, const Request& request, Response& response) {
    response.header("Allow", AllowText{methods}.text());
    if (request.method() == Method::options) {
        response.status(204).send();
    } else {
        response.send_error(405);
    }
}

}  // namespace

BodyRules RouterHandler::on_head(const Request& request) {
    const RouteTree::Match found = match(*table_, request);
    return found.outcome == RouteTree::Outcome::found ? table_->routes[found.route].body : BodyRules{};
}

void RouterHandler::on_request(const Request& request, Response& response) {
    if (!is_routable(request.method())) {
        response.send_error(501);
        return;
    }
    if (request.method() == Method::options && request.raw_path() == "*") {
        answer_allowed(table_->tree.methods(), request, response);
        return;
    }
    const RouteTree::Match found = match(*table_, request);
    switch (found.outcome) {
        case RouteTree::Outcome::found:
            set_parameters(Exchange::of(request).request(), found.names, found.values);
            table_->routes[found.route].function(request, response);
            return;
        case RouteTree::Outcome::no_method:
            answer_allowed(found.allowed, request, response);
            return;
        case RouteTree::Outcome::bad_path:
            response.send_error(400);
            return;
        case RouteTree::Outcome::no_path:
            break;
    }
    if (table_->not_found) {
        table_->not_found(request, response);
    } else {
        response.send_error(404);
    }
}

void RouterHandler::set_parameters(Request& request, std::span<const std::string> names,
                                   std::span<const std::string_view> values) {
    request.parameters_.clear();
    for (std::size_t i = 0; i < names.size(); ++i) request.parameters_.push_back({names[i], values[i]});
}

}  // namespace pollux::http
