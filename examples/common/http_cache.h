// The cache behind http_server and https_server, and its routes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pollux/pollux.h>

namespace cache {

/// A value is never changed, so answers share it with the cache while they are sent.
using Value = std::shared_ptr<const std::string>;

/// Values by key. Any thread: the reactors of a server share one.
class Cache {
public:
    enum class Stored { added, replaced, full };

    [[nodiscard]] Value find(std::string_view key) const {
        const std::lock_guard lock{mutex_};
        const auto entry = entries_.find(key);
        return entry != entries_.end() ? entry->second : nullptr;
    }

    [[nodiscard]] Stored store(std::string_view key, Value value) {
        const std::lock_guard lock{mutex_};
        const auto entry = entries_.find(key);
        const bool is_new = entry == entries_.end();
        const std::size_t removed = is_new ? 0 : entry->second->size();
        const std::size_t added = value->size() + (is_new ? key.size() + entry_bytes : 0);
        if (bytes_ - removed + added > max_bytes) return Stored::full;
        bytes_ = bytes_ - removed + added;
        if (is_new) {
            entries_.emplace(key, std::move(value));
            return Stored::added;
        }
        entry->second = std::move(value);
        return Stored::replaced;
    }

    /// The value that was removed; null if there was none.
    Value remove(std::string_view key) {
        const std::lock_guard lock{mutex_};
        const auto entry = entries_.find(key);
        if (entry == entries_.end()) return nullptr;
        bytes_ -= key.size() + entry->second->size() + entry_bytes;
        return entries_.extract(entry).mapped();
    }

    [[nodiscard]] std::map<std::string, Value, std::less<>> all() const {
        const std::lock_guard lock{mutex_};
        return entries_;
    }

private:
    static constexpr std::size_t max_bytes = 64 * 1024 * 1024;  // clients fill it: it must have an end
    static constexpr std::size_t entry_bytes = 128;             // about what an entry takes beside key and value

    mutable std::mutex mutex_;
    std::map<std::string, Value, std::less<>> entries_;
    std::size_t bytes_ = 0;
};

/// A string of JSON.
inline std::string json_string(std::string_view text) {
    std::string json = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            json += {'\\', c};
        } else if (static_cast<unsigned char>(c) < 0x20) {
            constexpr std::string_view digits = "0123456789abcdef";
            json += {'\\', 'u', '0', '0', digits[static_cast<unsigned char>(c) >> 4U], digits[c & 0xF]};
        } else {
            json += c;
        }
    }
    return json += '"';
}

inline void send_all(const Cache& cache, pollux::http::Response& response) {
    std::string json = "{";
    for (const auto& [key, value] : cache.all()) {
        if (json.size() > 1) json += ',';
        json += json_string(key) + ':' + json_string(*value);
    }
    response.content_type("application/json");
    json += '}';
    response.send(std::move(json));
}

inline void send_value(Value value, pollux::http::Response& response) {
    if (value == nullptr) {
        response.send_error(404, "There is no such key.");
        return;
    }
    response.content_type("text/plain; charset=utf-8");
    response.header("X-Content-Type-Options", "nosniff");  // whoever stored it must not make a page of it
    response.send(std::move(value));
}

inline void get(const Cache& cache, const pollux::http::Request& request, pollux::http::Response& response) {
    if (const auto key = request.query("key")) {
        send_value(cache.find(*key), response);
    } else {
        send_all(cache, response);
    }
}

inline void put(Cache& cache, const pollux::http::Request& request, pollux::http::Response& response) {
    const auto key = request.query("key");
    if (!key || key->empty()) {
        response.send_error(400, "The query needs a key.");
        return;
    }
    switch (cache.store(*key, std::make_shared<const std::string>(request.text()))) {
        case Cache::Stored::added:
            response.status(201).send();
            break;
        case Cache::Stored::replaced:
            response.status(204).send();
            break;
        case Cache::Stored::full:
            response.send_error(507, "The cache is full.");
            break;
    }
}

inline void remove(Cache& cache, const pollux::http::Request& request, pollux::http::Response& response) {
    send_value(cache.remove(request.query("key").value_or("")), response);
}

/// The routes: the cache under /api/cache, a page to try it under /docs, and the files of `folder`, if it is not empty,
/// under all other paths. The cache outlives the server.
inline pollux::http::Router make_router(Cache& cache, const std::filesystem::path& folder) {
    using namespace pollux::http;
    using Parameters = std::vector<ParameterDescription>;
    using Answers = std::vector<ResponseDescription>;

    const auto key = [](bool required) {
        return Parameters{{.name = "key", .description = "The name of the value", .required = required}};
    };
    const Answers value{{.status = 200, .content_type = "text/plain"}, {.status = 404, .description = "No such key"}};
    const Answers stored{{.status = 201, .description = "Added"},
                         {.status = 204, .description = "Replaced"},
                         {.status = 400, .description = "No key"},
                         {.status = 507, .description = "The cache is full"}};
    const auto store = [&cache](const Request& request, Response& response) { put(cache, request, response); };
    const auto storing = [&](std::string_view summary) {
        return RouteOptions{.operation = {.summary = std::string{summary},
                                          .parameters = key(true),
                                          .request_content_type = "text/plain",
                                          .responses = stored}};
    };

    Router router;
    router.group("/api/cache", {.tags = {"cache"}})
        .get("", [&cache](const Request& request, Response& response) { get(cache, request, response); },
             {.operation = {.summary = "Gives one value, or all of them",
                            .description = "Without a key: all of them, as one object.",
                            .parameters = key(false),
                            .responses = {{.status = 200, .content_type = "text/plain"},
                                          {.status = 200, .content_type = "application/json"},
                                          {.status = 404, .description = "No such key"}}}})
        .post("", store, storing("Stores a value"))
        .put("", store, storing("Stores a value, like POST"))
        .del("", [&cache](const Request& request, Response& response) { remove(cache, request, response); },
             {.operation = {.summary = "Removes a value, and gives it once more",
                            .parameters = key(true),
                            .responses = value}})
        .trace("", [](const Request& request, Response& response) { response.send_trace(request); });

    OpenApiOptions openapi{.title = "Cache", .description = "Keeps values by key, as long as the server runs."};
    // The build fetches Swagger UI where it can.
    if (std::filesystem::exists(POLLUX_SWAGGER_UI "/swagger-ui-bundle.js"))
        openapi.swagger_ui_folder = POLLUX_SWAGGER_UI;
    router.openapi(openapi);
    if (!folder.empty()) router.files("/", folder);
    return router;
}

}  // namespace cache
