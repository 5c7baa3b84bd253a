// Loads the files of a folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <pollux/error.h>
#include <pollux/http/files.h>

#include "platform/files.h"
#include "proto/http/mime.h"

namespace pollux::http {

/// One of the forms in which a file is sent: as it is, or as gzip made it smaller.
struct Representation {
    std::string path;  ///< From the folder.
    platform::FileFacts facts;
    std::shared_ptr<const std::string> body;  ///< Null if it is streamed from the file.
    std::string etag;
    std::int64_t modified = 0;     ///< `Last-Modified`, in seconds since 1970.
    std::string validator_fields;  ///< The lines that a 304 has too.
    std::string content_fields;    ///< The others, but for `Content-Type`.
};

/// A file in all its forms, as it was at one time.
struct LoadedFile {
    std::string_view type;
    Representation plain;
    std::optional<Representation> gzip;
    std::optional<platform::FileFacts> sibling;  ///< Of what has the name for the form of gzip, be it used or not.

    /// False if it could be changed without a trace: file systems count modification times in steps.
    bool settled = true;
};

/// True if the error says that no file is served at a path: it is missing, or is nothing that is served. Any other
/// error is the system's, and says nothing of the file.
[[nodiscard]] bool is_missing(std::error_code error) noexcept;

/// A folder and how it is served. Does not change, so any thread may use it, also several at once.
class FileLoader {
public:
    FileLoader(const std::filesystem::path& folder, FileOptions options);

    /// What is wrong with the folder or the options. Then nothing else here may be used.
    [[nodiscard]] const Status& status() const noexcept { return status_; }
    [[nodiscard]] const FileOptions& options() const noexcept { return options_; }

    /// Reads a file unless it is to be streamed. None, and the error, if there is none or it cannot be opened.
    [[nodiscard]] std::optional<LoadedFile> load(std::string_view path, std::error_code& error) const;

    /// True if loading it again would come to the same.
    [[nodiscard]] bool is_current(const LoadedFile& file) const;

    /// Opens the file of a representation. Not open if it is gone, or if another one is there now.
    [[nodiscard]] platform::File open(const Representation& representation) const;

private:
    [[nodiscard]] Status check_options() const;
    [[nodiscard]] std::optional<platform::FileFacts> facts_of(const std::string& path) const;
    [[nodiscard]] std::optional<Representation> read(std::string path, std::error_code& error) const;
    void add_gzip(LoadedFile& file) const;
    void describe(Representation& form, std::string_view coding, bool varies) const;

    Status status_;
    FileOptions options_;
    MimeTypes types_;
    platform::Folder folder_;
};

}  // namespace pollux::http
