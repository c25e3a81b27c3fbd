#include "limits/SlotLog.h"

#include <algorithm>

namespace tollgate::limits {

namespace {

using Slot = LimitState::Slot;

/// Where released slots lie in one cell, a 1,024th of the hold, they are counted as one: a log should stay short.
bool sameCell(TimePoint earlier, TimePoint later, Duration hold)
{
    const Duration cell(std::max<Duration::rep>(hold.count() >> 10, 1));
    if (later - earlier >= cell) return false; // nearly always: no division
    return earlier.time_since_epoch() / cell == later.time_since_epoch() / cell;
}

/// What was released is only weighed, not counted: later and in lumps is the careful side.
void remember(std::deque<Slot>& past, const Slot& slot, Duration hold)
{
    if (!past.empty() && sameCell(past.back().release, slot.release, hold)) {
        past.back().release = slot.release;
        past.back().weight += slot.weight;
    } else {
        past.push_back(slot);
    }
}

/// As many as there are requests in flight at one moment: few, so a look through them is cheaper than a tree.
std::vector<LimitState::Flight>::iterator findFlight(LimitState& state, PermitId permit)
{
    return std::find_if(state.inFlight.begin(), state.inFlight.end(), [permit](const auto& one) { return one.permit == permit; });
}

std::deque<Slot>::reverse_iterator findSlot(LimitState& state, PermitId permit)
{
    return std::find_if(state.cooling.rbegin(), state.cooling.rend(), [permit](const Slot& one) { return one.permit == permit; });
}

} // namespace

void tidyLog(LimitState& state, TimePoint now, Duration hold)
{
    for (std::size_t i = 0; i < state.inFlight.size();) {
        const LimitState::Flight flight = state.inFlight[i];
        if (flight.lapse > now) {
            ++i;
            continue;
        }
        land(state, flight.permit);
        cool(state, flight.permit, flight.weight, flight.lapse + hold);
    }
    while (!state.cooling.empty() && state.cooling.front().release <= now) {
        state.coolingWeight -= state.cooling.front().weight;
        remember(state.past, state.cooling.front(), hold);
        state.cooling.pop_front();
    }
    while (!state.past.empty() && state.past.front().release + hold <= now) state.past.pop_front();
}

std::optional<LimitState::Flight> land(LimitState& state, PermitId permit)
{
    const auto flying = findFlight(state, permit);
    if (flying == state.inFlight.end()) return std::nullopt;
    const LimitState::Flight flight = *flying;
    state.inFlightWeight -= flight.weight;
    *flying = state.inFlight.back();
    state.inFlight.pop_back();
    return flight;
}

void cool(LimitState& state, PermitId permit, unsigned weight, TimePoint release)
{
    state.coolingWeight += weight;
    // Answers come in time order, so this is nearly always the end.
    if (state.cooling.empty() || state.cooling.back().release <= release) {
        state.cooling.push_back({release, permit, weight});
        return;
    }
    const auto later = std::upper_bound(state.cooling.begin(), state.cooling.end(), release,
                                        [](TimePoint at, const Slot& slot) { return at < slot.release; });
    state.cooling.insert(later, {release, permit, weight});
}

void coolLater(LimitState& state, PermitId permit, TimePoint release)
{
    const auto slot = findSlot(state, permit);
    if (slot == state.cooling.rend() || slot->release >= release) return;
    const unsigned weight = slot->weight;
    state.coolingWeight -= weight;
    state.cooling.erase(std::next(slot).base());
    cool(state, permit, weight, release);
}

void correctWeight(LimitState& state, PermitId permit, unsigned actual)
{
    const auto flying = findFlight(state, permit);
    if (flying != state.inFlight.end()) {
        state.inFlightWeight += actual;
        state.inFlightWeight -= flying->weight;
        flying->weight = actual;
        return;
    }
    const auto slot = findSlot(state, permit);
    if (slot == state.cooling.rend()) return;
    state.coolingWeight += actual;
    state.coolingWeight -= slot->weight;
    slot->weight = actual;
}

std::uint64_t busyWeight(const LimitState& state, TimePoint now)
{
    std::uint64_t weight = state.inFlightWeight + state.coolingWeight;
    for (const Slot& slot : state.cooling) {
        if (slot.release > now) break;
        weight -= slot.weight;
    }
    return weight;
}

Duration waitForSlots(const LimitState& state, TimePoint now, std::uint64_t capacity, std::uint64_t need, Duration hold)
{
    const std::uint64_t busy = busyWeight(state, now);
    if (busy + need <= capacity) return Duration::zero();
    std::uint64_t missing = busy + need - capacity;
    for (const Slot& slot : state.cooling) {
        if (slot.release <= now) continue;
        if (slot.weight >= missing) return slot.release - now;
        missing -= slot.weight;
    }
    return hold;
}

} // namespace tollgate::limits
