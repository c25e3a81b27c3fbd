#pragma once

#include "limits/Gate.h"
#include "tollgate/QuotaStore.h"
#include "tollgate/RateLimitPolicy.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate::limits {

/// Who asks, and for what.
struct Ask
{
    const std::vector<RateLimitPolicyPtr>& limits; ///< all that cover the path
    const LockoutPolicy& lockout;
    const std::string& version; ///< fingerprint and partition; empty: no credential, no gate
    unsigned weight = 1;
    std::uint64_t ahead = 0;        ///< units before it in line
    Duration patience{};            ///< the call's time left: if nobody reports by then, and some seconds more, the permit lapses
    std::uint32_t path = 0;         ///< names the endpoint family, for the classifier of 403s
    std::string_view lastFour = {}; ///< of the key, for credentialUsage()
};

/// The answer, in durations only: no clock of a store is mixed with another one.
struct Admission
{
    enum class Kind
    {
        Granted,
        Wait, ///< not before `wait`: a lower bound
        Busy, ///< a canary, a probe or as many requests as the gate lets through are in flight: ask again when one is back
        Rejected,
        Locked,
        QueueFull, ///< too many wait in line already
        TooHeavy   ///< weighs more than a limit ever lets go at once
    };
    Kind kind = Kind::Granted;
    PermitId permit = 0;
    std::optional<Duration> wait;
    const RateLimitPolicy* binding = nullptr; ///< Wait, TooHeavy: the limit that says so
    std::string cause;                        ///< Rejected, Locked
};

/// The gate, then all limits or none. Pure: a refusal changes nothing.
Admission admit(QuotaState& state, const Ask& ask, TimePoint now);

/// The lower bound of the wait for one who is not the first in line; spends nothing.
Admission foresee(const QuotaState& state, const Ask& ask, TimePoint now);

GateVerdict settleAnswered(QuotaState& state, const Ask& ask, PermitId permit, const ServerAnswer& answer, TimePoint now);
void settleAbandoned(QuotaState& state, const Ask& ask, PermitId permit, Delivery delivery, TimePoint now);

} // namespace tollgate::limits
