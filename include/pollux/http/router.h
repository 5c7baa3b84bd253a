// A router: which function answers which method and path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pollux/http/files.h>
#include <pollux/http/handler.h>
#include <pollux/http/openapi.h>

namespace pollux::ws {

struct RouteOptions;

}  // namespace pollux::ws

namespace pollux::http {

class RouteTable;
class RouterHandler;

/// Answers a request, as `Handler::on_request` does. Shared by all connections: it is called on every reactor of the
/// server, on several at once.
using RouteFunction = std::function<void(const Request&, Response&)>;

/// What holds for one route. What is not set is as its group says.
struct RouteOptions {
    std::optional<BodyMode> body{};                 ///< `BodyMode::whole` if its group does not say either.
    std::optional<std::uint64_t> max_body_bytes{};  ///< `Options::max_body_bytes` if its group does not say either.
    Operation operation{};                          ///< What the OpenAPI document tells of it.
};

/// What holds for the routes of a group.
struct GroupOptions {
    std::optional<BodyMode> body{};
    std::optional<std::uint64_t> max_body_bytes{};
    std::vector<std::string> tags{};  ///< Of their operations.
};

/// Internal: a function for each method, for what has `Self& add(Method, pattern, function, options)`.
template <class Self>
class RouteVerbs {
public:
    Self& get(std::string_view pattern, RouteFunction function, RouteOptions options = {}) {
        return self().add(Method::get, pattern, std::move(function), std::move(options));
    }
    Self& head(std::string_view pattern, RouteFunction function, RouteOptions options = {}) {
        return self().add(Method::head, pattern, std::move(function), std::move(options));
    }
    Self& post(std::string_view pattern, RouteFunction function, RouteOptions options = {}) {
        return self().add(Method::post, pattern, std::move(function), std::move(options));
    }
    Self& put(std::string_view pattern, RouteFunction function, RouteOptions options = {}) {
        return self().add(Method::put, pattern, std::move(function), std::move(options));
    }
    Self& del(std::string_view pattern, RouteFunction function, RouteOptions options = {}) {
        return self().add(Method::del, pattern, std::move(function), std::move(options));
    }
    Self& options(std::string_view pattern, RouteFunction function, RouteOptions options = {}) {
        return self().add(Method::options, pattern, std::move(function), std::move(options));
    }
    Self& trace(std::string_view pattern, RouteFunction function, RouteOptions options = {}) {
        return self().add(Method::trace, pattern, std::move(function), std::move(options));
    }
    Self& patch(std::string_view pattern, RouteFunction function, RouteOptions options = {}) {
        return self().add(Method::patch, pattern, std::move(function), std::move(options));
    }

    /// Upgrades GET requests to WebSockets, each with a handler `H` made from copies of `arguments`. For this,
    /// <pollux/ws/server.h> is to be included.
    template <class H, class... Arguments>
    Self& websocket(std::string_view pattern, const ws::RouteOptions& options, Arguments&&... arguments);
    template <class H>
    Self& websocket(std::string_view pattern);

private:
    [[nodiscard]] Self& self() noexcept { return static_cast<Self&>(*this); }
};

/// Routes by method and pattern: `get`, `head`, `post`, `put`, `del`, `options`, `trace`, `patch`, or `add` with any of
/// these methods.
///
/// A pattern is a path of segments: `literal`; `:name` for any one segment that is not empty; as the last one `*name`
/// for all that follows, which may be empty: `/files/*path` matches `/files/` and `/files/a/b`, but not `/files`. What
/// is matched is the whole path, so `/a` and `/a/` are two. Paths are split before they are decoded, so `%2F` is a
/// character within a segment; literals in patterns are written decoded. A literal goes before a `:name`, that before a
/// `*name`, at the first segment where two patterns differ, in whatever order they were added. Only patterns that have
/// the method take part: `POST /users/new` does not hide `GET /users/:name`. Names are of letters, digits, `_` and `-`;
/// a pattern has at most 32 segments, and 16 parameters among them.
///
/// By itself a router answers
/// - HEAD as GET, where a pattern has no HEAD of its own;
/// - OPTIONS with 204 and `Allow`, where no pattern that matches has an OPTIONS of its own, and `OPTIONS *`;
/// - 404 where no pattern matches, and 405 with `Allow` where those that match lack the method (RFC 9110, 15.5.6);
/// - 400 where the path cannot be decoded, or would have a NUL in it;
/// - 501 to methods that no route can have.
///
/// A body that comes with such a request is taken in first, if it is within `Options::max_body_bytes`.
///
/// Filled on one thread, before a server is made with it. A mistake (a pattern that does not begin with `/`, a name
/// that is twice in it, a route that is there already) makes the router unusable: `status` and the server's `start`
/// tell the first one.
class Router : public RouteVerbs<Router> {
    class Building;

public:
    /// Routes with a common prefix. It belongs to its router, which may be moved meanwhile.
    class Group : public RouteVerbs<Group> {
    public:
        /// The route of the prefix with `pattern` behind it; that may be empty.
        Group& add(Method method, std::string_view pattern, RouteFunction function, RouteOptions options = {});

        /// `Router::fail`.
        Group& fail(const Status& mistake);

        /// A group within this one: its prefix comes behind this one's, and what its options do not set is as here.
        [[nodiscard]] Group group(std::string_view prefix, GroupOptions options = {}) const;

    private:
        friend class Router;
        Group(Building& building, std::string prefix, GroupOptions options)
            : building_(&building), prefix_(std::move(prefix)), options_(std::move(options)) {}

        Building* building_;
        std::string prefix_;
        GroupOptions options_;
    };

    Router();
    Router(const Router& other);
    Router& operator=(const Router& other);
    Router(Router&&) noexcept;
    Router& operator=(Router&&) noexcept;
    ~Router();

    /// `Method::connect` and `Method::other` are not for routes.
    Router& add(Method method, std::string_view pattern, RouteFunction function, RouteOptions options = {});

    /// A prefix begins with `/`, and does not end with one: `/api`, `/users/:id`.
    [[nodiscard]] Group group(std::string_view prefix, GroupOptions options = {});

    /// Answers where no pattern matches, in the place of the 404 of the library.
    Router& not_found(RouteFunction function);

    /// Serves the files of a folder under a prefix, to GET and HEAD: under `/static`, `/static/a.css` is the file
    /// `a.css`, and `/static` leads to `/static/`. The prefix `/` is for all paths that nothing else matches.
    Router& files(std::string_view prefix, const std::filesystem::path& folder, FileOptions options = {});

    /// Serves a description of the routes that have a summary, and a page to read and try it. Routes that are added
    /// afterwards are in it, too.
    Router& openapi(const OpenApiOptions& options);

    /// Notes a mistake, for whoever adds routes of a kind of its own.
    Router& fail(const Status& mistake);

    /// The first mistake that was made in filling it.
    [[nodiscard]] const Status& status() const noexcept;

    /// Internal: what the handlers of a server share.
    [[nodiscard]] std::shared_ptr<const RouteTable> compile() const;

private:
    std::unique_ptr<Building> building_;
};

/// The handler behind a `Router`.
class RouterHandler final : public Handler {
public:
    explicit RouterHandler(std::shared_ptr<const RouteTable> table) noexcept;
    ~RouterHandler() override;

    BodyRules on_head(const Request& request) override;
    void on_request(const Request& request, Response& response) override;

private:
    static void set_parameters(Request& request, std::span<const std::string> names,
                               std::span<const std::string_view> values);

    std::shared_ptr<const RouteTable> table_;
};

}  // namespace pollux::http
