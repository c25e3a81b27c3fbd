#include "limits/Gate.h"

#include "limits/RetryAfter.h"

#include <algorithm>
#include <iterator>

namespace tollgate {

LockoutPolicy LockoutPolicy::lasting(Duration duration) const
{
    LockoutPolicy policy = *this;
    policy.lockFor = std::clamp<Duration>(duration, std::chrono::seconds(1), std::chrono::hours(24 * 31));
    policy.maxLock = std::max(policy.maxLock, policy.lockFor);
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

void unlock(GateState& gate)
{
    gate.lockedUntil.reset();
    gate.locks = 0;
    gate.failedProbes = 0;
}

void accept(GateState& gate, VersionState& version, PermitId permit, bool probe)
{
    version.verdict = Verdict::Good;
    version.strikes = 0;
    // Only the probe tells that a lock is over, and only a request sent after the last 401 that the suspicion is: answers to
    // older ones may still come in.
    if (gate.lockedUntil && !probe) return;
    unlock(gate);
    if (permit < gate.rejectedPermit) return;
    gate.lastRejected.reset();
    gate.rejections = 0;
    gate.cause.clear();
}

void reject(GateState& gate, VersionState& version, PermitId permit, bool canary, bool probe, TimePoint now)
{
    const LockoutPolicy& policy = gate.policy;
    const bool straggler = version.verdict == Verdict::Bad && !canary && !probe; // of one revocation: one strike
    if (!straggler) {
        ++version.strikes;
        gate.rejections = gate.lastRejected && now - *gate.lastRejected <= policy.suspicion ? gate.rejections + 1 : 1;
    }
    version.verdict = Verdict::Bad;
    version.nextTry = now + doubled(policy.quiet, version.strikes, policy.maxQuiet);
    gate.lastRejected = now;
    gate.rejectedPermit = std::max(gate.rejectedPermit, permit);
    gate.cause = "the server answered 401 to this credential";
    // The server looks at credentials again, so the lock is over; the rejected version keeps itself back.
    if (probe) unlock(gate);
    if (policy.declared && gate.rejections >= policy.tolerance && !gate.lockedUntil) {
        gate.lockedUntil = now + policy.suspicion;
        gate.cause = "the server answered 401 to several credentials of this account, and one more might lock it";
    }
}

void lock(GateState& gate, const ResponseHead& head, TimePoint now)
{
    // Stragglers of one lock are one lock: what was sent before it began proves nothing new.
    if (gate.lockedUntil && now < *gate.lockedUntil) return;
    ++gate.locks;
    gate.failedProbes = 0;
    const Duration guess = doubled(gate.policy.lockFor, gate.locks, gate.policy.maxLock);
    gate.lockedUntil = now + std::max<Duration>(retryAfter(head.headers).value_or(guess), std::chrono::seconds(1));
    gate.cause = gate.lastRejected ? "the server answered 403 after it had answered 401 to a credential of this account"
                                   : "the server still answers 403 to the probe";
}

/// A probe that found nothing out: the next one goes a little later, or every caller would send one.
void probeAgainLater(GateState& gate, TimePoint now)
{
    gate.lockedUntil = now + doubled(std::chrono::seconds(1), ++gate.failedProbes, std::chrono::minutes(1));
}

/// Tokens that live for an hour would else be remembered for ever.
void forgetOldVersions(GateState& gate, const std::string& current)
{
    constexpr std::size_t enough = 64;
    for (auto at = gate.versions.begin(); gate.versions.size() > enough && at != gate.versions.end();) {
        const bool needed = at->first == current || at->second.canary != 0 || at->second.verdict == Verdict::Bad;
        at = needed ? std::next(at) : gate.versions.erase(at);
    }
    for (auto at = gate.versions.begin(); gate.versions.size() > 4 * enough && at != gate.versions.end();)
        at = at->first == current || at->second.canary != 0 ? std::next(at) : gate.versions.erase(at);
}

} // namespace

void gateDeclares(GateState& gate, const LockoutPolicy& policy)
{
    LockoutPolicy& kept = gate.policy;
    if (policy.declared && !kept.declared) {
        kept = policy;
        return;
    }
    if (policy.declared != kept.declared) return;
    kept.quiet = std::max(kept.quiet, policy.quiet);
    kept.maxQuiet = std::max(kept.maxQuiet, policy.maxQuiet);
    kept.lockFor = std::max(kept.lockFor, policy.lockFor);
    kept.maxLock = std::max(kept.maxLock, policy.maxLock);
    kept.suspicion = std::max(kept.suspicion, policy.suspicion);
    kept.tolerance = std::min(kept.tolerance, policy.tolerance);
    kept.strict = kept.strict || policy.strict;
}

GateAnswer gateAsks(const GateState& gate, const std::string& version, TimePoint now)
{
    using Kind = GateAnswer::Kind;
    const auto known = gate.versions.find(version);
    const VersionState fresh;
    const VersionState& state = known == gate.versions.end() ? fresh : known->second;

    if (gate.lockedUntil && now < *gate.lockedUntil) return {Kind::Locked, *gate.lockedUntil - now};
    if (state.verdict == Verdict::Bad) {
        if (gate.policy.strict) return {Kind::Rejected, std::nullopt};
        if (now < state.nextTry) return {Kind::Rejected, state.nextTry - now};
    }
    if (gate.lockedUntil) return {gate.probe == 0 ? Kind::Probe : Kind::Busy, std::nullopt};
    if (state.verdict == Verdict::Bad || (state.verdict == Verdict::Unverified && gate.policy.declared))
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

GateVerdict gateAnswered(GateState& gate, const std::string& version, PermitId permit, const ResponseHead& head, TimePoint now)
{
    VersionState& state = gate.versions[version];
    const bool canary = state.canary == permit;
    const bool probe = gate.probe == permit;
    if (canary) state.canary = 0;
    if (probe) gate.probe = 0;
    forgetOldVersions(gate, version);

    if (head.status == 401) {
        reject(gate, state, permit, canary, probe, now);
        return GateVerdict::Rejected;
    }
    // A server that says its quota is spent means the quota, whatever the status.
    const bool quota = head.headers.get("X-RateLimit-Remaining", {}) == "0";
    const bool suspicious = gate.lastRejected && now - *gate.lastRejected <= gate.policy.suspicion;
    if (head.status == 403 && gate.policy.declared && !quota && (probe || suspicious || gate.lockedUntil)) {
        lock(gate, head, now);
        return GateVerdict::Locked;
    }
    // A version once rejected is good again only by its own canary: other answers may be older than the 401.
    if (provesCredential(head.status) && (state.verdict != Verdict::Bad || canary || probe))
        accept(gate, state, permit, probe);
    else if (probe)
        probeAgainLater(gate, now);
    return GateVerdict::Fine;
}

void gateAbandoned(GateState& gate, const std::string& version, PermitId permit, TimePoint now)
{
    if (gate.probe == permit) {
        gate.probe = 0;
        probeAgainLater(gate, now);
    }
    const auto known = gate.versions.find(version);
    if (known != gate.versions.end() && known->second.canary == permit) known->second.canary = 0;
}

} // namespace limits
} // namespace tollgate
