#pragma once

#include "tollgate/Clock.h"
#include "tollgate/Headers.h"

#include <optional>

namespace tollgate::limits {

/// How long the server asks to wait (RFC 9110 section 10.2.3): seconds, or an HTTP-date relative to the response's own Date, so
/// that the difference between the two clocks cancels. The longest of several. Negative values, garbage and a date without Date
/// are ignored; more than six hours counts as six hours.
std::optional<Duration> retryAfter(const Headers& headers);

} // namespace tollgate::limits
