#include "HttpMessage.h"

#include <Poco/Net/HTTPResponse.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <iterator>

namespace tollgate::testing::sandbox {

namespace {

int hexDigit(char c) noexcept
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

} // namespace

std::string httpDate(WallTime time)
{
    return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string percentDecode(std::string_view text, bool plusIsSpace)
{
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hexDigit(text[i + 1]) >= 0 && hexDigit(text[i + 2]) >= 0) {
            decoded += static_cast<char>(hexDigit(text[i + 1]) * 16 + hexDigit(text[i + 2]));
            i += 2;
        } else {
            decoded += plusIsSpace && text[i] == '+' ? ' ' : text[i];
        }
    }
    return decoded;
}

bool isBelow(std::string_view path, std::string_view prefix) noexcept
{
    while (!prefix.empty() && prefix.back() == '/') prefix.remove_suffix(1);
    if (path.substr(0, prefix.size()) != prefix) return false;
    return path.size() == prefix.size() || path[prefix.size()] == '/';
}

std::string_view HttpRequest::path() const noexcept { return std::string_view(target).substr(0, target.find('?')); }

std::optional<std::string> HttpRequest::query(std::string_view name) const
{
    const auto mark = target.find('?');
    if (mark == std::string::npos) return std::nullopt;
    auto rest = std::string_view(target).substr(mark + 1);
    while (!rest.empty()) {
        const auto end = rest.find('&');
        const auto pair = rest.substr(0, end);
        const auto equals = pair.find('=');
        if (percentDecode(pair.substr(0, equals), true) == name)
            return equals == std::string_view::npos ? std::string() : percentDecode(pair.substr(equals + 1), true);
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + 1);
    }
    return std::nullopt;
}

HttpResponse HttpResponse::json(int status, std::string body)
{
    HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

HttpResponse HttpResponse::text(int status, std::string contentType, std::string body)
{
    auto response = json(status, std::move(body));
    response.contentType = std::move(contentType);
    return response;
}

HttpResponse& HttpResponse::with(std::string name, std::string value)
{
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
}

std::string serialise(const HttpResponse& response, bool keepAlive, bool headOnly)
{
    const auto& reason =
        Poco::Net::HTTPResponse::getReasonForStatus(static_cast<Poco::Net::HTTPResponse::HTTPStatus>(response.status));
    const bool hasBody = response.status >= 200 && response.status != 204 && response.status != 304;
    std::string bytes;
    bytes.reserve(256 + response.body.size());
    auto out = std::back_inserter(bytes);
    fmt::format_to(out, "HTTP/1.1 {} {}\r\n", response.status, reason);
    if (hasBody) {
        fmt::format_to(out, "Content-Type: {}\r\n", response.contentType);
        if (response.chunks.empty())
            fmt::format_to(out, "Content-Length: {}\r\n", response.body.size());
        else
            bytes += "Transfer-Encoding: chunked\r\n";
    }
    for (const auto& [name, value] : response.headers) fmt::format_to(out, "{}: {}\r\n", name, value);
    if (!keepAlive) bytes += "Connection: close\r\n";
    bytes += "\r\n";
    if (!hasBody || headOnly) return bytes;
    if (response.chunks.empty()) {
        const bool whole = response.delivery == Delivery::Whole;
        bytes.append(response.body, 0, whole ? response.body.size() : response.body.size() / 2);
        return bytes;
    }
    const auto count = response.delivery == Delivery::Whole ? response.chunks.size() : response.chunks.size() / 2;
    for (std::size_t i = 0; i < count; ++i) fmt::format_to(out, "{:x}\r\n{}\r\n", response.chunks[i].size(), response.chunks[i]);
    if (response.delivery == Delivery::Whole) bytes += "0\r\n\r\n";
    return bytes;
}

} // namespace tollgate::testing::sandbox
