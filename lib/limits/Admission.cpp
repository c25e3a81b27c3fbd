#include "limits/Admission.h"

#include <algorithm>

namespace tollgate::limits {

namespace {

constexpr Duration withoutDeadline = std::chrono::minutes(10); ///< patience of a permit whose call has no deadline

LimitState& stateOf(QuotaState& state, const RateLimitPolicy& policy)
{
    const auto known = state.limits.find(policy.id());
    LimitState& limit = known != state.limits.end() ? known->second : state.limits[policy.id()];
    policy.declare(limit);
    return limit;
}

Admission refusal(const GateAnswer& answer, const GateState& gate)
{
    Admission admission;
    switch (answer.kind) {
    case GateAnswer::Kind::Busy: admission.kind = Admission::Kind::Busy; break;
    case GateAnswer::Kind::Rejected: admission.kind = Admission::Kind::Rejected; break;
    case GateAnswer::Kind::Locked: admission.kind = Admission::Kind::Locked; break;
    default: return admission;
    }
    admission.wait = answer.wait;
    admission.cause = gate.cause;
    return admission;
}

/// The longest of the limits' waits. `stateOf(policy)` answers what a policy remembers.
template <class StateOf>
Admission longestWait(const Ask& ask, TimePoint now, const StateOf& stateOf)
{
    Admission admission;
    Duration longest{};
    for (std::size_t i = 0; i < ask.limits.size(); ++i) {
        const RateLimitPolicy& policy = *ask.limits[i];
        const Duration wait = policy.decide(stateOf(i), now, ask.weight, ask.ahead);
        if (wait <= longest) continue;
        longest = wait;
        admission.binding = &policy;
    }
    if (longest == Duration::max()) {
        admission.kind = Admission::Kind::TooHeavy;
    } else if (longest > Duration::zero()) {
        admission.kind = Admission::Kind::Wait;
        admission.wait = longest;
    }
    return admission;
}

} // namespace

Admission foresee(const QuotaState& state, const Ask& ask, TimePoint now)
{
    if (!ask.version.empty()) {
        const GateAnswer answer = gateAsks(state.gate, ask.version, now);
        if (answer.kind == GateAnswer::Kind::Locked || answer.kind == GateAnswer::Kind::Rejected)
            return refusal(answer, state.gate);
    }
    return longestWait(ask, now, [&](std::size_t i) -> const LimitState& {
        static const LimitState untouched;
        const auto known = state.limits.find(ask.limits[i]->id());
        return known == state.limits.end() ? untouched : known->second;
    });
}

Admission admit(QuotaState& state, const Ask& ask, TimePoint now)
{
    GateAnswer gate;
    if (!ask.version.empty()) {
        gateDeclares(state.gate, ask.lockout);
        // Out of touch with the others of a shared store, each process has one request under way.
        gate = gateAsks(state.gate, ask.version, now, state.share > 1 ? 1 : ~0U);
        Admission refused = refusal(gate, state.gate);
        if (refused.kind != Admission::Kind::Granted) return refused;
    }
    thread_local std::vector<LimitState*> limits; // keeps its memory: this runs for each request
    limits.clear();
    for (const RateLimitPolicyPtr& policy : ask.limits) {
        limits.push_back(&stateOf(state, *policy));
        limits.back()->share = state.share;
        policy->tidy(*limits.back(), now);
    }
    Admission admission = longestWait(ask, now, [](std::size_t i) -> const LimitState& { return *limits[i]; });
    if (admission.kind != Admission::Kind::Granted) return admission;

    admission.permit = ++state.lastPermit;
    const Duration patience = ask.patience == Duration::max()
                                  ? withoutDeadline
                                  : std::clamp<Duration>(ask.patience, std::chrono::seconds(1), std::chrono::hours(24));
    for (std::size_t i = 0; i < limits.size(); ++i)
        ask.limits[i]->take(*limits[i], now, {admission.permit, ask.weight, patience});
    if (!ask.version.empty()) {
        gatePasses(state.gate, gate, ask.version, admission.permit, now, now + patience + std::chrono::seconds(5));
        std::string& lastFour = state.gate.versions[ask.version].lastFour;
        if (lastFour.empty()) lastFour = ask.lastFour;
    }
    return admission;
}

GateVerdict settleAnswered(QuotaState& state, const Ask& ask, PermitId permit, const ServerAnswer& answer, TimePoint now)
{
    for (const RateLimitPolicyPtr& policy : ask.limits) policy->answered(stateOf(state, *policy), now, permit, answer);
    if (ask.version.empty()) return GateVerdict::Fine;
    return gateAnswered(state.gate, ask.version, permit, answer, ask.path, now);
}

void settleAbandoned(QuotaState& state, const Ask& ask, PermitId permit, Delivery delivery, TimePoint now)
{
    for (const RateLimitPolicyPtr& policy : ask.limits) policy->abandoned(stateOf(state, *policy), now, permit, delivery);
    if (!ask.version.empty()) gateAbandoned(state.gate, ask.version, permit, now);
}

} // namespace tollgate::limits
