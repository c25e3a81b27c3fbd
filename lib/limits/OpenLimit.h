#pragma once

#include "tollgate/RateLimitPolicy.h"

namespace tollgate::limits {

/// For clients that declare no limit: lets everything go, but keeps the silence that a server asks for (429 or 503 with
/// Retry-After, a quota that it says is spent), so that not every call finds that out for itself.
RateLimitPolicyPtr openLimit();

} // namespace tollgate::limits
