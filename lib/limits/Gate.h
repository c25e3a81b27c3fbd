#pragma once

#include "tollgate/Lockout.h"
#include "tollgate/Quota.h"
#include "tollgate/QuotaStore.h"
#include "tollgate/ServerHint.h"

#include <optional>
#include <string>

/// The gate of an account as pure functions over its GateState: verdicts on credential versions, and the lock.
/// (DESIGN decision 7; a version is a credential's fingerprint in one partition.)
namespace tollgate::limits {

struct GateAnswer
{
    enum class Kind
    {
        Open,     ///< go
        Canary,   ///< go, alone: the others wait for what this one finds out
        Probe,    ///< go, alone, to find out whether the lock is over
        Busy,     ///< a canary, a probe or as many requests as may be are in flight: wait for one
        Rejected, ///< this version got a 401
        Locked    ///< the account is locked
    };
    Kind kind = Kind::Open;
    std::optional<Duration> wait; ///< Rejected, Locked: until it may be tried; nothing: never by itself. Busy: at most that long
};

/// The policy with times that make sense, whatever was set: none overflows, none is negative.
LockoutPolicy sane(LockoutPolicy policy);

/// Of two policies the stricter rules; but for the markers, which say what to look for and not how strict to be.
void tighten(LockoutPolicy& kept, const LockoutPolicy& policy);

/// Makes a client's rules known; the strictest of all that were declared hold from then on.
void gateDeclares(GateState& gate, const LockoutPolicy& policy);
/// `most`: of a declared cap of requests in flight, no more than that.
GateAnswer gateAsks(const GateState& gate, const std::string& version, TimePoint now, unsigned most = ~0U);
/// `lapse`: when the request counts as lost if nobody reports it.
void gatePasses(GateState& gate, const GateAnswer& answer, const std::string& version, PermitId permit, TimePoint now,
                TimePoint lapse);

/// What a response head came to.
enum class GateVerdict
{
    Fine,
    Rejected, ///< 401
    Locked    ///< a 403 taken for a lock of the account
};
/// `path` names the endpoint family of the request.
GateVerdict gateAnswered(GateState& gate, const std::string& version, PermitId permit, const ServerAnswer& answer,
                         std::uint32_t path, TimePoint now);
void gateAbandoned(GateState& gate, const std::string& version, PermitId permit, TimePoint now);

/// Whether this permit is the one that others wait for.
bool gateWaitsFor(const GateState& gate, const std::string& version, PermitId permit);

GateStanding gateStands(const GateState& gate, TimePoint now);

/// Forgets the lock and the verdicts.
void gateResets(GateState& gate);

} // namespace tollgate::limits
