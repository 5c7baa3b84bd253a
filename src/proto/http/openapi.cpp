// The OpenAPI 3.0 document of the routes of a router.
#include "proto/http/openapi.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "ascii.h"
#include "proto/http/json_writer.h"
#include "proto/http/percent.h"
#include "proto/http/route_pattern.h"

namespace pollux::http {

namespace {

std::string_view to_string(ParameterPlace place) {
    switch (place) {
        case ParameterPlace::path:
            return "path";
        case ParameterPlace::query:
            return "query";
        case ParameterPlace::header:
            return "header";
        case ParameterPlace::cookie:
            return "cookie";
    }
    return "";
}

/// The member for a body of that type. Its bytes are described no further.
void write_content(JsonWriter& json, std::string_view type) {
    const bool is_text = type.starts_with("text/");
    const bool is_json = type.starts_with("application/json") || type.find("+json") != std::string_view::npos;
    json.object(type, [&] {
        json.object("schema", [&] {
            if (!is_json) json.member("type", "string");
            if (!is_json && !is_text) json.member("format", "binary");
        });
    });
}

void write_parameter(JsonWriter& json, const ParameterDescription& parameter) {
    json.object([&] {
        json.member("name", parameter.name);
        json.member("in", to_string(parameter.place));
        json.member_unless_empty("description", parameter.description);
        json.flag("required", parameter.required || parameter.place == ParameterPlace::path);
        json.object("schema", [&] { json.member("type", parameter.type); });
    });
}

/// Those of the operation, and those of the pattern that it does not mention.
std::vector<ParameterDescription> all_parameters(const DescribedRoute& route) {
    std::vector<ParameterDescription> all = route.operation.parameters;
    const RoutePattern pattern{route.pattern};
    for (const std::string_view name : pattern.names()) {
        const bool is_described = std::ranges::any_of(route.operation.parameters, [&](const auto& parameter) {
            return parameter.place == ParameterPlace::path && parameter.name == name;
        });
        if (!is_described) all.push_back({.name = std::string{name}, .place = ParameterPlace::path});
    }
    return all;
}

/// The answers of one status: OpenAPI has one entry for them, with a content for each type.
void write_response(JsonWriter& json, std::span<const ResponseDescription> responses, unsigned status) {
    const auto first = std::ranges::find(responses, status, &ResponseDescription::status);
    std::vector<std::string_view> types;
    for (const ResponseDescription& response : responses) {
        if (response.status != status || response.content_type.empty()) continue;
        if (std::ranges::count(types, response.content_type) == 0) types.push_back(response.content_type);
    }
    json.object(std::to_string(status), [&] {
        json.member("description", first->description.empty() ? reason_phrase(status) : first->description);
        if (types.empty()) return;
        json.object("content", [&] {
            for (const std::string_view type : types) write_content(json, type);
        });
    });
}

void write_responses(JsonWriter& json, std::vector<ResponseDescription> responses) {
    if (responses.empty()) responses.emplace_back();
    std::vector<unsigned> written;
    json.object("responses", [&] {
        for (const ResponseDescription& response : responses) {
            if (std::ranges::count(written, response.status) > 0) continue;
            written.push_back(response.status);
            write_response(json, responses, response.status);
        }
    });
}

void write_operation(JsonWriter& json, const DescribedRoute& route) {
    const Operation& operation = route.operation;
    json.object(to_lower(to_string(route.method)), [&] {
        json.member("summary", operation.summary);
        json.member_unless_empty("description", operation.description);
        if (!operation.tags.empty()) {
            json.array("tags", [&] {
                for (const std::string& tag : operation.tags) json.string(tag);
            });
        }
        if (const auto parameters = all_parameters(route); !parameters.empty()) {
            json.array("parameters", [&] {
                for (const ParameterDescription& parameter : parameters) write_parameter(json, parameter);
            });
        }
        if (!operation.request_content_type.empty()) {
            json.object("requestBody",
                        [&] { json.object("content", [&] { write_content(json, operation.request_content_type); }); });
        }
        write_responses(json, operation.responses);
    });
}

/// The operations of each path together, in the order in which paths and operations were added.
void write_paths(JsonWriter& json, std::span<const DescribedRoute> routes) {
    using Operations = std::vector<const DescribedRoute*>;
    std::vector<std::pair<std::string, Operations>> paths;
    for (const DescribedRoute& route : routes) {
        if (route.operation.summary.empty()) continue;
        std::string path = path_template(route.pattern);
        auto entry = std::ranges::find(
            paths, path, [](const auto& known) -> const auto& { return known.first; });
        if (entry == paths.end()) entry = paths.emplace(entry, std::move(path), Operations{});
        entry->second.push_back(&route);
    }
    json.object("paths", [&] {
        for (const auto& [path, operations] : paths) {
            json.object(path, [&, &routes_of_path = operations] {
                for (const DescribedRoute* route : routes_of_path) write_operation(json, *route);
            });
        }
    });
}

/// What may stand in a segment of a path as it is (RFC 3986, 3.3), with letters and digits.
constexpr std::string_view segment_characters = "-._~!$&'()*+,;=:@";

}  // namespace

std::string openapi_document(const OpenApiOptions& options, std::span<const DescribedRoute> routes) {
    JsonWriter json;
    json.object([&] {
        json.member("openapi", "3.0.3");
        json.object("info", [&] {
            json.member("title", options.title);
            json.member_unless_empty("description", options.description);
            json.member("version", options.version);
        });
        write_paths(json, routes);
    });
    return json.take();
}

std::string path_template(std::string_view pattern) {
    std::string path;
    const RoutePattern parsed{pattern};
    for (const RoutePattern::Segment& segment : parsed.segments()) {
        path += '/';
        if (segment.kind == RoutePattern::Kind::literal) {
            path += percent_encode(segment.text, segment_characters);
        } else {
            path += '{' + std::string{segment.text} + '}';
        }
    }
    return path;
}

}  // namespace pollux::http
