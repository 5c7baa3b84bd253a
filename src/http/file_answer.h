// The answer to a request for a file.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include <pollux/http/request.h>
#include <pollux/http/response.h>

#include "http/file_loader.h"
#include "proto/http/byte_range.h"

namespace pollux::http {

/// What answers of one reactor use one after the other.
struct FileAnswerScratch {
    std::vector<ByteRange> ranges;
    std::mt19937_64 random{std::random_device{}()};
};

/// Chooses between the forms of a file and between all of it, parts of it, and nothing but a status.
class FileAnswer {
public:
    FileAnswer(const Request& request, Response& response, const FileLoader& loader, const LoadedFile& file,
               FileAnswerScratch& scratch) noexcept;

    /// Answers the request. False, and nothing was done, if the file is to be streamed and has changed since it was
    /// loaded.
    [[nodiscard]] bool give();

private:
    [[nodiscard]] bool settle_by_conditions(std::int64_t now);
    [[nodiscard]] RangeChoice choose_parts(std::optional<std::int64_t> now);
    [[nodiscard]] bool give_whole();
    [[nodiscard]] bool give_part(const ByteRange& range);
    void give_parts();
    void refuse_range();
    [[nodiscard]] bool open(platform::File& opened) const;
    void describe(unsigned status, std::string_view type);

    const Request& request_;
    Response& response_;
    const FileLoader& loader_;
    const LoadedFile& file_;
    const Representation& form_;
    FileAnswerScratch& scratch_;
};

}  // namespace pollux::http
