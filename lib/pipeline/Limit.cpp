#include "pipeline/Limit.h"

#include "ClientCore.h"
#include "tollgate/Error.h"

#include <algorithm>

namespace tollgate::pipeline {

using limits::Admission;

struct Limit::Slot
{
    const Family* family = nullptr;
    limits::Ticket ticket;
    std::shared_ptr<const ClientCore::Version> version;
    PermitId permit = 0; ///< 0: none held
    std::size_t attemptsBefore = 0;
    bool inLine = false;

    limits::Ask ask(const ClientCore& core, unsigned weight, std::uint64_t ahead) const
    {
        return {family->limits, core.options.lockout, version->key, weight, ahead};
    }
};

const Limit::Family& Limit::familyOf(const CallImpl& call)
{
    const std::string_view path = _core.pathBelowBase(call.url());
    const auto& all = _core.options.limits;
    std::uint64_t covering = 0;
    for (std::size_t i = 0; i < all.size(); ++i)
        if (all[i]->covers(path)) covering |= std::uint64_t{1} << i;

    const std::lock_guard<std::mutex> lock(_mutex);
    auto& family = _families[covering];
    if (!family) {
        auto made = std::make_unique<Family>();
        std::string name;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (!(covering >> i & 1)) continue;
            made->limits.push_back(all[i]);
            name += all[i]->id() + '\n';
        }
        made->line = _core.account->line(name);
        family = std::move(made);
    }
    return *family;
}

Verdict Limit::before(Call& each)
{
    auto& call = static_cast<CallImpl&>(each);
    if (call.foreign) return Verdict::proceed();

    Slot& slot = call.slot<Slot>(*this);
    if (!slot.family) slot.family = &familyOf(call);
    // The newest version at the moment of asking: a call that waited binds to the credential it will be sent with.
    slot.version = _core.versionOf(call.credential);
    if (slot.family->limits.empty() && slot.version->key.empty()) return Verdict::proceed();

    const unsigned weight = call.request().weight();
    const TimePoint now = call.clock().now();
    limits::Line& line = *slot.family->line;
    if (!slot.inLine) {
        slot.inLine = true;
        if (call.number == 0) call.number = _core.account->drawNumber();
        const std::uint64_t ahead = line.join(slot.ticket, call, call.number, weight);
        if (ahead > 0) {
            // What the first was told, and the rounds that those ahead take, bound the wait without asking the store.
            static const QuotaState untouched;
            const Admission behind = limits::foresee(untouched, slot.ask(_core, weight, ahead), now);
            Admission bound = behind;
            bound.wait = std::max(behind.wait.value_or(Duration::zero()), line.notBefore() - now);
            if (behind.kind == Admission::Kind::TooHeavy || (call.deadline() != never && *bound.wait > call.deadline() - now)) {
                if (bound.kind == Admission::Kind::Granted) bound.kind = Admission::Kind::Wait;
                return refuse(call, slot, bound);
            }
        }
    }
    if (!line.isFirst(slot.ticket)) return Verdict::wait(call.deadline(), "permit");

    Admission admission;
    const limits::Ask ask = slot.ask(_core, weight, 0);
    _core.account->update(
        [&admission, &ask](QuotaState& state, TimePoint storeNow) { admission = limits::admit(state, ask, storeNow); });
    switch (admission.kind) {
    case Admission::Kind::Granted:
        slot.permit = admission.permit;
        slot.attemptsBefore = call.attempts().size();
        line.notBefore({});
        line.leave(slot.ticket);
        return Verdict::proceed();
    case Admission::Kind::Wait:
        line.notBefore(now + *admission.wait);
        if (call.deadline() != never && *admission.wait >= call.deadline() - now) return refuse(call, slot, admission);
        return Verdict::wait(now + *admission.wait, "permit");
    case Admission::Kind::Busy:
        // Whoever flies wakes the lines of this process; another process cannot, so look again now and then.
        line.notBefore({});
        return Verdict::wait(std::min(call.deadline(), now + std::chrono::milliseconds(500)), "permit");
    default: return refuse(call, slot, admission);
    }
}

Verdict Limit::refuse(CallImpl& call, Slot& slot, const Admission& admission) const
{
    slot.family->line->leave(slot.ticket);
    ErrorDetails details;
    details.delivery = call.delivery();
    details.cause = admission.cause;
    if (admission.wait) {
        details.retryIn = admission.wait;
        details.notBefore = call.clock().wallNow() + std::chrono::ceil<WallTime::duration>(*admission.wait);
    }
    const std::string when = admission.wait ? " in " + secondsText(*admission.wait) : std::string();
    switch (admission.kind) {
    case Admission::Kind::Rejected:
        details.message = "the server answered 401 to this credential before, so the call was not sent";
        details.hint = admission.wait
                           ? "Fix or rotate the credential: a new one is used at once. This one is tried once more" + when + "."
                           : "Fix or rotate the credential: a new one is used at once. This one is not tried again.";
        return Verdict::answer(ErrorPtr(std::make_shared<CredentialRejected>(std::move(details))));
    case Admission::Kind::Locked:
        details.message = "the account is locked, so the call was not sent: " + admission.cause;
        details.hint = "Wait: the lock is thought to end" + when +
                       ", then one call goes first to find out. More tries would only prolong it.";
        return Verdict::answer(ErrorPtr(std::make_shared<LockedOut>(std::move(details))));
    case Admission::Kind::TooHeavy:
        details.retryIn.reset();
        details.notBefore.reset();
        details.message =
            "the call weighs more than a limit ever lets go at once: " + (admission.binding ? admission.binding->describe() : "");
        details.hint = "Give it a smaller weight, or split it.";
        return Verdict::answer(ErrorPtr(std::make_shared<InvalidRequest>(std::move(details))));
    default:
        details.message = "the limit leaves no room before the call's deadline" +
                          (admission.binding ? ": " + admission.binding->describe() : std::string());
        details.hint = "It can go" + when + ". Send later, give it a longer timeout, or spread the calls.";
        return Verdict::answer(ErrorPtr(std::make_shared<RateLimited>(std::move(details))));
    }
}

Verdict Limit::after(Call& each, Outcome& outcome)
{
    auto& call = static_cast<CallImpl&>(each);
    if (call.foreign) return Verdict::proceed();
    Slot& slot = call.slot<Slot>(*this);
    if (slot.permit != 0) settle(call, slot, outcome);
    if (slot.inLine) slot.family->line->leave(slot.ticket);
    slot.inLine = false;
    return Verdict::proceed();
}

void Limit::settle(CallImpl& call, Slot& slot, const Outcome& outcome)
{
    const PermitId permit = std::exchange(slot.permit, 0);
    const limits::Ask ask = slot.ask(_core, call.request().weight(), 0);
    // One pointer for the store's function object, so that it needs no memory of its own.
    struct Report
    {
        const limits::Ask& ask;
        const ResponseHead* head; ///< what the server answered; null: nothing
        PermitId permit;
        Delivery delivery;
        limits::GateVerdict verdict = limits::GateVerdict::Fine;
        bool moved = false;
        Duration shutFor{};
        std::optional<Duration> gateWait{};
        std::string cause{};
    } report{ask, nullptr, permit, Delivery::NotSent};
    // What the server did counts, not what a stage made of it: an attempt that was recorded, and the status it came back with.
    const auto& attempts = call.attempts();
    ResponseHead bare;
    if (attempts.size() > slot.attemptsBefore) {
        report.delivery = attempts.back().delivery == Delivery::NotSent ? Delivery::NotSent : Delivery::MaybeProcessed;
        bare.status = attempts.back().status;
        if (bare.status != 0) report.head = outcome && outcome->status() == bare.status ? &outcome->head() : &bare;
    }
    _core.account->update([&report](QuotaState& state, TimePoint now) {
        const std::string& version = report.ask.version;
        report.moved = !version.empty() && limits::gateWaitsFor(state.gate, version, report.permit);
        if (!report.head) {
            limits::settleAbandoned(state, report.ask, report.permit, report.delivery, now);
            report.moved = true;
            return;
        }
        report.verdict = limits::settleAnswered(state, report.ask, report.permit, *report.head, now);
        if (report.head->status == 429) report.shutFor = limits::foresee(state, report.ask, now).wait.value_or(Duration::zero());
        if (report.verdict == limits::GateVerdict::Fine) return;
        report.gateWait = limits::gateAsks(state.gate, version, now).wait;
        report.cause = state.gate.cause;
        report.moved = true;
    });
    call.locked = report.verdict == limits::GateVerdict::Locked;
    call.shutFor = report.shutFor;
    call.gateWait = report.gateWait;
    call.gateCause = std::move(report.cause);
    if (report.moved) _core.account->wakeAll();
}

} // namespace tollgate::pipeline
