// The page that shows the OpenAPI document, with Swagger UI.
#include "http/openapi_page.h"

#include "proto/http/openapi.h"
#include "proto/http/route_pattern.h"

namespace pollux::http {

namespace {

std::string html_escaped(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        switch (c) {
            case '&':
                escaped += "&amp;";
                break;
            case '<':
                escaped += "&lt;";
                break;
            case '>':
                escaped += "&gt;";
                break;
            case '"':
                escaped += "&quot;";
                break;
            default:
                escaped += c;
        }
    }
    return escaped;
}

/// The path that a pattern without parameters matches, as the value of an attribute.
std::string link_to(std::string_view pattern) {
    return html_escaped(path_template(pattern));
}

}  // namespace

std::string openapi_page(const OpenApiOptions& options) {
    const auto below = [&](std::string_view name) { return link_to(pattern_below(options.page_path, name)); };
    std::string page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>";
    page += html_escaped(options.title);
    page += "</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    page += "<link rel=\"icon\" href=\"data:,\">\n";
    page += "<link rel=\"stylesheet\" href=\"" + below(swagger_ui_files[0]) + "\">\n</head>\n<body>\n";
    page += "<div id=\"swagger-ui\"></div>\n";
    page += "<script src=\"" + below(swagger_ui_files[1]) + "\"></script>\n";
    page += "<script src=\"" + below(openapi_script_name) + "\" data-document=\"" + link_to(options.document_path) +
            "\"></script>\n</body>\n</html>\n";
    return page;
}

std::string_view openapi_script() noexcept {
    return "SwaggerUIBundle({\n"
           "    url: document.currentScript.dataset.document,\n"
           "    dom_id: \"#swagger-ui\",\n"
           "});\n";
}

}  // namespace pollux::http
