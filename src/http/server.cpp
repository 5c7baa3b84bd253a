// An HTTP/1.1 server.
#include <pollux/http/server.h>

#include <utility>
#include <vector>

#include "engine_core.h"
#include "http/context.h"
#include "http/session.h"
#include "option_checks.h"
#include "proto/http/characters.h"
#include "round_up.h"
#include "stream_connection.h"

namespace pollux::http {

namespace {

/// A head, and a chunk with its framing, must fit into what a connection accepts.
constexpr std::size_t min_pending_bytes = 4096;

Status check_options(const Options& options, const ConnectionOptions& connection) {
    if (options.max_request_line_bytes == 0) return bad_option("http::Options::max_request_line_bytes is 0");
    if (options.max_header_bytes < options.max_request_line_bytes) {
        return bad_option("http::Options::max_header_bytes is less than max_request_line_bytes");
    }
    if (options.max_header_bytes > UINT32_MAX / 2)
        return bad_option("http::Options::max_header_bytes is 2 GiB or more");
    if (options.max_headers == 0) return bad_option("http::Options::max_headers is 0");
    if (!is_field_value(options.server_name)) return bad_option("http::Options::server_name has a control character");
    for (const auto timeout : {options.header_timeout, options.body_timeout, options.body_progress_timeout,
                               options.answer_timeout, options.keep_alive_timeout}) {
        if (timeout.count() < 0) return bad_option("a timeout of http::Options is negative");
    }
    if (connection.max_pending_bytes < min_pending_bytes) {
        return bad_option("ConnectionOptions::max_pending_bytes is less than 4096, which HTTP needs");
    }
    return {};
}

/// What the sessions of a server share: kept by their factory, which lives as long as the last of them.
struct Contexts {
    Contexts(Engine& engine, Options chosen, const ConnectionOptions& connection) : options(std::move(chosen)) {
        for (std::size_t i = 0; i < engine.reactors(); ++i) {
            of_reactors.push_back(std::make_unique<Context>(engine.core().reactor(i), options, connection));
        }
    }

    Options options;
    std::vector<std::unique_ptr<Context>> of_reactors;
};

/// A factory of sessions, each with the user's handler behind it in the same memory.
detail::HandlerFactory<ConnectionHandler> session_factory(std::shared_ptr<Contexts> contexts,
                                                          detail::HandlerFactory<Handler> handlers) {
    const std::size_t offset = round_up(sizeof(Session), handlers.alignment);
    return {offset + handlers.size, std::max(alignof(Session), handlers.alignment),
            [contexts = std::move(contexts), construct = std::move(handlers.construct),
             offset](void* memory) -> ConnectionHandler* {
                Handler* handler = construct(static_cast<std::byte*>(memory) + offset);
                Context& context = *contexts->of_reactors[Reactor::current()->index()];
                return ::new (memory) Session{context, *handler};
            }};
}

}  // namespace

ServerBase::ServerBase(Engine& engine, ServerOptions server_options, Options options,
                       detail::HandlerFactory<Handler> factory, Status mistake)
    : pollux::ServerBase(
          engine, server_options,
          session_factory(std::make_shared<Contexts>(engine, options, server_options.connection), std::move(factory)),
          mistake ? check_options(options, server_options.connection) : mistake) {}

Result ServerBase::respond(ResponseId id, std::function<void(Response&)> answer) {
    if (!id || !engine().is_alive(id.connection)) return Result::closed;
    ReactorCore* const reactor = engine().core().reactor_of(id.connection);
    if (reactor == nullptr) return Result::closed;
    const auto find = [](ReactorCore& home, const pollux::ServerBase* server, ResponseId wanted) -> Response* {
        Connection* connection = home.find(wanted.connection);
        if (connection == nullptr || connection->server() != server) return nullptr;
        return static_cast<Session&>(static_cast<StreamConnection&>(*connection).handler())
            .find_response(wanted.number);
    };
    if (reactor->is_current()) {
        Response* response = find(*reactor, this, id);
        if (response == nullptr) return Result::closed;
        answer(*response);
        return Result::ok;
    }
    return reactor->post(
        [find, reactor, server = static_cast<const pollux::ServerBase*>(this), id, answer = std::move(answer)] {
            if (Response* response = find(*reactor, server, id)) answer(*response);
        });
}

}  // namespace pollux::http
