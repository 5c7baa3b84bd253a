// A folder of files behind a server.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/temporary_folder.h"
#include "http/static_files.h"
#include "net/http_support.h"

namespace pollux::test {

/// `name: value` with a line's end.
[[nodiscard]] inline std::string line(std::string_view name, std::string_view value) {
    return std::string{name}.append(": ").append(value).append("\r\n");
}

class HttpFilesTest : public HttpWireTest {
protected:
    /// Serves the folder as the whole server.
    void serve_files(http::FileOptions options = {}) {
        const auto loader = std::make_shared<const http::FileLoader>(folder.path(), std::move(options));
        ASSERT_TRUE(loader->status()) << loader->status();
        serve({.on_request = [files = std::make_shared<http::StaticFiles>(loader)](const http::Request& request,
                                                                                   http::Response& response) {
            files->answer(request, response, request.raw_path().substr(1));
        }});
    }

    /// Writes a file that was modified in 2001, so many seconds later than others.
    void write(const std::string& path, std::string_view content, std::int64_t seconds = 0) const {
        folder.write(path, content);
        folder.set_modified(path, 1'000'000'000 + seconds);
    }

    TemporaryFolder folder;
};

}  // namespace pollux::test
