#pragma once

#include "tollgate/Lockout.h"
#include "tollgate/RateLimitPolicy.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::command {

/// All --limit options of one command line, read and checked.
struct LimitOptions
{
    std::vector<RateLimitPolicyPtr> windows;
    std::optional<LockoutPolicy> lockout;

    bool empty() const noexcept { return windows.empty() && !lockout; }
    /// Reads "100/min", "10/s", "1000/h", "100/2s", perhaps with ":adaptive", ":paced", ":server" and ":/path" behind it, and
    /// "lockout" or "lockout:strict". Throws UsageError.
    static LimitOptions parse(const std::vector<std::string>& texts);
};

/// The limit that a kept state of this id and capacity belongs to, for people: "/fetch|60000000000" tells them nothing. Null if
/// it is none of WindowLimit's.
RateLimitPolicyPtr limitOfId(std::string_view id, unsigned capacity);

} // namespace tollgate::command
