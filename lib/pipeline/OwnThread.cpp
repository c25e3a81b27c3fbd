#include "pipeline/OwnThread.h"

namespace tollgate::pipeline {

Parker& OwnThread::parker()
{
    const std::lock_guard<std::mutex> lock(_mutex);
    if (!_parker) _parker = _clock.parker();
    return *_parker;
}

void OwnThread::wake(CallImpl& /*the only one, or its child*/) { parker().unpark(); }

void OwnThread::run(CallImpl& call)
{
    CancellationRegistration cancelled;
    if (call.cancellation().canBeCancelled()) cancelled = call.cancellation().onCancel([this] { parker().unpark(); });
    for (;;) {
        Step step = call.step();
        if (step.done) return;
        if (step.first)
            run(static_cast<CallImpl&>(*step.first));
        else
            parker().park(step.until);
    }
}

} // namespace tollgate::pipeline
