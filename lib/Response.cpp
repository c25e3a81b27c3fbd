#include "tollgate/Response.h"

#include "tollgate/Redactor.h"

namespace tollgate {

std::size_t Response::read(char* buffer, std::size_t capacity)
{
    if (!_source || capacity == 0) return 0;
    const std::size_t count = _source->read(buffer, capacity);
    if (count == 0) {
        _trailers = _source->trailers();
        _source.reset();
    }
    return count;
}

void Response::buffer()
{
    if (!_source) return;
    try {
        _source->readAll(_body);
    } catch (...) {
        _body.clear(); // half a body must never pass for a whole one
        throw;
    }
    _trailers = _source->trailers();
    _source.reset();
}

std::string Response::requestId() const
{
    for (const char* name : {"X-Request-Id", "Request-Id", "X-Amzn-RequestId", "CF-Ray"})
        if (const auto value = headers().get(name)) return std::string(*value);
    return {};
}

std::string Response::redacted(std::string text) const { return _redactor ? _redactor->text(std::move(text)) : text; }

} // namespace tollgate
