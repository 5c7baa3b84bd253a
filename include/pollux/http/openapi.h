// What routes can say of themselves, and the page that shows it (OpenAPI 3.0.3).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace pollux::http {

/// Where a parameter of an operation is.
enum class ParameterPlace : std::uint8_t { path, query, header, cookie };

/// What an operation takes beside its body.
struct ParameterDescription {
    std::string name{};
    ParameterPlace place = ParameterPlace::query;
    std::string description{};
    std::string type = "string";  ///< A type of JSON Schema: string, integer, number, boolean.
    bool required = false;        ///< One in the path always is.
};

/// An answer that an operation can give. Several of one status are one answer in several types.
struct ResponseDescription {
    unsigned status = 200;
    std::string description{};   ///< If empty: the status's reason phrase.
    std::string content_type{};  ///< None if the answer has no body.
};

/// What a route does, for those who read the document. Texts are UTF-8; descriptions may be Markdown (CommonMark). None
/// of it changes how requests are treated: what a parameter is said to be is not checked.
struct Operation {
    std::string summary{};  ///< A few words. A route without is not in the document.
    std::string description{};
    std::vector<std::string> tags{};                 ///< The headings under which the page shows it.
    std::vector<ParameterDescription> parameters{};  ///< Those of the pattern that are not named here are added.
    std::string request_content_type{};              ///< Of the body; none if it has none.
    std::vector<ResponseDescription> responses{};    ///< If empty: 200.
};

/// Where the document is, and the page that shows it. Paths are patterns of a router without parameters.
struct OpenApiOptions {
    std::string title{};            ///< Of the API.
    std::string version = "1.0.0";  ///< Of the API.
    std::string description{};
    std::string document_path = "/openapi.json";

    /// Where the page is. It loads files from below this path, and works under the `Content-Security-Policy` that it is
    /// sent with: nothing comes from elsewhere, and requests go to this server only.
    std::string page_path = "/docs";

    /// The folder with Swagger UI's files (the npm package `swagger-ui-dist`), which the page is made of. Empty: there
    /// is no page.
    std::filesystem::path swagger_ui_folder{};
};

}  // namespace pollux::http
