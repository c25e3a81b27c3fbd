#pragma once

#include "tollgate/Clock.h"
#include "tollgate/Headers.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tollgate {

/// What an answer says about its server's quotas and waits: durations and counts, never times, so that no clock is mixed with
/// another. Read from Retry-After (RFC 9110 section 10.2.3), RateLimit and RateLimit-Policy
/// (draft-ietf-httpapi-ratelimit-headers, RFC 9651 lists), their older drafts, and X-RateLimit-*. It only ever makes a limit more
/// careful.
struct TOLLGATE_API ServerHint
{
    /// One quota that the server told of.
    struct Quota
    {
        std::string name;                       ///< the policy's name; empty in the older forms
        std::optional<std::uint64_t> limit;     ///< requests in its window
        std::optional<std::uint64_t> remaining; ///< of them
        std::optional<Duration> reset;          ///< until there is more
        std::optional<Duration> window;
    };
    std::vector<Quota> quotas;
    std::optional<Duration> retryAfter; ///< the wait asked for; at most six hours
    unsigned ignored = 0;               ///< fields that stood there and could not be understood

    /// How long to wait: as the server asks, else until an exhausted quota has more.
    std::optional<Duration> wait() const noexcept
    {
        std::optional<Duration> longest = retryAfter;
        for (const Quota& quota : quotas)
            if (!retryAfter && quota.remaining && *quota.remaining == 0 && quota.reset) longest = std::max(longest, quota.reset);
        return longest;
    }
    bool empty() const noexcept { return quotas.empty() && !retryAfter && ignored == 0; }
    /// Whether the server says that nothing is left.
    bool exhausted() const noexcept
    {
        for (const Quota& quota : quotas)
            if (quota.remaining && *quota.remaining == 0) return true;
        return false;
    }
};

/// What a limit and the gate learn from an answer.
struct TOLLGATE_API ServerAnswer
{
    int status = 0;
    ServerHint hint;
    bool saysLocked = false; ///< it bears one of the marks of LockoutPolicy::markers
};

} // namespace tollgate
