#include "stores/StateTimes.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace tollgate::stores {

namespace {

/// What a time says, and so how far ahead of now it may lie.
enum class Meaning
{
    Past,   ///< something happened then
    Wait,   ///< nothing goes before
    Quiet,  ///< a rejected credential is not tried before
    Lock,   ///< nobody goes before
    Release ///< a slot, a flight or a promise of the server counts until then
};

template <class Visit>
void visitSlots(std::deque<LimitState::Slot>& slots, const Visit& visit)
{
    for (LimitState::Slot& slot : slots) visit(slot.release, Meaning::Release);
}

template <class Visit>
void visitOptional(std::optional<TimePoint>& time, Meaning meaning, const Visit& visit)
{
    if (time) visit(*time, meaning);
}

template <class Visit>
void visitGate(GateState& gate, const Visit& visit)
{
    for (auto& entry : gate.versions) {
        VersionState& version = entry.second;
        visit(version.nextTry, Meaning::Quiet);
        visit(version.canaryLapse, Meaning::Release);
        visitOptional(version.lastGood, Meaning::Past, visit);
        visitOptional(version.lastUsed, Meaning::Past, visit);
        for (auto& path : version.goodPaths) visit(path.second, Meaning::Past);
    }
    for (GateState::Flight& flight : gate.inFlight) visit(flight.lapse, Meaning::Release);
    visitOptional(gate.lastRejected, Meaning::Past, visit);
    visitOptional(gate.lockedUntil, Meaning::Lock, visit);
    visit(gate.probeLapse, Meaning::Release);
    visitOptional(gate.lastForbidden, Meaning::Past, visit);
}

template <class Visit>
void visitTimes(QuotaState& state, const Visit& visit)
{
    for (auto& member : state.members) visit(member.second, Meaning::Past);
    visitGate(state.gate, visit);
    for (auto& entry : state.limits) {
        LimitState& limit = entry.second;
        for (LimitState::Flight& flight : limit.inFlight) visit(flight.lapse, Meaning::Release);
        visitSlots(limit.cooling, visit);
        visitSlots(limit.past, visit);
        visit(limit.shutUntil, Meaning::Wait);
        visit(limit.paced, Meaning::Release);
        for (LimitState::Allowance& allowance : limit.allowances) visit(allowance.until, Meaning::Release);
    }
}

TimePoint moved(TimePoint time, Duration by)
{
    if (by > Duration::zero() && time > TimePoint::max() - by) return TimePoint::max();
    if (by < Duration::zero() && time < TimePoint::min() - by) return TimePoint::min();
    return time + by;
}

} // namespace

void shiftTimes(QuotaState& state, Duration by)
{
    visitTimes(state, [by](TimePoint& time, Meaning) {
        if (time != TimePoint{} && time != never) time = moved(time, by);
    });
}

void clampTimes(QuotaState& state, TimePoint now)
{
    constexpr Duration longestHint = std::chrono::hours(6);
    constexpr Duration longestWindow = std::chrono::hours(24 * 31 + 1);
    const LockoutPolicy& policy = state.gate.policy;
    const TimePoint wait = moved(now, longestHint);
    const TimePoint quiet = moved(now, std::max(longestHint, policy.maxQuiet));
    const TimePoint lock = moved(now, std::max({longestHint, policy.maxLock, policy.suspicion}));
    const TimePoint release = moved(now, longestWindow);
    visitTimes(state, [&](TimePoint& time, Meaning meaning) {
        switch (meaning) {
        case Meaning::Past: time = std::min(time, now); break;
        case Meaning::Wait: time = std::min(time, wait); break;
        case Meaning::Quiet:
            if (time != never) time = std::min(time, quiet);
            break;
        case Meaning::Lock: time = std::min(time, lock); break;
        case Meaning::Release: time = std::min(time, release); break;
        }
    });
}

} // namespace tollgate::stores
