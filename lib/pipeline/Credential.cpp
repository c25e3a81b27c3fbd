#include "pipeline/Credential.h"

#include "ClientCore.h"
#include "tollgate/Error.h"

#include <algorithm>
#include <mutex>
#include <vector>

namespace tollgate::pipeline {

/// One token request and those who wait for its outcome.
struct CredentialStage::Flight
{
    CallImpl* leader = nullptr; ///< null once it has ended
    TimePoint leaderDeadline = never;
    std::shared_ptr<CallImpl> child;
    std::vector<CallImpl*> waiting;
    bool landed = false;
    ErrorPtr failure;
};

struct CredentialStage::Slot
{
    std::shared_ptr<Flight> flight;
    unsigned flights = 0; ///< that this call began
    unsigned futile = 0;  ///< in a row, with nobody served between them
};

Verdict CredentialStage::before(Call& each)
{
    auto& call = static_cast<CallImpl&>(each);
    if (!call.carriesCredential()) {
        call.credential = nullptr;
        return Verdict::proceed();
    }
    if (const Slot* slot = call.slotIfAny<Slot>(*this); slot && slot->flight) {
        const std::lock_guard<ForkMutex> lock(_mutex);
        if (slot->flight->failure) return Verdict::answer(slot->flight->failure);
    }
    Acquired acquired = _core.options.auth->acquire({call.request(), call.clock().now(), call.clock().wallNow()});
    if (auto* credential = std::get_if<CredentialPtr>(&acquired)) {
        call.credential = std::move(*credential);
        if (!_satisfied.load(std::memory_order_relaxed)) _satisfied.store(true, std::memory_order_relaxed);
        return Verdict::proceed();
    }
    return wait(call, call.slot<Slot>(*this), std::get<Request>(std::move(acquired)));
}

/// In a forked child: those who wait for the flight do so in the parent, and none of them is there to be woken.
void CredentialStage::comeFromFork()
{
    if (_generation == forkGeneration) return;
    _generation = forkGeneration;
    if (!_flight) return;
    _flight->waiting.clear();
    _flightOfParent = std::move(_flight);
    _flight.reset();
}

Verdict CredentialStage::wait(CallImpl& call, Slot& slot, Request request)
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    comeFromFork();
    if (_flight && _flight == slot.flight && _flight->leader == &call) // woken early: the child still flies
        return Verdict::wait(call.deadline(), "credential", _flight->child);
    if (_flight) {
        if (_flight != slot.flight) {
            slot.flight = _flight;
            _flight->waiting.push_back(&call);
        }
        return Verdict::wait(call.deadline(), "credential");
    }
    // A strategy that is never satisfied must not keep a call busy for ever. But tokens may be good for a few calls only, and
    // others quicker to take them.
    if (_satisfied.exchange(false, std::memory_order_relaxed)) slot.futile = 0;
    if (++slot.futile > 3 || ++slot.flights > 100)
        throw ConfigurationError("the authentication strategy asks for one token after another",
                                 "Its acquire() must answer a credential once learn() has got a token.");
    _flight = slot.flight = std::make_shared<Flight>();
    _flight->leader = &call;
    _flight->leaderDeadline = call.deadline();
    request.deadline(std::min(request.deadline(), call.deadline()));
    request.cancellation(CancellationToken::either(request.cancellation(), call.anyCancellation()));
    _flight->child = std::make_shared<CallImpl>(_core.bare(), std::move(request), call.driver());
    // The child may outlive the leader, and with it the last client: it keeps the core that this stage belongs to.
    _flight->child->onDone(
        [this, core = _core.shared_from_this(), flight = _flight](Outcome& outcome) { land(flight, outcome); });
    return Verdict::wait(call.deadline(), "credential", _flight->child);
}

ErrorPtr CredentialStage::learn(const Outcome& outcome) const
{
    try {
        _core.options.auth->learn(outcome ? bufferedOutcome(outcome) : outcome);
        return nullptr;
    } catch (...) {
        return currentError("the authentication strategy could not use the token answer", Delivery::NotSent);
    }
}

void CredentialStage::land(const std::shared_ptr<Flight>& flight, const Outcome& outcome)
{
    // A flight that ended because its leader did is lost, not landed: nobody learns from it, and the others elect a new leader.
    const bool cancelled = !outcome && dynamic_cast<const Cancelled*>(&outcome.error());
    const bool late = !outcome && _core.clock().now() >= flight->leaderDeadline;
    ErrorPtr failure = cancelled || late ? nullptr : learn(outcome);
    const std::lock_guard<ForkMutex> lock(_mutex);
    comeFromFork();
    flight->landed = true;
    flight->failure = std::move(failure);
    flight->child.reset();
    if (_flight == flight) _flight.reset();
    if (flight->leader) flight->leader->wake();
    for (CallImpl* call : flight->waiting) call->wake();
    flight->waiting.clear();
}

Verdict CredentialStage::after(Call& each, Outcome& outcome)
{
    auto& call = static_cast<CallImpl&>(each);
    if (!call.carriesCredential()) return Verdict::proceed();
    if (Slot* slot = call.slotIfAny<Slot>(*this); slot && slot->flight) leave(call, *slot);
    call.fresherCredential = false;
    if (!outcome || outcome->status() != 401 || !call.credential) return Verdict::proceed();
    try {
        call.fresherCredential = _core.options.auth->onChallenge(outcome->head(), *call.credential);
    } catch (...) { // a source that failed: the server's 401 is what happened to this call, and the next one will say the rest
        static_cast<void>(currentError("", Delivery::Answered));
    }
    return Verdict::proceed();
}

void CredentialStage::leave(CallImpl& call, Slot& slot)
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    comeFromFork();
    auto& waiting = slot.flight->waiting;
    waiting.erase(std::remove(waiting.begin(), waiting.end(), &call), waiting.end());
    const bool leads = slot.flight->leader == &call;
    if (leads) slot.flight->leader = nullptr;
    if (leads && !slot.flight->landed) {
        // The leader ends before its child: whoever waits elects another one.
        if (_flight == slot.flight) _flight.reset();
        for (CallImpl* other : waiting) other->wake();
        waiting.clear();
        if (slot.flight->child) slot.flight->child->cancel();
    }
    slot.flight.reset();
}

} // namespace tollgate::pipeline
