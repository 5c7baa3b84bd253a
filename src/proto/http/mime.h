// Media types of files, by the extension of their names.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pollux::http {

/// Which type a file has: a table that is built in, and the user's own types before it. Extensions have no case.
class MimeTypes {
public:
    using Pairs = std::vector<std::pair<std::string, std::string>>;

    MimeTypes() = default;

    /// Of `own` each pair is an extension (without its dot) and a type. The later one of two for an extension counts.
    explicit MimeTypes(const Pairs& own);

    /// The type of the file at the end of a path; `application/octet-stream` where nothing is known. What is text says
    /// that it is UTF-8. It is valid as long as this object.
    [[nodiscard]] std::string_view of(std::string_view path) const noexcept;

private:
    Pairs own_;  // in the order of the extensions, which are in lower case
};

}  // namespace pollux::http
