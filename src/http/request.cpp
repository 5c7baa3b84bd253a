// A request as a server received it.
#include <pollux/http/request.h>

#include "http/exchange.h"
#include "proto/http/cookie.h"
#include "proto/http/percent.h"

namespace pollux::http {

namespace {

/// Takes the next `name=value` off a query, not decoded. A name alone has an empty value.
std::pair<std::string_view, std::string_view> next_parameter(std::string_view& query) noexcept {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    return {pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size()))};
}

}  // namespace

std::string_view Request::path() const {
    if (!path_) path_ = percent_decode(head_.path, exchange_->arena()).value_or(head_.path);
    return *path_;
}

std::optional<std::string_view> Request::query(std::string_view name) const {
    for (std::string_view rest = head_.query; !rest.empty();) {
        const auto [raw_name, raw_value] = next_parameter(rest);
        if (percent_decode(raw_name, exchange_->arena(), Plus::is_space) != name) continue;
        return percent_decode(raw_value, exchange_->arena(), Plus::is_space);
    }
    return std::nullopt;
}

std::vector<std::pair<std::string_view, std::string_view>> Request::query_parameters() const {
    std::vector<std::pair<std::string_view, std::string_view>> parameters;
    for (std::string_view rest = head_.query; !rest.empty();) {
        const auto [raw_name, raw_value] = next_parameter(rest);
        const auto name = percent_decode(raw_name, exchange_->arena(), Plus::is_space);
        const auto value = percent_decode(raw_value, exchange_->arena(), Plus::is_space);
        if (name && value && !name->empty()) parameters.emplace_back(*name, *value);
    }
    return parameters;
}

std::string_view Request::parameter(std::string_view name) const noexcept {
    for (const Parameter& parameter : parameters_) {
        if (parameter.name == name) return parameter.value;
    }
    return {};
}

std::optional<std::string_view> Request::cookie(std::string_view name) const noexcept {
    for (const Field field : headers_) {
        if (!same_name(field.name, "Cookie")) continue;
        if (const auto value = find_cookie(field.value, name)) return value;
    }
    return std::nullopt;
}

}  // namespace pollux::http
