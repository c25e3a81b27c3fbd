#include "limits/Gate.h"

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
    policy.inFlight = 1;
    policy.fresh = Duration::zero();
    return policy;
}

LockoutPolicy LockoutPolicy::atOnce(unsigned requests) const
{
    LockoutPolicy policy = *this;
    policy.inFlight = requests;
    return policy;
}

LockoutPolicy LockoutPolicy::freshFor(Duration duration) const
{
    LockoutPolicy policy = *this;
    policy.fresh = std::clamp<Duration>(duration, Duration::zero(), std::chrono::hours(24));
    return policy;
}

LockoutPolicy LockoutPolicy::marker(std::string text) const
{
    LockoutPolicy policy = *this;
    if (!text.empty()) policy.markers.push_back(std::move(text));
    return policy;
}

LockoutPolicy lockout()
{
    LockoutPolicy policy;
    policy.declared = true;
    policy.quiet = std::chrono::minutes(15);
    policy.inFlight = 3;
    policy.pause = std::chrono::seconds(2);
    policy.markers = {"login attempts exceeded", "too many failed login", "X-Seraph-LoginReason: AUTHENTICATION_DENIED"};
    return policy;
}

namespace limits {

namespace {

constexpr Duration together = std::chrono::seconds(10); ///< refusals that come so close may be of one lock

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

void lock(GateState& gate, const ServerHint& hint, TimePoint now, const char* cause)
{
    // Stragglers of one lock are one lock. But some servers prolong a lock at every attempt, and this one may have come in just
    // now.
    const bool straggler = gate.lockedUntil && now < *gate.lockedUntil;
    if (!straggler) {
        ++gate.locks;
        gate.failedProbes = 0;
        gate.cause = cause;
    }
    const Duration guess = doubled(gate.policy.lockFor, gate.locks, gate.policy.maxLock);
    const TimePoint until = now + std::max<Duration>(hint.retryAfter.value_or(guess), std::chrono::seconds(1));
    gate.lockedUntil = straggler ? std::max(*gate.lockedUntil, until) : until;
}

void reject(GateState& gate, VersionState& version, PermitId permit, bool canary, bool probe, const ServerHint& hint,
            TimePoint now)
{
    const LockoutPolicy& policy = gate.policy;
    // A lock that hides behind 401s: what was good before is not bad because of it.
    if (probe && policy.hidesLock && version.lastGood) {
        lock(gate, hint, now, "the server still answers 401 to the probe, which is how it locks");
        return;
    }
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
    // Answers overtake each other: what a 403 just before meant is clear only now.
    if (policy.declared && version.lastGood && gate.forbiddenPath != 0 && gate.lastForbidden &&
        now - *gate.lastForbidden <= together)
        lock(gate, hint, now, "the server answered 403 and 401 to this account within seconds");
    if (policy.declared && gate.rejections >= policy.tolerance && !gate.lockedUntil) {
        gate.lockedUntil = now + policy.suspicion;
        gate.cause = "the server answered 401 to several credentials of this account, and one more might lock it";
    }
}

/// Whether a refusal means that the account is locked: the first rule that fits (docs/limits.md, "What a 403 means").
const char* whyLocked(GateState& gate, const VersionState& version, const ServerAnswer& answer, bool probe, std::uint32_t path,
                      TimePoint now)
{
    if (!gate.policy.declared || (answer.status != 403 && answer.status != 429)) return nullptr;
    if (answer.saysLocked) return "the server says that the account is locked";
    if (answer.status != 403 || answer.hint.exhausted()) return nullptr;
    if (gate.lastRejected && now - *gate.lastRejected <= gate.policy.suspicion)
        return "the server answered 403 after it had answered 401 to a credential of this account";
    if (probe || gate.lockedUntil)
        return "the server still answers 403 to the probe; or the credential lacks a permission: then call what it may do";
    if (answer.hint.retryAfter) return nullptr; // a wait, not a lock

    // Two endpoints that both took this credential within the hour, and both refuse it within seconds: that is the account.
    const auto good =
        std::find_if(version.goodPaths.begin(), version.goodPaths.end(), [path](const auto& one) { return one.first == path; });
    const bool tookIt = good != version.goodPaths.end() && now - good->second <= std::chrono::hours(1);
    const bool another = tookIt && gate.lastForbidden && now - *gate.lastForbidden <= together && gate.forbiddenPath != 0 &&
                         gate.forbiddenPath != std::max(path, 1U);
    if (version.lastGood) {
        gate.lastForbidden = now;
        gate.forbiddenPath = tookIt ? std::max(path, 1U) : 0;
    }
    return another ? "the server answered 403 on several endpoints that had taken this credential before" : nullptr;
}

void rememberGoodPath(VersionState& version, std::uint32_t path, TimePoint now)
{
    constexpr std::size_t enough = 8;
    auto& paths = version.goodPaths;
    const auto known = std::find_if(paths.begin(), paths.end(), [path](const auto& one) { return one.first == path; });
    if (known != paths.end()) {
        known->second = now;
    } else if (paths.size() < enough) {
        paths.emplace_back(path, now);
    } else {
        *std::min_element(paths.begin(), paths.end(), [](const auto& a, const auto& b) { return a.second < b.second; }) = {path,
                                                                                                                           now};
    }
}

void landFlight(GateState& gate, PermitId permit)
{
    auto& flights = gate.inFlight;
    flights.erase(std::remove_if(flights.begin(), flights.end(), [permit](const auto& one) { return one.permit == permit; }),
                  flights.end());
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

LockoutPolicy sane(LockoutPolicy policy)
{
    constexpr Duration longest = std::chrono::hours(24 * 365);
    for (Duration* one :
         {&policy.quiet, &policy.maxQuiet, &policy.lockFor, &policy.maxLock, &policy.suspicion, &policy.fresh, &policy.pause})
        *one = std::clamp<Duration>(*one, Duration::zero(), longest);
    policy.tolerance = std::max(policy.tolerance, 1U);
    return policy;
}

void tighten(LockoutPolicy& kept, const LockoutPolicy& policy)
{
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
    kept.inFlight = kept.inFlight == 0 || policy.inFlight == 0 ? std::max(kept.inFlight, policy.inFlight)
                                                               : std::min(kept.inFlight, policy.inFlight);
    kept.fresh = std::min(kept.fresh, policy.fresh);
    kept.pause = std::max(kept.pause, policy.pause);
    kept.hidesLock = kept.hidesLock || policy.hidesLock;
}

void gateDeclares(GateState& gate, const LockoutPolicy& policy) { tighten(gate.policy, policy); }

GateAnswer gateAsks(const GateState& gate, const std::string& version, TimePoint now, unsigned most)
{
    using Kind = GateAnswer::Kind;
    const auto known = gate.versions.find(version);
    static const VersionState fresh;
    const VersionState& state = known == gate.versions.end() ? fresh : known->second;
    const LockoutPolicy& policy = gate.policy;

    if (gate.lockedUntil && now < *gate.lockedUntil) return {Kind::Locked, *gate.lockedUntil - now};
    if (state.verdict == Verdict::Bad) {
        if (policy.strict) return {Kind::Rejected, std::nullopt};
        if (now < state.nextTry) return {Kind::Rejected, state.nextTry - now};
    }
    if (gate.lockedUntil) {
        if (gate.probe != 0 && now < gate.probeLapse) return {Kind::Busy, gate.probeLapse - now};
        return {Kind::Probe, std::nullopt};
    }
    if (state.verdict == Verdict::Bad || (state.verdict == Verdict::Unverified && policy.declared)) {
        if (state.canary != 0 && now < state.canaryLapse) return {Kind::Busy, state.canaryLapse - now};
        if (gate.lastRejected && now - *gate.lastRejected < policy.pause)
            return {Kind::Busy, *gate.lastRejected + policy.pause - now};
    }
    if (policy.inFlight != 0 && !(state.lastGood && now - *state.lastGood < policy.fresh)) {
        unsigned flying = 0;
        Duration firstLapse = Duration::max();
        for (const GateState::Flight& flight : gate.inFlight) {
            if (flight.lapse <= now) continue;
            ++flying;
            firstLapse = std::min<Duration>(firstLapse, flight.lapse - now);
        }
        if (flying >= std::min(policy.inFlight, most)) return {Kind::Busy, firstLapse};
    }
    const bool canary = state.verdict == Verdict::Bad || (state.verdict == Verdict::Unverified && policy.declared);
    return {canary ? Kind::Canary : Kind::Open, std::nullopt};
}

void gatePasses(GateState& gate, const GateAnswer& answer, const std::string& version, PermitId permit, TimePoint now,
                TimePoint lapse)
{
    VersionState& state = gate.versions[version];
    state.lastUsed = now;
    ++state.uses;
    if (answer.kind == GateAnswer::Kind::Canary) {
        state.canary = permit;
        state.canaryLapse = lapse;
    }
    if (answer.kind == GateAnswer::Kind::Probe) {
        gate.probe = permit;
        gate.probeLapse = lapse;
    }
    if (gate.policy.inFlight == 0) return;
    auto& flights = gate.inFlight;
    flights.erase(std::remove_if(flights.begin(), flights.end(), [now](const auto& one) { return one.lapse <= now; }),
                  flights.end());
    flights.push_back({permit, lapse});
}

bool gateWaitsFor(const GateState& gate, const std::string& version, PermitId permit)
{
    if (gate.probe == permit || (gate.policy.inFlight != 0 && gate.inFlight.size() >= gate.policy.inFlight)) return true;
    const auto known = gate.versions.find(version);
    return known != gate.versions.end() && known->second.canary == permit;
}

GateVerdict gateAnswered(GateState& gate, const std::string& version, PermitId permit, const ServerAnswer& answer,
                         std::uint32_t path, TimePoint now)
{
    VersionState& state = gate.versions[version];
    const bool canary = state.canary == permit;
    const bool probe = gate.probe == permit;
    if (canary) state.canary = 0;
    if (probe) gate.probe = 0;
    landFlight(gate, permit);
    forgetOldVersions(gate, version);

    if (answer.status == 401) {
        reject(gate, state, permit, canary, probe, answer.hint, now);
        return GateVerdict::Rejected;
    }
    if (const char* cause = whyLocked(gate, state, answer, probe, path, now)) {
        lock(gate, answer.hint, now, cause);
        return GateVerdict::Locked;
    }
    // A version once rejected is good again only by its own canary: other answers may be older than the 401.
    if (provesCredential(answer.status) && (state.verdict != Verdict::Bad || canary || probe)) {
        accept(gate, state, permit, probe);
        state.lastGood = now;
        if (answer.status < 300) rememberGoodPath(state, path, now);
    } else if (probe) {
        probeAgainLater(gate, now);
    }
    return GateVerdict::Fine;
}

void gateAbandoned(GateState& gate, const std::string& version, PermitId permit, TimePoint now)
{
    landFlight(gate, permit);
    if (gate.probe == permit) {
        gate.probe = 0;
        probeAgainLater(gate, now);
    }
    const auto known = gate.versions.find(version);
    if (known != gate.versions.end() && known->second.canary == permit) known->second.canary = 0;
}

GateStanding gateStands(const GateState& gate, TimePoint now)
{
    if (gate.lockedUntil) return now < *gate.lockedUntil ? GateStanding::Locked : GateStanding::HalfOpen;
    const bool suspicious = gate.lastRejected && now - *gate.lastRejected <= gate.policy.suspicion;
    return suspicious ? GateStanding::Suspicious : GateStanding::Open;
}

void gateResets(GateState& gate)
{
    for (auto& version : gate.versions) {
        if (version.second.verdict == Verdict::Bad) version.second.verdict = Verdict::Unverified;
        version.second.strikes = 0;
    }
    unlock(gate);
    gate.lastRejected.reset();
    gate.rejections = 0;
    gate.lastForbidden.reset();
    gate.cause.clear();
}

} // namespace limits
} // namespace tollgate
