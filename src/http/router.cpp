// A router while it is filled.
#include <pollux/http/router.h>

#include <algorithm>
#include <utility>

#include "http/file_loader.h"
#include "http/openapi_page.h"
#include "http/route_table.h"
#include "http/static_files.h"
#include "option_checks.h"
#include "proto/http/openapi.h"
#include "proto/http/route_pattern.h"

namespace pollux::http {

namespace {

RouteFunction answer_with(std::string_view content_type, std::string text) {
    return [content_type, text = std::make_shared<const std::string>(std::move(text))](const Request&,
                                                                                       Response& response) {
        response.content_type(content_type);
        response.send(text);
    };
}

}  // namespace

/// What a router has so far. After a mistake nothing is added any more.
class Router::Building {
public:
    void add(Method method, std::string pattern, RouteFunction function, RouteOptions options);
    void add_folder(std::string_view prefix, const std::filesystem::path& folder, FileOptions options);
    void add_openapi(const OpenApiOptions& options);
    void set_not_found(RouteFunction function) { table_.not_found = std::move(function); }
    void fail(Method method, std::string_view pattern, std::string_view mistake);
    void fail(const Status& mistake) {
        if (status_) status_ = mistake;
    }

    [[nodiscard]] const Status& status() const noexcept { return status_; }
    [[nodiscard]] std::shared_ptr<const RouteTable> compile() const;

private:
    using FunctionMaker = std::function<RouteFunction(const Building&)>;

    /// A route whose function is made for each server: when all the others are known, and its own where it has a state.
    struct LateRoute {
        RouteTree::Route route;
        FunctionMaker make;
    };

    void add_late(std::string pattern, FunctionMaker make);
    void add_openapi_page(const OpenApiOptions& options);

    /// Null, and the status tells why, if it cannot be served.
    [[nodiscard]] std::shared_ptr<const FileLoader> open_folder(const std::filesystem::path& folder,
                                                                FileOptions options);

    Status status_;
    RouteTable table_;
    std::vector<DescribedRoute> described_;
    std::vector<LateRoute> late_;
    bool has_openapi_ = false;
};

void Router::Building::fail(Method method, std::string_view pattern, std::string_view mistake) {
    if (!status_) return;
    std::string what = "the route ";
    if (method != Method::other) what.append(to_string(method)).append(" ");
    what.append(pattern).append(" ").append(mistake);
    status_ = bad_option(what);
}

void Router::Building::add(Method method, std::string pattern, RouteFunction function, RouteOptions options) {
    if (!status_) return;
    if (!function) return fail(method, pattern, "has no function");
    const auto route = static_cast<RouteTree::Route>(table_.routes.size());
    if (const std::string mistake = table_.tree.add(method, pattern, route); !mistake.empty()) {
        return fail(method, pattern, mistake);
    }
    table_.routes.push_back({std::move(function), {options.body.value_or(BodyMode::whole), options.max_body_bytes}});
    described_.push_back({method, std::move(pattern), std::move(options.operation)});
}

void Router::Building::add_late(std::string pattern, FunctionMaker make) {
    const auto stand_in = [](const Request&, Response&) {};
    add(Method::get, std::move(pattern), stand_in, {});
    if (status_) late_.push_back({static_cast<RouteTree::Route>(table_.routes.size() - 1), std::move(make)});
}

std::shared_ptr<const RouteTable> Router::Building::compile() const {
    auto table = std::make_shared<RouteTable>(table_);
    for (const LateRoute& late : late_) table->routes[late.route].function = late.make(*this);
    return table;
}

// Folders. What was opened is shared by copies of the router; the caches are a server's own, since they are found by
// the index of a reactor, and another engine has such an index too.

std::shared_ptr<const FileLoader> Router::Building::open_folder(const std::filesystem::path& folder,
                                                                FileOptions options) {
    if (!status_) return nullptr;
    auto loader = std::make_shared<const FileLoader>(folder, std::move(options));
    status_ = loader->status();
    return loader;
}

void Router::Building::add_folder(std::string_view prefix, const std::filesystem::path& folder, FileOptions options) {
    const std::string all = pattern_below(prefix, "*path");
    const auto segments = static_cast<std::size_t>(std::ranges::count(all, '/')) - 1;
    const auto make = [loader = open_folder(folder, std::move(options)), segments](const Building&) -> RouteFunction {
        return [files = std::make_shared<StaticFiles>(loader), segments](const Request& request, Response& response) {
            files->answer(request, response, skip_segments(request.raw_path(), segments));
        };
    };
    add_late(all, make);
    if (segments > 0) add_late(std::string{prefix}, make);  // leads to the same with a slash
}

// OpenAPI.

void Router::Building::add_openapi(const OpenApiOptions& options) {
    if (std::exchange(has_openapi_, true) && status_) status_ = bad_option("Router::openapi was called twice");
    add_late(options.document_path, [options](const Building& building) {
        return answer_with("application/json", openapi_document(options, building.described_));
    });
    if (!options.swagger_ui_folder.empty()) add_openapi_page(options);
}

void Router::Building::add_openapi_page(const OpenApiOptions& options) {
    const auto page = answer_with("text/html; charset=utf-8", openapi_page(options));
    const auto guarded_page = [page](const Request& request, Response& response) {
        response.header("Content-Security-Policy", openapi_page_policy);
        page(request, response);
    };
    add(Method::get, options.page_path, guarded_page, {});
    add(Method::get, pattern_below(options.page_path, openapi_script_name),
        answer_with("text/javascript; charset=utf-8", std::string{openapi_script()}), {});

    // By name: there is more in that folder, and another page among it.
    const auto loader = open_folder(options.swagger_ui_folder, {});
    for (const std::string_view name : swagger_ui_files) {
        add_late(pattern_below(options.page_path, name), [loader, name](const Building&) -> RouteFunction {
            return [files = std::make_shared<StaticFiles>(loader), name](const Request& request, Response& response) {
                files->answer(request, response, name);
            };
        });
    }
}

// The router.

Router::Router() : building_(std::make_unique<Building>()) {}
Router::Router(const Router& other) : building_(std::make_unique<Building>(*other.building_)) {}
Router& Router::operator=(const Router& other) {
    return *this = Router{other};
}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

Router& Router::add(Method method, std::string_view pattern, RouteFunction function, RouteOptions options) {
    building_->add(method, std::string{pattern}, std::move(function), std::move(options));
    return *this;
}

Router::Group Router::group(std::string_view prefix, GroupOptions options) {
    return {*building_, std::string{prefix}, std::move(options)};
}

Router& Router::fail(const Status& mistake) {
    building_->fail(mistake);
    return *this;
}

Router& Router::not_found(RouteFunction function) {
    building_->set_not_found(std::move(function));
    return *this;
}

Router& Router::files(std::string_view prefix, const std::filesystem::path& folder, FileOptions options) {
    building_->add_folder(prefix, folder, std::move(options));
    return *this;
}

Router& Router::openapi(const OpenApiOptions& options) {
    building_->add_openapi(options);
    return *this;
}

const Status& Router::status() const noexcept {
    return building_->status();
}

std::shared_ptr<const RouteTable> Router::compile() const {
    return building_->compile();
}

// A group.

Router::Group& Router::Group::add(Method method, std::string_view pattern, RouteFunction function,
                                  RouteOptions options) {
    if (!options.body) options.body = options_.body;
    if (!options.max_body_bytes) options.max_body_bytes = options_.max_body_bytes;
    if (options.operation.tags.empty()) options.operation.tags = options_.tags;
    if (pattern.empty() || pattern.starts_with('/')) {
        building_->add(method, prefix_ + std::string{pattern}, std::move(function), std::move(options));
    } else {
        building_->fail(method, pattern, "in the group " + prefix_ + " does not begin with '/'");
    }
    return *this;
}

Router::Group& Router::Group::fail(const Status& mistake) {
    building_->fail(mistake);
    return *this;
}

Router::Group Router::Group::group(std::string_view prefix, GroupOptions options) const {
    if (!options.body) options.body = options_.body;
    if (!options.max_body_bytes) options.max_body_bytes = options_.max_body_bytes;
    if (options.tags.empty()) options.tags = options_.tags;
    return {*building_, prefix_ + std::string{prefix}, std::move(options)};
}

}  // namespace pollux::http
