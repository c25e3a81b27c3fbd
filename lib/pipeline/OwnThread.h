#pragma once

#include "ForkMutex.h"
#include "pipeline/CallImpl.h"

#include <atomic>

namespace tollgate::pipeline {

/// Drives one call, and the calls it waits for, on the caller's own thread.
class OwnThread final : public Driver
{
public:
    explicit OwnThread(Clock& clock) : _clock(clock) {}
    ~OwnThread() override { delete _parker.load(); }
    OwnThread(const OwnThread&) = delete;
    OwnThread& operator=(const OwnThread&) = delete;
    void wake(CallImpl& call) override;
    /// Returns when the call is done.
    void run(CallImpl& call);

private:
    Parker& parker();
    Clock& _clock;
    std::atomic<Parker*> _parker{nullptr}; ///< made when somebody first waits or wakes: most calls never do
    unsigned _generation = forkGeneration;
};

} // namespace tollgate::pipeline
