#pragma once

#include "tollgate/Clock.h"

#include <string>
#include <vector>

namespace tollgate {

/// Protects an account from being locked: what lockout() builds. The bad attempts that a server sees are those in flight when a
/// key is revoked, and our probes; so both are few. The first 401 condemns that version of the credential at once, and nothing
/// more is sent with it but one canary after a quiet time. A 403 that means a lock stops everything until it ends; then one probe
/// goes out. Of several clients of one account the strictest rules hold for all.
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
    unsigned inFlight = 0;  ///< requests of the account under way at a time; 0: any number. lockout(): 3, one less than most
                            ///< servers forgive after one probe
    Duration fresh{}; ///< so long after a good answer `inFlight` does not count: faster, and a revocation then costs as many
                      ///< 401s as there are requests under way
    Duration pause{}; ///< after a 401: before a new version goes; lockout(): 2 s, as some servers lock on two in a second
    bool hidesLock = false;           ///< the server answers 401, not 403, while it locks (Keycloak)
    std::vector<std::string> markers; ///< texts in the first 8 KiB of a 403 or 429, or "Name: value" fields, that mean a lock

    /// How long a lock without Retry-After is thought to last.
    LockoutPolicy lasting(Duration duration) const;
    /// Never tries a rejected credential again, and has one request under way at a time.
    LockoutPolicy strictly() const;
    /// Caps the requests under way; 0: no cap, and a revocation costs one 401 for each of them.
    LockoutPolicy atOnce(unsigned requests) const;
    /// Lifts the cap for so long after each good answer.
    LockoutPolicy freshFor(Duration duration) const;
    /// One more text that means a lock.
    LockoutPolicy marker(std::string text) const;
};

/// For servers that answer repeated 401s with a temporary 403 for everything (GitHub's failed login limit, Bando). Quiet time
/// after a 401: 15 minutes, doubling up to 6 hours; at most 3 requests under way.
TOLLGATE_API LockoutPolicy lockout();

} // namespace tollgate
