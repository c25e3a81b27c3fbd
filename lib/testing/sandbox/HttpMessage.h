#pragma once

#include "tollgate/Clock.h"
#include "tollgate/Headers.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tollgate::testing::sandbox {

/// A request, complete with its body.
struct HttpRequest
{
    std::string method;
    std::string target; ///< path and query as they came
    Headers headers;
    std::string body;
    std::string peer; ///< the client's address without its port

    std::string_view path() const noexcept;
    /// The decoded value of a query parameter ('+' is a space), or nothing.
    std::optional<std::string> query(std::string_view name) const;
    /// The value of a query parameter, or an empty string.
    std::string queryOr(std::string_view name) const { return query(name).value_or(std::string()); }
};

/// How an answer leaves the server.
enum class Delivery
{
    Whole,
    Cut,   ///< half of the body, then the connection is closed
    Stall, ///< half of the body, then silence
    Reset  ///< nothing: the connection is reset
};

struct HttpResponse
{
    int status = 200;
    std::string contentType = "application/json";
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::vector<std::string> chunks; ///< if there are any, they are sent chunked in place of the body
    Delivery delivery = Delivery::Whole;
    std::chrono::milliseconds delay{0}; ///< real time to wait before the answer

    static HttpResponse json(int status, std::string body);
    static HttpResponse text(int status, std::string contentType, std::string body);
    HttpResponse& with(std::string name, std::string value);
};

/// The bytes of an answer: status line, fields, body. `headOnly`: the request was HEAD.
std::string serialise(const HttpResponse& response, bool keepAlive, bool headOnly);

/// A time as the Date field has it (RFC 9110 section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
std::string httpDate(WallTime time);

/// Undoes percent-encoding; a stray '%' stands for itself. `plusIsSpace` as in queries.
std::string percentDecode(std::string_view text, bool plusIsSpace);

/// Whether `path` is `prefix` or lies below it. An empty prefix holds everything.
bool isBelow(std::string_view path, std::string_view prefix) noexcept;

} // namespace tollgate::testing::sandbox
