#pragma once

#include "tollgate/Error.h"
#include "tollgate/Url.h"

#include <string>
#include <utility>

namespace tollgate::transport {

/// Throws the error of that type. How far the request got is not known down here: the exchange adds its delivery on the way out.
template <class ErrorType>
[[noreturn]] void fail(std::string message, std::string hint)
{
    ErrorDetails details;
    details.message = std::move(message);
    details.hint = std::move(hint);
    throw ErrorType(std::move(details));
}

/// "Connection refused" for ECONNREFUSED. Thread-safe, unlike strerror.
std::string systemErrorText(int error);

/// The same error as a caller should see it: naming the origin, and saying how far the request got.
ErrorPtr annotated(const Error& error, const Origin& origin, Delivery delivery, bool staleConnection = false);

} // namespace tollgate::transport
