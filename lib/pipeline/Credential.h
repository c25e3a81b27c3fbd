#pragma once

#include "ForkMutex.h"
#include "tollgate/Stage.h"

#include <atomic>
#include <memory>

namespace tollgate {
class ClientCore;
class CallImpl;
} // namespace tollgate

namespace tollgate::pipeline {

/// Asks the strategy for the newest usable credential. If it wants a request answered first (a token to be fetched), one call
/// does so and the others wait for it; if that one ends early, another takes over.
class CredentialStage final : public CallStage
{
public:
    explicit CredentialStage(const ClientCore& core) : _core(core) {}
    Verdict before(Call& call) override;
    Verdict after(Call& call, Outcome& outcome) override;

private:
    struct Flight;
    struct Slot;
    void comeFromFork();
    Verdict wait(CallImpl& call, Slot& slot, Request request);
    void leave(CallImpl& call, Slot& slot);
    ErrorPtr learn(const Outcome& outcome) const;
    void land(const std::shared_ptr<Flight>& flight, const Outcome& outcome);

    const ClientCore& _core;
    ForkMutex _mutex;
    std::shared_ptr<Flight> _flight;
    std::shared_ptr<Flight> _flightOfParent; ///< in a forked child: never lands, and is left as it is
    std::atomic<bool> _satisfied{false};     ///< the strategy has answered a credential since the last flight began
    unsigned _generation = forkGeneration;
};

} // namespace tollgate::pipeline
