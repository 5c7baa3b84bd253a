// The page that shows the OpenAPI document, with Swagger UI.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include <pollux/http/openapi.h>

namespace pollux::http {

/// What the page loads from below its own path: files of Swagger UI, and our script that starts it.
inline constexpr std::array<std::string_view, 2> swagger_ui_files{"swagger-ui.css", "swagger-ui-bundle.js"};
inline constexpr std::string_view openapi_script_name = "start.js";

/// The page itself. No script and no part of Swagger UI is in it, so that a policy can forbid all that is inline.
[[nodiscard]] std::string openapi_page(const OpenApiOptions& options);

/// Shows the document that the page names. It is the same for every page.
[[nodiscard]] std::string_view openapi_script() noexcept;

/// The page's `Content-Security-Policy`: everything is from the server itself, but for what Swagger UI makes: styles of
/// elements, and images in the text of its style sheet.
inline constexpr std::string_view openapi_page_policy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src "
    "'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace pollux::http
