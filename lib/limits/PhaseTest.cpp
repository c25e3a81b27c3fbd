#include "limits/PhaseTest.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace tollgate::limits {

namespace {

/// Arrivals in time order, with the weight of all before each.
struct Arrivals
{
    std::vector<TimePoint> at;
    std::vector<std::uint64_t> before;
    std::size_t count = 0;

    /// Makes room for so many.
    void start(std::size_t most)
    {
        if (at.size() < most) at.resize(most);
        if (before.size() < most + 1) before.resize(most + 1);
        before[0] = 0;
        count = 0;
    }
    void add(TimePoint time, std::uint64_t weight)
    {
        at[count] = time;
        before[count + 1] = before[count] + weight;
        ++count;
    }
    /// Weight of those at or after the one with this index.
    std::uint64_t since(std::size_t index) const { return before[count] - before[index]; }
};

/// The latest moments at which the server can have counted each request: a slot is released one hold after that.
void collect(Arrivals& arrivals, const LimitState& state, TimePoint now, Duration hold)
{
    arrivals.start(state.past.size() + state.cooling.size() + 1);
    for (const LimitState::Slot& slot : state.past) arrivals.add(slot.release - hold, slot.weight);
    bool flying = state.inFlightWeight > 0;
    for (const LimitState::Slot& slot : state.cooling) {
        if (flying && slot.release - hold > now) { // an abandoned request may still arrive later than now
            arrivals.add(now, state.inFlightWeight);
            flying = false;
        }
        arrivals.add(slot.release - hold, slot.weight);
    }
    if (flying) arrivals.add(now, state.inFlightWeight);
}

/// The question, and the answer as far as it is found.
struct Search
{
    std::uint64_t capacity;
    std::uint64_t weight;
    Duration hold;
    TimePoint earliest;

    /// A counter whose window began just before `phase`: `current` came since, `previous` in the window before.
    void look(TimePoint phase, std::uint64_t current, std::uint64_t previous)
    {
        if (current + weight > capacity) {
            earliest = std::max(earliest, phase + hold);
            return;
        }
        const std::uint64_t room = capacity - weight - current;
        if (previous <= room) return;
        // Nearly every phase has room by then; only near the edge is it worth to be exact.
        const auto whole = static_cast<double>(hold.count());
        const auto left = static_cast<double>((phase + hold - earliest).count());
        if (static_cast<double>(previous) * left < static_cast<double>(room) * whole * (1 - 1e-12)) return;
        const long double part = static_cast<long double>(previous - room) / static_cast<long double>(previous);
        const auto wait = static_cast<Duration::rep>(std::ceil(part * static_cast<long double>(hold.count())));
        earliest = std::max(earliest, phase + Duration(wait));
    }
};

} // namespace

TimePoint earliestForAnyPhase(const LimitState& state, TimePoint now, TimePoint from, std::uint64_t capacity,
                              std::uint64_t weight, Duration hold)
{
    thread_local Arrivals arrivals; // keeps its memory: this runs at each grant
    collect(arrivals, state, now, hold);
    const std::vector<TimePoint>& at = arrivals.at;
    const std::size_t count = arrivals.count;
    if (count == 0) return std::max(now, from);

    // Between two events the estimate grows with the phase, so the worst phases lie just before an arrival, or just before an
    // arrival leaves the previous window.
    Search search{capacity, weight, hold, std::max(now, from)};
    const TimePoint& earliest = search.earliest;
    for (TimePoint last = TimePoint::min(); last == TimePoint::min() || (last != earliest && at[count - 1] > now);) {
        last = earliest;
        std::size_t previous = 0;
        for (std::size_t i = 0; i < count && at[i] <= earliest; ++i) {
            if (at[i] + hold <= earliest || (i > 0 && at[i] == at[i - 1])) continue;
            while (at[previous] < at[i] - hold) ++previous;
            const std::uint64_t current = arrivals.since(i);
            search.look(at[i], current, arrivals.since(previous) - current);
        }
        std::size_t after = 0;
        for (std::size_t j = 0; j < count && at[j] + hold <= earliest; ++j) {
            const TimePoint phase = at[j] + hold;
            if (phase + hold <= earliest || (j > 0 && at[j] == at[j - 1])) continue;
            while (after < count && at[after] < phase) ++after;
            const std::uint64_t current = arrivals.since(after);
            search.look(phase, current, arrivals.since(j) - current);
        }
    }
    return earliest;
}

} // namespace tollgate::limits
