#pragma once

#include "tollgate/Clock.h"
#include "tollgate/Headers.h"

#include <optional>

namespace tollgate::limits {

/// How long the server asks to wait. The first of these fields that holds a sound value counts: retry-after-ms,
/// x-ms-retry-after-ms, x-amz-retry-after (all three in milliseconds), Retry-After (RFC 9110 section 10.2.3: seconds, or an
/// HTTP-date relative to the response's own Date, so that the difference between the two clocks cancels). The longest of several
/// values. Negative values, garbage and a date without Date are left out; more than six hours counts as six hours.
/// `ignored` grows by the number of values that could not be understood.
std::optional<Duration> retryAfter(const Headers& headers, unsigned& ignored);

} // namespace tollgate::limits
