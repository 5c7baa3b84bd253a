// The answer to a request for a file.
#include "http/file_answer.h"

#include <chrono>
#include <utility>

#include "http/exchange.h"
#include "proto/http/accept_encoding.h"
#include "proto/http/conditions.h"
#include "proto/http/multipart.h"

namespace pollux::http {

namespace {

const Representation& choose_form(const Request& request, const LoadedFile& file) noexcept {
    return file.gzip && prefers_gzip(request.headers()) ? *file.gzip : file.plain;
}

std::int64_t seconds_since_1970() noexcept {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::floor<std::chrono::seconds>(now).count();
}

}  // namespace

FileAnswer::FileAnswer(const Request& request, Response& response, const FileLoader& loader, const LoadedFile& file,
                       FileAnswerScratch& scratch) noexcept
    : request_(request),
      response_(response),
      loader_(loader),
      file_(file),
      form_(choose_form(request, file)),
      scratch_(scratch) {}

bool FileAnswer::give() {
    std::optional<std::int64_t> now;  // only for conditions
    if (has_conditions(request_.headers())) now = seconds_since_1970();
    if (now && settle_by_conditions(*now)) return true;
    switch (choose_parts(now)) {
        case RangeChoice::unsatisfiable:
            refuse_range();
            return true;
        case RangeChoice::parts:
            if (scratch_.ranges.size() == 1) return give_part(scratch_.ranges.front());
            if (!form_.body) return give_whole();
            give_parts();
            return true;
        case RangeChoice::all:
            break;
    }
    return give_whole();
}

bool FileAnswer::settle_by_conditions(std::int64_t now) {
    switch (check_preconditions(request_.headers(), {form_.etag, form_.modified}, now)) {
        case Precondition::not_modified:
            response_.status(304);
            Exchange::of(response_).add_lines(form_.validator_fields);
            response_.send();
            return true;
        case Precondition::failed:
            response_.send_error(412);
            return true;
        case Precondition::met:
            break;
    }
    return false;
}

RangeChoice FileAnswer::choose_parts(std::optional<std::int64_t> now) {
    const Fields& fields = request_.headers();
    // A field that may come once and comes twice has no meaning, like one that is malformed.
    if (request_.method() != Method::get || fields.count("Range") != 1) return RangeChoice::all;
    if (now && !range_applies(fields, {form_.etag, form_.modified}, *now)) return RangeChoice::all;
    return choose_ranges(*fields.find("Range"), form_.facts.size, loader_.options().max_ranges, scratch_.ranges);
}

bool FileAnswer::give_whole() {
    platform::File opened;
    if (!open(opened)) return false;
    describe(200, file_.type);
    if (form_.body) {
        response_.send(form_.body);
    } else {
        Exchange::of(response_).send_file(std::move(opened), 0, form_.facts.size);
    }
    return true;
}

bool FileAnswer::give_part(const ByteRange& range) {
    platform::File opened;
    if (!open(opened)) return false;
    describe(206, file_.type);
    response_.header("Content-Range", ContentRange{range, form_.facts.size}.text());
    if (form_.body) {
        response_.send(std::string_view{*form_.body}.substr(range.first, range.size));
    } else {
        Exchange::of(response_).send_file(std::move(opened), range.first, range.size);
    }
    return true;
}

void FileAnswer::give_parts() {
    const Boundary boundary{scratch_.random()};
    describe(206, boundary.content_type());
    response_.send(make_multipart(*form_.body, scratch_.ranges, file_.type, boundary));
}

void FileAnswer::refuse_range() {
    response_.header("Content-Range", ContentRange::unsatisfied(form_.facts.size).text());
    response_.send_error(416);
}

/// Opens what is to be streamed. False if it has changed.
bool FileAnswer::open(platform::File& opened) const {
    if (form_.body || request_.method() == Method::head) return true;
    opened = loader_.open(form_);
    return opened.is_open();
}

void FileAnswer::describe(unsigned status, std::string_view type) {
    response_.status(status);
    response_.content_type(type);
    Exchange::of(response_).add_lines(form_.content_fields);
    Exchange::of(response_).add_lines(form_.validator_fields);
}

}  // namespace pollux::http
