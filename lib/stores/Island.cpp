#include "stores/Island.h"

#include "stores/Merge.h"
#include "stores/StateTimes.h"

#include <algorithm>
#include <random>
#include <utility>

namespace tollgate::stores {

namespace {

bool presumed(const LimitState::Slot& slot) { return slot.permit == 0; }

} // namespace

void ObservedHolds::look(const QuotaState& state, TimePoint now)
{
    for (const auto& [id, limit] : state.limits) {
        if (limit.cooling.empty() || limit.cooling.back().release <= now) continue;
        Duration& hold = _holds[id];
        hold = std::max(hold, limit.cooling.back().release - now);
    }
}

Duration ObservedHolds::of(const std::string& limit) const
{
    const auto known = _holds.find(limit);
    return known == _holds.end() ? Duration::zero() : known->second;
}

Duration ObservedHolds::longest() const
{
    Duration longest{};
    for (const auto& hold : _holds) longest = std::max(longest, hold.second);
    return longest;
}

void presumeTaken(QuotaState& state, TimePoint seenAt, TimePoint now, const ObservedHolds& holds)
{
    for (auto& [id, limit] : state.limits) {
        std::uint64_t then = limit.inFlightWeight;
        std::uint64_t busy = limit.inFlightWeight;
        for (const LimitState::Slot& slot : limit.cooling) {
            if (slot.release > seenAt) then += slot.weight;
            if (slot.release > now) busy += slot.weight;
        }
        const unsigned capacity = limit.serverCapacity == 0 ? limit.capacity : std::min(limit.capacity, limit.serverCapacity);
        const std::uint64_t more = std::min(then, capacity > busy ? capacity - busy : 0);
        if (more == 0) continue;
        const TimePoint release = now + holds.of(id);
        const auto at = std::upper_bound(limit.cooling.begin(), limit.cooling.end(), release,
                                         [](TimePoint time, const LimitState::Slot& slot) { return time < slot.release; });
        limit.cooling.insert(at, {release, 0, static_cast<unsigned>(more)});
        limit.coolingWeight += more;
    }
}

void drawApart(QuotaState& state)
{
    std::random_device random;
    state.lastPermit += 1 + ((std::uint64_t{random()} << 8) ^ random());
}

void dropPresumed(QuotaState& state)
{
    for (auto& entry : state.limits) {
        LimitState& limit = entry.second;
        for (const LimitState::Slot& slot : limit.cooling)
            if (presumed(slot)) limit.coolingWeight -= slot.weight;
        for (auto* slots : {&limit.cooling, &limit.past})
            slots->erase(std::remove_if(slots->begin(), slots->end(), presumed), slots->end());
    }
}

Island::Island(QuotaState lastSeen, unsigned share, TimePoint seenAt, TimePoint now, const ObservedHolds& holds)
    : _before(std::move(lastSeen))
    , _state(_before)
    , _share(share)
{
    if (share > 1) presumeTaken(_state, seenAt, now, holds);
    drawApart();
    _state.share = share;
}

void Island::drawApart() { stores::drawApart(_state); }

void Island::returnTo(QuotaState& state, Duration by) const
{
    QuotaState mine = _state;
    mine.share = 1;
    dropPresumed(mine);
    for (auto& entry : mine.limits) {
        LimitState& limit = entry.second;
        // Each of ours was counted once for every process; now the others bring their own.
        const auto once = [this](auto& one) {
            if (one.permit > _before.lastPermit) one.weight = std::max(1U, one.weight / _share);
        };
        std::for_each(limit.inFlight.begin(), limit.inFlight.end(), once);
        std::for_each(limit.cooling.begin(), limit.cooling.end(), once);
        std::for_each(limit.past.begin(), limit.past.end(), once);
    }
    shiftTimes(mine, by);
    mergeStates(state, mine);
    landSettled(state, _before, _state);
}

} // namespace tollgate::stores
