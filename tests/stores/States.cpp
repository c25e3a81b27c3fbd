#include "stores/States.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

namespace tollgate::testing {

namespace {

class Dice
{
public:
    explicit Dice(std::uint64_t seed) : _random(seed) {}

    std::uint64_t upTo(std::uint64_t most) { return std::uniform_int_distribution<std::uint64_t>(0, most)(_random); }
    unsigned small(std::uint64_t most) { return static_cast<unsigned>(upTo(most)); }
    bool coin() { return upTo(1) == 1; }

    TimePoint time()
    {
        switch (upTo(9)) {
        case 0: return {};
        case 1: return never;
        case 2: return TimePoint(Duration(-static_cast<std::int64_t>(upTo(1'000'000'000))));
        default: return TimePoint(std::chrono::hours(5) + Duration(upTo(10'000'000'000)));
        }
    }

    std::optional<TimePoint> maybeTime()
    {
        if (coin()) return std::nullopt;
        return time();
    }

    std::string text(std::size_t most)
    {
        std::string text;
        for (std::size_t left = upTo(most); left > 0; --left) text += static_cast<char>(upTo(255));
        return text;
    }

private:
    std::mt19937_64 _random;
};

std::deque<LimitState::Slot> slots(Dice& dice, unsigned count, TimePoint release, PermitId& permit, std::uint64_t& weight)
{
    std::deque<LimitState::Slot> all;
    weight = 0;
    for (unsigned i = 0; i < count; ++i) {
        release += Duration(dice.upTo(600'000'000));
        all.push_back({release, permit += 1 + dice.upTo(2), 1 + dice.small(3)});
        weight += all.back().weight;
    }
    return all;
}

LimitState limitState(Dice& dice, unsigned count)
{
    LimitState limit;
    PermitId permit = dice.upTo(1'000'000);
    for (unsigned left = dice.small(4); left > 0; --left) {
        limit.inFlight.push_back({permit += 1 + dice.upTo(5), 1 + dice.small(5), dice.time(), dice.upTo(1'000'000)});
        limit.inFlightWeight += limit.inFlight.back().weight;
    }
    std::uint64_t released = 0;
    limit.past = slots(dice, count / 2, TimePoint(std::chrono::hours(1)), permit, released);
    limit.cooling = slots(dice, count, TimePoint(std::chrono::hours(2)), permit, limit.coolingWeight);
    limit.spent = dice.upTo(~std::uint64_t{0});
    limit.shutUntil = dice.time();
    limit.paced = dice.time();
    limit.capacity = dice.small(1'000);
    limit.serverCapacity = dice.small(1'000);
    limit.shape = static_cast<Shape>(dice.upTo(2));
    limit.contradicted = dice.coin();
    limit.serverSilent = dice.coin();
    for (unsigned left = dice.small(3); left > 0; --left)
        limit.allowances.push_back({10 * left + dice.small(9), dice.time(), static_cast<std::int64_t>(dice.upTo(1'000)) - 10});
    std::sort(limit.allowances.begin(), limit.allowances.end(),
              [](const auto& a, const auto& b) { return std::tie(a.until, a.quota) < std::tie(b.until, b.quota); });
    return limit;
}

VersionState versionState(Dice& dice)
{
    VersionState version;
    version.verdict = static_cast<VersionState::Verdict>(dice.upTo(2));
    version.nextTry = dice.time();
    version.strikes = dice.small(9);
    version.canary = dice.upTo(3);
    version.canaryLapse = dice.time();
    version.lastGood = dice.maybeTime();
    version.lastUsed = dice.maybeTime();
    version.uses = dice.upTo(1'000'000);
    version.lastFour = dice.text(4);
    // Different moments, or "the newest eight" would be ambiguous.
    for (std::uint32_t i = 0; i < dice.upTo(8); ++i)
        version.goodPaths.emplace_back(dice.small(20) * 16 + i, TimePoint(Duration(dice.upTo(~std::uint64_t{0} >> 2))));
    return version;
}

GateState gateState(Dice& dice)
{
    GateState gate;
    LockoutPolicy& policy = gate.policy;
    policy.declared = dice.coin();
    for (Duration* one :
         {&policy.quiet, &policy.maxQuiet, &policy.lockFor, &policy.maxLock, &policy.suspicion, &policy.fresh, &policy.pause})
        *one = Duration(dice.upTo(~std::uint64_t{0} >> 2));
    policy.tolerance = dice.small(5);
    policy.strict = dice.coin();
    policy.inFlight = dice.small(5);
    policy.hidesLock = dice.coin();
    for (std::uint64_t i = 0, count = dice.upTo(3); i < count; ++i) policy.markers.push_back("marker " + std::to_string(i));
    for (std::uint64_t left = dice.upTo(4); left > 0; --left)
        gate.versions.emplace("version " + std::to_string(dice.upTo(5)) + dice.text(1), versionState(dice));
    PermitId permit = 0;
    for (std::uint64_t left = dice.upTo(4); left > 0; --left) gate.inFlight.push_back({permit += 1 + dice.upTo(5), dice.time()});
    gate.lastRejected = dice.maybeTime();
    gate.rejectedPermit = dice.upTo(1'000);
    gate.rejections = dice.small(4);
    gate.lockedUntil = dice.maybeTime();
    gate.locks = dice.small(4);
    gate.probe = dice.upTo(2);
    gate.probeLapse = dice.time();
    gate.failedProbes = dice.small(4);
    gate.cause = dice.text(40);
    gate.lastForbidden = dice.maybeTime();
    gate.forbiddenPath = dice.small(1'000);
    return gate;
}

auto fields(const LockoutPolicy& p)
{
    return std::tie(p.declared, p.quiet, p.maxQuiet, p.lockFor, p.maxLock, p.suspicion, p.tolerance, p.strict, p.inFlight,
                    p.fresh, p.pause, p.hidesLock, p.markers);
}

auto fields(const VersionState& v)
{
    return std::tie(v.verdict, v.nextTry, v.strikes, v.canary, v.canaryLapse, v.lastGood, v.lastUsed, v.uses, v.lastFour);
}

template <class Flights, class Fields>
auto sorted(const Flights& flights, const Fields& of)
{
    std::vector<decltype(of(flights.front()))> all;
    for (const auto& flight : flights) all.push_back(of(flight));
    std::sort(all.begin(), all.end());
    return all;
}

auto flightsOf(const LimitState& limit)
{
    return sorted(limit.inFlight, [](const auto& one) { return std::make_tuple(one.permit, one.weight, one.lapse, one.spent); });
}

auto flightsOf(const GateState& gate)
{
    return sorted(gate.inFlight, [](const auto& one) { return std::make_tuple(one.permit, one.lapse); });
}

auto pathsOf(const VersionState& version)
{
    auto paths = version.goodPaths;
    std::sort(paths.begin(), paths.end());
    return paths;
}

bool equal(const std::deque<LimitState::Slot>& a, const std::deque<LimitState::Slot>& b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const LimitState::Slot& x, const LimitState::Slot& y) {
        return std::tie(x.release, x.permit, x.weight) == std::tie(y.release, y.permit, y.weight);
    });
}

bool equal(const LimitState& a, const LimitState& b)
{
    const auto rest = [](const LimitState& s) {
        return std::tie(s.inFlightWeight, s.coolingWeight, s.spent, s.shutUntil, s.paced, s.capacity, s.serverCapacity, s.shape,
                        s.contradicted, s.serverSilent, s.allowances);
    };
    return flightsOf(a) == flightsOf(b) && equal(a.cooling, b.cooling) && equal(a.past, b.past) && rest(a) == rest(b);
}

bool equal(const GateState& a, const GateState& b)
{
    const auto rest = [](const GateState& s) {
        return std::tie(s.lastRejected, s.rejectedPermit, s.rejections, s.lockedUntil, s.locks, s.probe, s.probeLapse,
                        s.failedProbes, s.cause, s.lastForbidden, s.forbiddenPath);
    };
    const auto sameVersion = [](const auto& x, const auto& y) {
        return x.first == y.first && fields(x.second) == fields(y.second) && pathsOf(x.second) == pathsOf(y.second);
    };
    return fields(a.policy) == fields(b.policy) && flightsOf(a) == flightsOf(b) && rest(a) == rest(b) &&
           std::equal(a.versions.begin(), a.versions.end(), b.versions.begin(), b.versions.end(), sameVersion);
}

} // namespace

QuotaState randomState(std::uint64_t seed, unsigned count)
{
    Dice dice(seed);
    QuotaState state;
    for (std::uint64_t left = dice.upTo(3); left > 0; --left)
        state.limits.emplace("/path" + std::to_string(dice.upTo(4)) + "|60000000000", limitState(dice, count));
    state.gate = gateState(dice);
    state.lastPermit = dice.upTo(~std::uint64_t{0});
    for (std::uint64_t left = dice.upTo(4); left > 0; --left)
        state.members.emplace("member" + std::to_string(dice.upTo(9)), dice.time());
    return state;
}

bool equal(const QuotaState& a, const QuotaState& b)
{
    const auto sameLimit = [](const auto& x, const auto& y) { return x.first == y.first && equal(x.second, y.second); };
    return a.lastPermit == b.lastPermit && a.members == b.members && equal(a.gate, b.gate) &&
           std::equal(a.limits.begin(), a.limits.end(), b.limits.begin(), b.limits.end(), sameLimit);
}

} // namespace tollgate::testing
