#pragma once

#include "tollgate/Stage.h"

#include <mutex>

namespace tollgate {
class ClientCore;
class CallImpl;
} // namespace tollgate

namespace tollgate::pipeline {

/// A loop: is another attempt worth it? Decides by status, by what is known of the delivery, and by whether the request may be
/// sent twice. A connection that went stale in the pool, and a 401 that a fresher credential may cure, cost neither back-off nor
/// budget.
class Retry final : public CallStage
{
public:
    explicit Retry(const ClientCore& core);
    bool loop() const override { return true; }
    Verdict after(Call& call, Outcome& outcome) override;

private:
    struct Slot;
    struct Plan;
    Plan plan(const CallImpl& call, const Outcome& outcome) const;
    bool spend();
    void refund();

    const ClientCore& _core;
    std::mutex _mutex;
    double _budget; ///< retries in reserve
};

} // namespace tollgate::pipeline
