#include "limits/Gate.h"

#include "limits/RetryAfter.h"

#include <algorithm>

namespace tollgate {

LockoutPolicy LockoutPolicy::lasting(Duration duration) const
{
    LockoutPolicy policy = *this;
    policy.lockFor = duration;
    policy.maxLock = std::max(policy.maxLock, duration);
    return policy;
}

LockoutPolicy LockoutPolicy::strictly() const
{
    LockoutPolicy policy = *this;
    policy.strict = true;
    return policy;
}

LockoutPolicy lockout()
{
    LockoutPolicy policy;
    policy.declared = true;
    policy.quiet = std::chrono::minutes(15);
    return policy;
}

namespace limits {

namespace {

using Verdict = VersionState::Verdict;

Duration doubled(Duration base, unsigned times, Duration limit)
{
    for (unsigned i = 1; i < times && base < limit; ++i) base *= 2;
    return std::min(base, limit);
}

/// Answers that only an accepted credential gets. Others (403, 429, 5xx) say nothing about it.
bool provesCredential(int status)
{
    return (status >= 200 && status < 400) || status == 400 || status == 404 || status == 405 || status == 409 || status == 410 ||
           status == 422;
}

void accept(GateState& gate, VersionState& version, bool probe)
{
    version.verdict = Verdict::Good;
    version.strikes = 0;
    // Only the probe tells that a lock is over: an answer to an older request may arrive after the lock began.
    if (!gate.lockedUntil || probe) {
        gate.lockedUntil.reset();
        gate.locks = 0;
        gate.lastRejected.reset();
        gate.cause.clear();
    }
}

void reject(GateState& gate, const LockoutPolicy& policy, VersionState& version, bool canary, bool probe, TimePoint now)
{
    // Stragglers of one revocation are one strike.
    if (version.verdict != Verdict::Bad || canary || probe) ++version.strikes;
    version.verdict = Verdict::Bad;
    version.nextTry = now + doubled(policy.quiet, version.strikes, policy.maxQuiet);
    gate.lastRejected = now;
    gate.cause = "the server answered 401 to this credential";
    if (probe) {
        // The server looks at credentials again, so the lock is over; the rejected version keeps itself back.
        gate.lockedUntil.reset();
        gate.locks = 0;
    }
}

void lock(GateState& gate, const LockoutPolicy& policy, const ResponseHead& head, TimePoint now)
{
    // Stragglers of one lock are one lock: what was sent before it began proves nothing new.
    if (gate.lockedUntil && now < *gate.lockedUntil) return;
    ++gate.locks;
    const Duration guess = doubled(policy.lockFor, gate.locks, policy.maxLock);
    gate.lockedUntil = now + retryAfter(head.headers).value_or(guess);
    gate.cause = gate.lastRejected ? "the server answered 403 after it had answered 401 to a credential of this account"
                                   : "the server still answers 403 to the probe";
}

} // namespace

GateAnswer gateAsks(const GateState& gate, const LockoutPolicy& policy, const std::string& version, TimePoint now)
{
    using Kind = GateAnswer::Kind;
    const auto known = gate.versions.find(version);
    const VersionState fresh;
    const VersionState& state = known == gate.versions.end() ? fresh : known->second;

    if (gate.lockedUntil && now < *gate.lockedUntil) return {Kind::Locked, *gate.lockedUntil - now};
    if (state.verdict == Verdict::Bad) {
        if (policy.strict) return {Kind::Rejected, std::nullopt};
        if (now < state.nextTry) return {Kind::Rejected, state.nextTry - now};
    }
    if (gate.lockedUntil) return {gate.probe == 0 ? Kind::Probe : Kind::Busy, std::nullopt};
    if (state.verdict == Verdict::Bad || (state.verdict == Verdict::Unverified && policy.declared))
        return {state.canary == 0 ? Kind::Canary : Kind::Busy, std::nullopt};
    return {};
}

void gatePasses(GateState& gate, const GateAnswer& answer, const std::string& version, PermitId permit)
{
    if (answer.kind == GateAnswer::Kind::Canary) gate.versions[version].canary = permit;
    if (answer.kind == GateAnswer::Kind::Probe) gate.probe = permit;
}

bool gateWaitsFor(const GateState& gate, const std::string& version, PermitId permit)
{
    if (gate.probe == permit) return true;
    const auto known = gate.versions.find(version);
    return known != gate.versions.end() && known->second.canary == permit;
}

GateVerdict gateAnswered(GateState& gate, const LockoutPolicy& policy, const std::string& version, PermitId permit,
                         const ResponseHead& head, TimePoint now)
{
    VersionState& state = gate.versions[version];
    const bool canary = state.canary == permit;
    const bool probe = gate.probe == permit;
    if (canary) state.canary = 0;
    if (probe) gate.probe = 0;

    if (head.status == 401) {
        reject(gate, policy, state, canary, probe, now);
        return GateVerdict::Rejected;
    }
    const bool suspicious = gate.lastRejected && now - *gate.lastRejected <= policy.suspicion;
    if (head.status == 403 && policy.declared && (probe || suspicious || gate.lockedUntil)) {
        lock(gate, policy, head, now);
        return GateVerdict::Locked;
    }
    // A version once rejected is good again only by its own canary: other answers may be older than the 401.
    if (provesCredential(head.status) && (state.verdict != Verdict::Bad || canary || probe)) accept(gate, state, probe);
    return GateVerdict::Fine;
}

void gateAbandoned(GateState& gate, const std::string& version, PermitId permit)
{
    if (gate.probe == permit) gate.probe = 0;
    const auto known = gate.versions.find(version);
    if (known != gate.versions.end() && known->second.canary == permit) known->second.canary = 0;
}

} // namespace limits
} // namespace tollgate
