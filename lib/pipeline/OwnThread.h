#pragma once

#include "pipeline/CallImpl.h"

#include <memory>

namespace tollgate::pipeline {

/// Drives one call, and the calls it waits for, on the caller's own thread.
class OwnThread final : public Driver
{
public:
    explicit OwnThread(Clock& clock) : _clock(clock) {}
    void wake(CallImpl& call) override;
    /// Returns when the call is done.
    void run(CallImpl& call);

private:
    Parker& parker();
    Clock& _clock;
    std::mutex _mutex;
    std::unique_ptr<Parker> _parker; ///< made when somebody first waits or wakes: most calls never do
};

} // namespace tollgate::pipeline
