#include "tollgate/Request.h"

#include "ClientCore.h"
#include "tollgate/Client.h"
#include "tollgate/Error.h"

#include <algorithm>
#include <utility>

namespace tollgate {

Request::Request(std::string method, std::string_view target) : _method(std::move(method)), _target(target) {}

Request& Request::query(std::string_view name, std::string_view value)
{
    _target += _target.find('?') == std::string::npos ? '?' : '&';
    appendPercentEncoded(_target, name);
    _target += '=';
    appendPercentEncoded(_target, value);
    return *this;
}

Request& Request::header(std::string_view name, std::string_view value)
{
    _headers.set(name, value);
    return *this;
}

Request& Request::json(std::string text) { return body(std::move(text), "application/json"); }

Request& Request::body(std::string text, std::string_view contentType) { return body(textBody(std::move(text)), contentType); }

Request& Request::body(RequestBodyPtr body, std::string_view contentType)
{
    _body = std::move(body);
    _headers.set("Content-Type", contentType);
    return *this;
}

Request& Request::timeout(Duration duration)
{
    _timeout = duration;
    return *this;
}

Request& Request::deadline(TimePoint at)
{
    _deadline = at;
    return *this;
}

Request& Request::cancellation(CancellationToken token)
{
    _cancellation = std::move(token);
    return *this;
}

Request& Request::needs(std::initializer_list<std::string_view> scopes)
{
    for (const std::string_view scope : scopes) _needs.emplace_back(scope);
    return *this;
}

Request& Request::repeat(Repeat repeat)
{
    _repeat = repeat;
    return *this;
}

Request& Request::idempotencyKey(std::string_view key) { return header("Idempotency-Key", key); }

Request& Request::priority(Priority priority)
{
    _priority = priority;
    return *this;
}

Request& Request::weight(unsigned units)
{
    _weight = std::max(1U, units);
    return *this;
}

namespace {

[[noreturn]] void unbound()
{
    throw InvalidRequest("this request belongs to no client",
                         "Make it with Client::get() and its siblings, or pass it to Client::send().");
}

} // namespace

Response Request::send() const
{
    if (!_client) unbound();
    return Client(_client).send(*this);
}

Result<Response> Request::trySend() const
{
    if (!_client) unbound();
    return Client(_client).trySend(*this);
}

void Request::sendAsync(std::function<void(Result<Response>)> callback) const
{
    if (!_client) unbound();
    Client(_client).sendAsync(*this, std::move(callback));
}

Response Request::open() const
{
    if (!_client) unbound();
    return Client(_client).open(*this);
}

} // namespace tollgate
