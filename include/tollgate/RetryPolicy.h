#pragma once

#include "tollgate/Clock.h"

#include <vector>

namespace tollgate {

/// When a failed attempt is worth another. Each attempt passes the gate and takes a new permit; all share the call's deadline.
struct TOLLGATE_API RetryPolicy
{
    unsigned attempts = 3;                                     ///< in all; 1: never repeat
    Duration baseDelay = std::chrono::milliseconds(50);        ///< full jitter over base * 2^n: what a short hiccup needs
    Duration throttledDelay = std::chrono::milliseconds(1000); ///< the same after 429 and 503
    Duration maxDelay = std::chrono::seconds(20);              ///< of one back-off, before the server's hint
    Duration maxHint = std::chrono::seconds(60);               ///< a server's hint beyond that is reported, not slept through
    double budget = 10.0; ///< retries in reserve for all clients of one origin over one transport; a success gives 0.1 back
    std::vector<int>
        alsoOn{}; ///< further statuses to repeat, where the method allows it: 409, 423, or 520 to 524 of a proxy in front
};

} // namespace tollgate
