#include "pipeline/Report.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace tollgate::pipeline {

namespace {

/// What a server said so long ago. A wait that is over stays one: none at all would mean that the server did not say.
void age(ServerHint& hint, Duration by)
{
    const auto shorten = [by](std::optional<Duration>& wait) {
        if (wait && *wait > Duration::zero()) wait = std::max(*wait - by, Duration(1));
    };
    shorten(hint.retryAfter);
    for (ServerHint::Quota& quota : hint.quotas) shorten(quota.reset);
}

std::uint64_t roomOf(const limits::Ask& ask, const QuotaState& state, TimePoint now)
{
    std::uint64_t room = 0;
    for (const auto& policy : ask.limits)
        if (const auto limit = state.limits.find(policy->id()); limit != state.limits.end())
            room += std::min<std::uint64_t>(policy->remaining(limit->second, now), 1'000'000'000);
    return room;
}

} // namespace

void Report::run(QuotaState& state, TimePoint now)
{
    const std::string& version = ask.version;
    const GateStanding before = limits::gateStands(state.gate, now);
    forget();
    moved = !version.empty() && limits::gateWaitsFor(state.gate, version, permit);
    if (!answer) {
        limits::settleAbandoned(state, ask, permit, delivery, now);
        moved = true;
        return;
    }
    const auto contradicted = [&state](const RateLimitPolicyPtr& policy) {
        const auto limit = state.limits.find(policy->id());
        return limit != state.limits.end() && limit->second.contradicted;
    };
    const bool refused = answer->status == 429 || answer->status == 403;
    std::vector<bool> known;
    if (refused)
        for (const auto& policy : ask.limits) known.push_back(contradicted(policy));
    const auto entry = state.gate.versions.find(version);
    using Known = VersionState::Verdict;
    const Known was = entry != state.gate.versions.end() ? entry->second.verdict : Known::Unverified;
    const bool told = entry != state.gate.versions.end() && limits::gateWaitsFor(state.gate, version, permit);
    const std::uint64_t roomBefore = answer->hint.quotas.empty() ? 0 : roomOf(ask, state, now);

    verdict = limits::settleAnswered(state, ask, permit, *answer, now);

    for (std::size_t i = 0; i < known.size(); ++i)
        if (!known[i] && contradicted(ask.limits[i])) steppedDown = ask.limits[i].get();
    if (answer->status >= 400) shutFor = limits::foresee(state, ask, now).wait.value_or(Duration::zero());
    if (!answer->hint.quotas.empty() && roomOf(ask, state, now) > roomBefore) moved = true; // the server allows more than before
    if (version.empty()) return;
    const Known is = state.gate.versions[version].verdict;
    // The first key of all is no news.
    accepted = is == Known::Good && (was == Known::Bad || (was != Known::Good && state.gate.versions.size() > 1));
    rejected = verdict == limits::GateVerdict::Rejected && (was != Known::Bad || told); // not for each straggler
    const GateStanding after = limits::gateStands(state.gate, now);
    locked = after == GateStanding::Locked && before != GateStanding::Locked;
    unlocked = (before == GateStanding::Locked || before == GateStanding::HalfOpen) &&
               (after == GateStanding::Open || after == GateStanding::Suspicious);
    moved = moved || before != after;
    if (verdict == limits::GateVerdict::Fine) return;
    gateWait = limits::gateAsks(state.gate, version, now).wait;
    cause = state.gate.cause;
    moved = true;
}

void Report::forget()
{
    verdict = limits::GateVerdict::Fine;
    moved = rejected = accepted = unlocked = locked = false;
    shutFor = Duration::zero();
    gateWait.reset();
    cause.clear();
    steppedDown = nullptr;
}

QuotaStore::Change Report::forLater() const
{
    struct Kept
    {
        std::vector<RateLimitPolicyPtr> limits;
        LockoutPolicy lockout;
        std::string version;
        std::string lastFour;
        std::optional<ServerAnswer> answer;
        TimePoint at = std::chrono::steady_clock::now(); ///< what it says holds from then on
    };
    auto kept = std::make_shared<const Kept>(Kept{ask.limits, ask.lockout, ask.version, std::string(ask.lastFour),
                                                  answer ? std::optional<ServerAnswer>(*answer) : std::nullopt});
    const limits::Ask asked{kept->limits, kept->lockout, kept->version, ask.weight,
                            ask.ahead,    ask.patience,  ask.path,      kept->lastFour};
    return [kept = std::move(kept), asked, permit = permit, delivery = delivery](QuotaState& state, TimePoint now) {
        Report report{asked, permit};
        report.delivery = delivery;
        std::optional<ServerAnswer> said = kept->answer;
        if (said) {
            age(said->hint, std::chrono::steady_clock::now() - kept->at);
            report.answer = &*said;
        }
        report.run(state, now);
    };
}

} // namespace tollgate::pipeline
