#pragma once

#include "tollgate/Clock.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tollgate {

/// How much is left of one limit.
struct TOLLGATE_API QuotaView
{
    std::string limit; ///< "100 requests per 60 s on /fetch"
    std::uint64_t capacity = 0;
    std::uint64_t remaining = 0;
    Duration nextFree{};      ///< zero: at once
    bool steppedDown = false; ///< the server answered 429 while there was room, so requests are spread evenly
};

/// How an account stands at its gate.
enum class GateStanding : std::uint8_t
{
    Open,
    Suspicious, ///< a 401 came lately
    Rejected,   ///< the current credential got a 401 and is kept back
    Locked,
    HalfOpen ///< the lock may be over: one probe finds out
};

/// What is known of an account now.
struct TOLLGATE_API Quota
{
    std::vector<QuotaView> limits;
    GateStanding gate = GateStanding::Open;
    Duration lockedFor{};     ///< Locked, Rejected: how long still; Duration::max(): until it is rotated
    std::string cause;        ///< of the suspicion or lock
    std::string storeTrouble; ///< what is wrong with the shared store, if anything is
};

/// How one version of a credential was used, as far as the store remembers: so one can see the old key's traffic reach zero
/// before it is revoked.
struct TOLLGATE_API CredentialUse
{
    enum class Verdict : std::uint8_t
    {
        Unverified, ///< no answer told yet
        Good,
        Bad ///< the newest answer to it was a 401
    };
    std::string fingerprint; ///< names the version within its store
    std::string lastFour;    ///< of the key; empty for short ones
    Verdict verdict = Verdict::Unverified;
    std::uint64_t uses = 0;           ///< requests sent with it
    std::optional<WallTime> lastUsed; ///< newest request
    bool current = false;             ///< the one that the source gives now
};

} // namespace tollgate
