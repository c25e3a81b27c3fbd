#pragma once

#include "tollgate/Clock.h"

namespace tollgate {

/// Protects an account from being locked: what lockout() builds. The first 401 condemns that version of the credential at once,
/// and nothing more is sent with it but one canary after a quiet time; a 403 that follows a 401 is taken for a lock of the
/// account and stops everything until it ends, then one probe goes out. Requests in flight when a good key is revoked still get
/// their 401s. Of several clients of one account the strictest rules hold for all.
struct TOLLGATE_API LockoutPolicy
{
    bool declared = false;                     ///< lockout() was asked for; else only the milder rule for bad credentials holds
    Duration quiet = std::chrono::seconds(30); ///< after a 401: until the same credential is tried once more; doubles each time
    Duration maxQuiet = std::chrono::hours(6);
    Duration lockFor = std::chrono::minutes(5); ///< a lock without a Retry-After: thought to last that long, doubling each time
    Duration maxLock = std::chrono::hours(1);
    Duration suspicion = std::chrono::minutes(15); ///< a 403 this long after a 401 is taken for a lock
    unsigned tolerance = 3; ///< so many 401s within the suspicion: the account is left alone until it is over
    bool strict = false;    ///< a rejected credential is never tried again before reset or rotation

    /// How long a lock without Retry-After is thought to last.
    LockoutPolicy lasting(Duration duration) const;
    /// Never tries a rejected credential again.
    LockoutPolicy strictly() const;
};

/// For servers that answer repeated 401s with a temporary 403 for everything (GitHub's failed login limit, Bando). Quiet time
/// after a 401: 15 minutes, doubling up to 6 hours.
TOLLGATE_API LockoutPolicy lockout();

} // namespace tollgate
