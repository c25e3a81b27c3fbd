#include "limits/Admission.h"

namespace tollgate::limits {

namespace {

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

Admission longestWait(const QuotaState& state, const Ask& ask, TimePoint now)
{
    static const LimitState untouched;
    Admission admission;
    Duration longest{};
    for (const RateLimitPolicyPtr& policy : ask.limits) {
        const auto known = state.limits.find(policy->id());
        const Duration wait = policy->decide(known == state.limits.end() ? untouched : known->second, now, ask.weight, ask.ahead);
        if (wait <= longest) continue;
        longest = wait;
        admission.binding = policy.get();
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
    return longestWait(state, ask, now);
}

Admission admit(QuotaState& state, const Ask& ask, TimePoint now)
{
    GateAnswer gate;
    if (!ask.version.empty()) {
        gateDeclares(state.gate, ask.lockout);
        gate = gateAsks(state.gate, ask.version, now);
        Admission refused = refusal(gate, state.gate);
        if (refused.kind != Admission::Kind::Granted) return refused;
    }
    for (const RateLimitPolicyPtr& policy : ask.limits) stateOf(state, *policy);
    Admission admission = longestWait(state, ask, now);
    if (admission.kind != Admission::Kind::Granted) return admission;

    admission.permit = ++state.lastPermit;
    for (const RateLimitPolicyPtr& policy : ask.limits) policy->take(stateOf(state, *policy), now, admission.permit, ask.weight);
    if (!ask.version.empty()) gatePasses(state.gate, gate, ask.version, admission.permit);
    return admission;
}

GateVerdict settleAnswered(QuotaState& state, const Ask& ask, PermitId permit, const ResponseHead& head, TimePoint now)
{
    for (const RateLimitPolicyPtr& policy : ask.limits) policy->answered(stateOf(state, *policy), now, permit, head);
    if (ask.version.empty()) return GateVerdict::Fine;
    return gateAnswered(state.gate, ask.version, permit, head, now);
}

void settleAbandoned(QuotaState& state, const Ask& ask, PermitId permit, Delivery delivery, TimePoint now)
{
    for (const RateLimitPolicyPtr& policy : ask.limits) policy->abandoned(stateOf(state, *policy), now, permit, delivery);
    if (!ask.version.empty()) gateAbandoned(state.gate, ask.version, permit, now);
}

} // namespace tollgate::limits
