#include "stores/Forgetting.h"

#include <algorithm>
#include <optional>

namespace tollgate::stores {

namespace {

constexpr Duration longestWindow = std::chrono::hours(24 * 31);
/// People look for an old key's last traffic about a day later.
constexpr Duration credentialMemory = std::chrono::hours(24);

TimePoint later(TimePoint time, Duration by) { return time > never - by ? never : time + by; }

TimePoint worthUntil(const LimitState& limit)
{
    if (limit.contradicted) return never;
    TimePoint until = std::max(limit.shutUntil, limit.paced);
    for (const LimitState::Allowance& allowance : limit.allowances) until = std::max(until, allowance.until);
    // One that nobody reports counts as sent when it lapses. The window is its policy's to know: here it may be the longest one.
    for (const LimitState::Flight& flight : limit.inFlight) until = std::max(until, later(flight.lapse, longestWindow));
    // What was released counts a window longer, but not for Burst.
    const Duration echo = limit.shape == Shape::Burst ? Duration::zero() : longestWindow;
    if (!limit.cooling.empty()) until = std::max(until, later(limit.cooling.back().release, echo));
    if (!limit.past.empty()) until = std::max(until, later(limit.past.back().release, echo));
    return until;
}

TimePoint worthUntil(const GateState& gate)
{
    if (gate.lockedUntil) return never;
    TimePoint until{};
    for (const auto& entry : gate.versions) {
        const VersionState& version = entry.second;
        if (version.verdict == VersionState::Verdict::Bad) return never;
        if (version.canary != 0) until = std::max(until, version.canaryLapse);
        if (version.lastUsed) until = std::max(until, later(*version.lastUsed, credentialMemory));
        if (version.lastGood) until = std::max(until, later(*version.lastGood, credentialMemory));
    }
    for (const GateState::Flight& flight : gate.inFlight) until = std::max(until, flight.lapse);
    if (gate.probe != 0) until = std::max(until, gate.probeLapse);
    if (gate.lastRejected) until = std::max(until, later(*gate.lastRejected, gate.policy.suspicion));
    if (gate.lastForbidden) until = std::max(until, later(*gate.lastForbidden, gate.policy.suspicion));
    return until;
}

} // namespace

TimePoint worthUntil(const QuotaState& state)
{
    TimePoint until = worthUntil(state.gate);
    for (const auto& limit : state.limits) until = std::max(until, worthUntil(limit.second));
    return until;
}

bool worthKeeping(const QuotaState& state, TimePoint now) { return worthUntil(state) > now; }

} // namespace tollgate::stores
