// The OpenAPI 3.0 document of the routes of a router.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <pollux/http/method.h>
#include <pollux/http/openapi.h>

namespace pollux::http {

/// A route as the document knows it.
struct DescribedRoute {
    Method method = Method::get;
    std::string pattern{};  ///< One without a mistake.
    Operation operation{};
};

/// The document, as JSON. Routes whose operation has no summary are left out.
[[nodiscard]] std::string openapi_document(const OpenApiOptions& options, std::span<const DescribedRoute> routes);

/// A pattern as OpenAPI writes it: `/users/{id}`.
[[nodiscard]] std::string path_template(std::string_view pattern);

}  // namespace pollux::http
