// Answers requests with the files of a folder.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <pollux/http/request.h>
#include <pollux/http/response.h>

#include "http/file_loader.h"

namespace pollux::http {

/// The files of one folder, for the servers of one engine. `answer` may be called on several reactors at once: each has
/// a cache of its own in here, which no other thread touches.
class StaticFiles {
public:
    /// `loader` may be shared with the servers of other engines, and its status must be ok.
    explicit StaticFiles(std::shared_ptr<const FileLoader> loader);
    ~StaticFiles();
    StaticFiles(const StaticFiles&) = delete;
    StaticFiles& operator=(const StaticFiles&) = delete;

    /// Answers a GET or a HEAD. `raw_rest` is the path behind the prefix and its `/`, as it was sent: empty for the
    /// folder itself, "css/site.css", "a%20b/". On the reactor of the response's connection.
    void answer(const Request& request, Response& response, std::string_view raw_rest);

private:
    struct Shard;

    [[nodiscard]] std::error_code answer_with(const Request& request, Response& response, std::string_view path);
    [[nodiscard]] Shard& shard_of(const Reactor& reactor);

    std::shared_ptr<const FileLoader> loader_;
    std::vector<std::unique_ptr<Shard>> shards_;  // by the reactor's index; made and used by its thread alone
};

}  // namespace pollux::http
