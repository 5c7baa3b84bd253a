// Answers requests with the files of a folder.
#include "http/static_files.h"

#include <string>
#include <utility>

#include <pollux/reactor.h>

#include "http/exchange.h"
#include "http/file_answer.h"
#include "http/file_cache.h"
#include "proto/http/file_path.h"
#include "slot_table.h"

namespace pollux::http {

namespace {

/// How often a request is answered anew because the file was changed just then.
constexpr int max_reloads = 3;

void redirect_to_folder(const Request& request, Response& response) {
    std::string location{request.raw_path()};
    location += '/';
    if (!request.raw_query().empty()) location.append("?").append(request.raw_query());
    response.header("Location", location);
    response.send_error(301);
}

}  // namespace

/// The part of one reactor.
struct StaticFiles::Shard {
    explicit Shard(const FileLoader& loader) : cache(loader) {}

    FileCache cache;
    FileAnswerScratch scratch;
};

StaticFiles::StaticFiles(std::shared_ptr<const FileLoader> loader)
    : loader_(std::move(loader)), shards_(std::size_t{1} << ConnectionTable::reactor_bits) {}

StaticFiles::~StaticFiles() = default;

StaticFiles::Shard& StaticFiles::shard_of(const Reactor& reactor) {
    auto& shard = shards_[reactor.index()];
    if (shard == nullptr) shard = std::make_unique<Shard>(*loader_);
    return *shard;
}

void StaticFiles::answer(const Request& request, Response& response, std::string_view raw_rest) {
    const std::string& index = loader_->options().index;
    const bool as_folder = request.raw_path().ends_with('/');
    if (raw_rest.empty() && !as_folder && !index.empty()) return redirect_to_folder(request, response);
    const auto path = file_path(raw_rest, index, Exchange::of(request).arena());
    const std::error_code error =
        path ? answer_with(request, response, *path) : std::make_error_code(std::errc::no_such_file_or_directory);
    if (!error) return;
    if (error == std::errc::is_a_directory && !as_folder && !index.empty()) {
        redirect_to_folder(request, response);
    } else {
        response.send_error(is_missing(error) ? 404 : 503);
    }
}

/// The error tells why it was not answered.
std::error_code StaticFiles::answer_with(const Request& request, Response& response, std::string_view path) {
    const Reactor& reactor = request.connection().reactor();
    Shard& shard = shard_of(reactor);
    for (int attempt = 0; attempt < max_reloads; ++attempt) {
        std::error_code error;
        const LoadedFile* const file = shard.cache.find(path, reactor.now(), error);
        if (file == nullptr) return error;
        if (FileAnswer{request, response, *loader_, *file, shard.scratch}.give()) return {};
        shard.cache.forget(path);
    }
    return std::make_error_code(std::errc::resource_unavailable_try_again);
}

}  // namespace pollux::http
