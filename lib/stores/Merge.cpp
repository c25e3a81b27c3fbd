#include "stores/Merge.h"

#include "limits/Gate.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace tollgate::stores {

namespace {

constexpr std::size_t mostGoodPaths = 8; // as VersionState promises

/// Zero means that nobody said.
unsigned smallerSaid(unsigned a, unsigned b)
{
    if (a == 0 || b == 0) return std::max(a, b);
    return std::min(a, b);
}

void latest(std::optional<TimePoint>& time, const std::optional<TimePoint>& other)
{
    if (other && (!time || *time < *other)) time = other;
}

/// All requests of one limit by permit. Presumed ones have none, so their release tells them apart.
class Log
{
public:
    void add(const LimitState& limit)
    {
        for (const LimitState::Flight& flight : limit.inFlight) {
            const auto [at, isNew] = _flights.emplace(flight.permit, flight);
            if (isNew) continue;
            LimitState::Flight& known = at->second;
            known.weight = std::max(known.weight, flight.weight);
            known.lapse = std::max(known.lapse, flight.lapse);
            known.spent = std::max(known.spent, flight.spent);
        }
        add(limit.cooling, true);
        add(limit.past, false);
    }

    void writeTo(LimitState& limit) const
    {
        limit.inFlight.clear();
        limit.inFlightWeight = 0;
        for (const auto& [permit, flight] : _flights) {
            if (_slots.count({permit, {}}) != 0) continue; // answered meanwhile
            limit.inFlight.push_back(flight);
            limit.inFlightWeight += flight.weight;
        }
        limit.cooling.clear();
        limit.coolingWeight = 0;
        limit.past.clear();
        // What lies before anything that is known to be released is released as well.
        TimePoint released = TimePoint::min();
        for (const auto& entry : _slots)
            if (!entry.second.cooling) released = std::max(released, entry.second.slot.release);
        for (const auto& entry : _slots) {
            const LimitState::Slot& slot = entry.second.slot;
            (slot.release > released ? limit.cooling : limit.past).push_back(slot);
            if (slot.release > released) limit.coolingWeight += slot.weight;
        }
        sort(limit.cooling);
        sort(limit.past);
    }

private:
    struct Entry
    {
        LimitState::Slot slot;
        bool cooling = false;
    };

    void add(const std::deque<LimitState::Slot>& slots, bool cooling)
    {
        for (const LimitState::Slot& slot : slots) {
            const TimePoint apart = slot.permit == 0 ? slot.release : TimePoint{};
            const auto [at, isNew] = _slots.emplace(std::make_pair(slot.permit, apart), Entry{slot, cooling});
            if (isNew) continue;
            Entry& known = at->second;
            known.cooling = known.cooling || cooling;
            known.slot.release = std::max(known.slot.release, slot.release);
            known.slot.weight = std::max(known.slot.weight, slot.weight);
        }
    }

    static void sort(std::deque<LimitState::Slot>& slots)
    {
        std::sort(slots.begin(), slots.end(), [](const LimitState::Slot& a, const LimitState::Slot& b) {
            return std::tie(a.release, a.permit) < std::tie(b.release, b.permit);
        });
    }

    std::map<PermitId, LimitState::Flight> _flights;
    std::map<std::pair<PermitId, TimePoint>, Entry> _slots;
};

/// All words of the server; of two on the same window the smaller one counts.
void mergeAllowances(std::vector<LimitState::Allowance>& allowances, const std::vector<LimitState::Allowance>& others)
{
    constexpr std::size_t enough = 8;
    const auto order = [](const auto& a, const auto& b) {
        return std::tie(a.until, a.quota, a.left) < std::tie(b.until, b.quota, b.left);
    };
    allowances.insert(allowances.end(), others.begin(), others.end());
    std::sort(allowances.begin(), allowances.end(), order);
    allowances.erase(std::unique(allowances.begin(), allowances.end(),
                                 [](const auto& a, const auto& b) { return a.until == b.until && a.quota == b.quota; }),
                     allowances.end());
    if (allowances.size() > enough) allowances.erase(allowances.begin(), allowances.end() - enough); // those that end first
}

void merge(LimitState& limit, const LimitState& other)
{
    Log log;
    log.add(limit);
    log.add(other);
    log.writeTo(limit);

    limit.spent = std::max(limit.spent, other.spent);
    limit.shutUntil = std::max(limit.shutUntil, other.shutUntil);
    limit.paced = std::max(limit.paced, other.paced);
    limit.capacity = smallerSaid(limit.capacity, other.capacity);
    limit.serverCapacity = smallerSaid(limit.serverCapacity, other.serverCapacity);
    limit.shape = std::max(limit.shape, other.shape);
    limit.contradicted = limit.contradicted || other.contradicted;
    limit.serverSilent = limit.serverSilent && other.serverSilent;
    mergeAllowances(limit.allowances, other.allowances);
}

void merge(LockoutPolicy& policy, const LockoutPolicy& other)
{
    const bool alike = policy.declared == other.declared;
    limits::tighten(policy, other);
    if (!alike) return; // the one that was declared counts as a whole
    std::set<std::string> markers(policy.markers.begin(), policy.markers.end());
    markers.insert(other.markers.begin(), other.markers.end());
    policy.markers.assign(markers.begin(), markers.end());
}

void mergePaths(VersionState& version, const VersionState& other)
{
    std::map<std::uint32_t, TimePoint> newest;
    for (const auto* paths : {&std::as_const(version.goodPaths), &other.goodPaths}) {
        for (const auto& [path, time] : *paths) {
            const auto [at, isNew] = newest.emplace(path, time);
            if (!isNew) at->second = std::max(at->second, time);
        }
    }
    version.goodPaths.assign(newest.begin(), newest.end());
    std::sort(version.goodPaths.begin(), version.goodPaths.end(),
              [](const auto& a, const auto& b) { return std::tie(b.second, b.first) < std::tie(a.second, a.first); });
    if (version.goodPaths.size() > mostGoodPaths) version.goodPaths.resize(mostGoodPaths);
}

void merge(VersionState& version, const VersionState& other)
{
    version.verdict = std::max(version.verdict, other.verdict); // Unverified, Good, Bad
    version.nextTry = std::max(version.nextTry, other.nextTry);
    version.strikes = std::max(version.strikes, other.strikes);
    std::tie(version.canary, version.canaryLapse) =
        std::max(std::make_pair(version.canary, version.canaryLapse), std::make_pair(other.canary, other.canaryLapse));
    latest(version.lastGood, other.lastGood);
    latest(version.lastUsed, other.lastUsed);
    version.uses = std::max(version.uses, other.uses);
    version.lastFour = std::max(version.lastFour, other.lastFour);
    mergePaths(version, other);
}

void merge(GateState& gate, const GateState& other)
{
    merge(gate.policy, other.policy);
    for (const auto& [name, version] : other.versions) {
        const auto [at, isNew] = gate.versions.emplace(name, version);
        if (!isNew) merge(at->second, version);
    }
    std::map<PermitId, TimePoint> flights;
    for (const auto* some : {&std::as_const(gate.inFlight), &other.inFlight})
        for (const GateState::Flight& flight : *some) flights[flight.permit] = std::max(flights[flight.permit], flight.lapse);
    gate.inFlight.clear();
    for (const auto& [permit, lapse] : flights) gate.inFlight.push_back({permit, lapse});

    // The cause belongs to the later lock or suspicion.
    if (std::tie(gate.lockedUntil, gate.lastRejected, gate.cause) < std::tie(other.lockedUntil, other.lastRejected, other.cause))
        gate.cause = other.cause;
    latest(gate.lastRejected, other.lastRejected);
    gate.rejectedPermit = std::max(gate.rejectedPermit, other.rejectedPermit);
    gate.rejections = std::max(gate.rejections, other.rejections);
    latest(gate.lockedUntil, other.lockedUntil);
    gate.locks = std::max(gate.locks, other.locks);
    std::tie(gate.probe, gate.probeLapse) =
        std::max(std::make_pair(gate.probe, gate.probeLapse), std::make_pair(other.probe, other.probeLapse));
    gate.failedProbes = std::max(gate.failedProbes, other.failedProbes);
    std::tie(gate.lastForbidden, gate.forbiddenPath) = std::max(std::make_pair(gate.lastForbidden, gate.forbiddenPath),
                                                                std::make_pair(other.lastForbidden, other.forbiddenPath));
}

template <class Flights>
std::set<PermitId> permitsOf(const Flights& flights)
{
    std::set<PermitId> permits;
    for (const auto& flight : flights) permits.insert(flight.permit);
    return permits;
}

template <class Flights>
std::set<PermitId> gone(const Flights& before, const Flights& after)
{
    std::set<PermitId> permits = permitsOf(before);
    for (const PermitId still : permitsOf(after)) permits.erase(still);
    return permits;
}

template <class Flights>
void removeAll(Flights& flights, const std::set<PermitId>& permits)
{
    flights.erase(
        std::remove_if(flights.begin(), flights.end(), [&](const auto& flight) { return permits.count(flight.permit) != 0; }),
        flights.end());
}

} // namespace

void mergeStates(QuotaState& state, const QuotaState& other)
{
    for (const auto& [id, limit] : other.limits) {
        const auto [at, isNew] = state.limits.emplace(id, limit);
        if (!isNew) merge(at->second, limit);
    }
    merge(state.gate, other.gate);
    state.lastPermit = std::max(state.lastPermit, other.lastPermit);
    state.share = std::max(state.share, other.share);
    for (const auto& [member, seen] : other.members) {
        const auto [at, isNew] = state.members.emplace(member, seen);
        if (!isNew) at->second = std::max(at->second, seen);
    }
}

void landSettled(QuotaState& state, const QuotaState& before, const QuotaState& after)
{
    for (auto& [id, limit] : state.limits) {
        const auto was = before.limits.find(id);
        const auto is = after.limits.find(id);
        if (was == before.limits.end() || is == after.limits.end()) continue;
        removeAll(limit.inFlight, gone(was->second.inFlight, is->second.inFlight));
        limit.inFlightWeight = 0;
        for (const LimitState::Flight& flight : limit.inFlight) limit.inFlightWeight += flight.weight;
    }
    GateState& gate = state.gate;
    removeAll(gate.inFlight, gone(before.gate.inFlight, after.gate.inFlight));
    if (gate.probe != 0 && gate.probe == before.gate.probe && after.gate.probe != gate.probe) gate.probe = 0;
    for (auto& [name, version] : gate.versions) {
        const auto was = before.gate.versions.find(name);
        const auto is = after.gate.versions.find(name);
        if (was == before.gate.versions.end() || version.canary == 0 || version.canary != was->second.canary) continue;
        if (is == after.gate.versions.end() || is->second.canary != version.canary) version.canary = 0;
    }
}

} // namespace tollgate::stores
