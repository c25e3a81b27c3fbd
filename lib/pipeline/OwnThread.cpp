#include "pipeline/OwnThread.h"

#include <memory>

namespace tollgate::pipeline {

Parker& OwnThread::parker()
{
    Parker* known = _parker.load(std::memory_order_acquire);
    if (known) return *known;
    std::unique_ptr<Parker> fresh = _clock.parker();
    return _parker.compare_exchange_strong(known, fresh.get()) ? *fresh.release() : *known;
}

void OwnThread::wake(CallImpl& /*the only one, or its child*/) { parker().unpark(); }

void OwnThread::run(CallImpl& call)
{
    const auto watch = [&] {
        return call.cancellation().canBeCancelled() ? call.cancellation().onCancel([this] { parker().unpark(); })
                                                    : CancellationRegistration();
    };
    CancellationRegistration cancelled = watch();
    for (;;) {
        Step step = call.step();
        if (_generation != forkGeneration) { // a callback forked: a thread that is not here may hold on to the parker
            _generation = forkGeneration;
            _parker = nullptr;
            cancelled = watch();
        }
        if (step.done) return;
        if (step.first)
            run(static_cast<CallImpl&>(*step.first));
        else
            parker().park(step.until);
    }
}

} // namespace tollgate::pipeline
