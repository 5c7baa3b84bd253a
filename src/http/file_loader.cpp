// Loads the files of a folder.
#include "http/file_loader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include <pollux/bytes.h>

#include "option_checks.h"
#include "proto/http/characters.h"
#include "proto/http/date.h"
#include "proto/http/file_path.h"

namespace pollux::http {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view gzip_extension = ".gz";

/// How often a file is read that changes meanwhile.
constexpr int max_attempts = 3;

/// The longest step in which file systems count modification times.
constexpr std::chrono::nanoseconds time_step = 2s;

std::chrono::nanoseconds since_1970() noexcept {
    return std::chrono::system_clock::now().time_since_epoch();
}

/// False if the file was modified so lately that it could be again at what counts as the same time.
bool is_settled(const platform::FileFacts& facts, std::chrono::nanoseconds now) noexcept {
    const std::chrono::nanoseconds modified{facts.modified_nanoseconds};
    return modified < now - time_step || modified > now + time_step;
}

/// Reads as much as the facts tell of. False if there is less.
bool read_whole(const platform::File& file, std::string& body) noexcept {
    const MutableBytes all = std::as_writable_bytes(std::span{body});
    std::size_t filled = 0;
    while (filled < all.size()) {
        const platform::IoResult result = file.read_at(all.subspan(filled), filled);
        if (result.status != platform::IoStatus::done) return false;
        filled += result.bytes;
    }
    return true;
}

/// The content of a file that is not changed while it is read; null if it always is, or cannot be read.
std::shared_ptr<const std::string> read_steady(const platform::File& file, platform::FileFacts& facts,
                                               std::error_code& error) {
    for (int attempt = 0; attempt < max_attempts; ++attempt) {
        auto body = std::make_shared<std::string>(static_cast<std::size_t>(facts.size), '\0');
        const bool complete = read_whole(file, *body);
        const platform::FileFacts before = facts;
        if (!file.facts(facts, error)) return nullptr;
        if (complete && facts == before) return body;
    }
    return nullptr;
}

/// The same for the same bytes on every reactor, and another one for any others: a file that is modified has another
/// time, one that is put in its place another inode.
std::string make_etag(const platform::FileFacts& facts, std::string_view coding) {
    std::array<char, 16> digits;
    const auto hexadecimal = [&](std::uint64_t value) -> std::string_view {
        const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
        return {digits.data(), static_cast<std::size_t>(end - digits.data())};
    };
    std::string etag{'"'};
    etag.append(hexadecimal(facts.inode)).append("-").append(hexadecimal(facts.size)).append("-");
    etag.append(hexadecimal(static_cast<std::uint64_t>(facts.modified_nanoseconds)));
    if (!coding.empty()) etag.append("-").append(coding);
    return etag.append("\"");
}

void add_line(std::string& lines, std::string_view name, std::string_view value) {
    lines.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

bool is_missing(std::error_code error) noexcept {
    constexpr std::array missing{
        std::errc::no_such_file_or_directory, std::errc::not_a_directory,   std::errc::is_a_directory,
        std::errc::filename_too_long,         std::errc::permission_denied, std::errc::too_many_symbolic_link_levels,
        std::errc::cross_device_link,          // a link out of the folder
        std::errc::no_such_device_or_address,  // a pipe or a socket
        std::errc::invalid_argument,           // a name that the file system cannot have
        std::errc::illegal_byte_sequence,
    };
    return std::any_of(missing.begin(), missing.end(), [&](std::errc each) { return error == each; });
}

FileLoader::FileLoader(const std::filesystem::path& folder, FileOptions options)
    : options_(std::move(options)), types_(options_.mime_types) {
    status_ = check_options();
    if (!status_) return;
    std::error_code error;
    folder_ = platform::Folder::open(folder, error);
    const std::u8string name = folder.u8string();
    if (error) status_ = {error, "cannot open the folder " + std::string{name.begin(), name.end()}};
}

Status FileLoader::check_options() const {
    if (options_.time_to_live < 0ms) return bad_option("FileOptions::time_to_live is negative");
    if (!options_.index.empty() && !is_file_name(options_.index)) {
        return bad_option("FileOptions::index is " + options_.index + ", not the name of a file that is served");
    }
    if (!is_field_value(options_.cache_control)) {
        return bad_option("FileOptions::cache_control has a control character in it");
    }
    for (const auto& [extension, type] : options_.mime_types) {
        if (extension.empty() || type.empty() || !is_field_value(type)) {
            return bad_option("FileOptions::mime_types has " + type + " for " + extension);
        }
    }
    return {};
}

std::optional<platform::FileFacts> FileLoader::facts_of(const std::string& path) const {
    std::error_code error;
    const platform::File file = folder_.open_beneath(path, error);
    platform::FileFacts facts;
    return file.is_open() && file.facts(facts, error) ? std::optional{facts} : std::nullopt;
}

std::optional<Representation> FileLoader::read(std::string path, std::error_code& error) const {
    const platform::File file = folder_.open_beneath(path, error);
    Representation form;
    if (!file.is_open() || !file.facts(form.facts, error)) return std::nullopt;
    const std::size_t limit = std::min(options_.max_cached_file_bytes, options_.max_cached_bytes);
    if (form.facts.size <= limit) form.body = read_steady(file, form.facts, error);
    form.path = std::move(path);
    return form;
}

std::optional<LoadedFile> FileLoader::load(std::string_view path, std::error_code& error) const {
    const std::chrono::nanoseconds now = since_1970();
    auto plain = read(std::string{path}, error);
    if (!plain) return std::nullopt;
    LoadedFile file;
    file.type = types_.of(path);
    file.plain = std::move(*plain);
    if (options_.gzip_siblings) add_gzip(file);
    file.settled = is_settled(file.plain.facts, now) && (!file.sibling || is_settled(*file.sibling, now));
    describe(file.plain, {}, file.gzip.has_value());
    if (file.gzip) describe(*file.gzip, "gzip", true);
    return file;
}

/// What is older than the file itself was made from another one.
void FileLoader::add_gzip(LoadedFile& file) const {
    std::error_code error;
    auto gzip = read(file.plain.path + std::string{gzip_extension}, error);
    if (!gzip) return;
    file.sibling = gzip->facts;
    if (gzip->facts.modified_nanoseconds >= file.plain.facts.modified_nanoseconds) file.gzip = std::move(gzip);
}

void FileLoader::describe(Representation& form, std::string_view coding, bool varies) const {
    // A time to come could be told of two states of the file (RFC 9110, 8.8.2.1).
    const std::chrono::nanoseconds modified =
        std::min<std::chrono::nanoseconds>(std::chrono::nanoseconds{form.facts.modified_nanoseconds}, since_1970());
    form.modified = std::chrono::floor<std::chrono::seconds>(modified).count();
    form.etag = make_etag(form.facts, coding);

    std::array<char, http_date_bytes> date;
    write_http_date(form.modified, date.data());
    add_line(form.validator_fields, "ETag", form.etag);
    add_line(form.validator_fields, "Last-Modified", {date.data(), date.size()});
    if (varies) add_line(form.validator_fields, "Vary", "Accept-Encoding");
    if (!options_.cache_control.empty()) add_line(form.validator_fields, "Cache-Control", options_.cache_control);
    add_line(form.content_fields, "Accept-Ranges", "bytes");
    if (!coding.empty()) add_line(form.content_fields, "Content-Encoding", coding);
}

bool FileLoader::is_current(const LoadedFile& file) const {
    if (!file.settled || facts_of(file.plain.path) != file.plain.facts) return false;
    return !options_.gzip_siblings || facts_of(file.plain.path + std::string{gzip_extension}) == file.sibling;
}

platform::File FileLoader::open(const Representation& representation) const {
    std::error_code error;
    platform::File file = folder_.open_beneath(representation.path, error);
    platform::FileFacts facts;
    if (!file.is_open() || !file.facts(facts, error) || facts != representation.facts) return {};
    return file;
}

}  // namespace pollux::http
