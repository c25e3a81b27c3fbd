#pragma once

#include "ForkMutex.h"
#include "tollgate/Stage.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace tollgate {
class ClientCore;
class CallImpl;
} // namespace tollgate

namespace tollgate::pipeline {

/// Retries in reserve: one is spent by each, a success gives a tenth back, so that retries never make up more than a tenth of the
/// load on a server that is in trouble.
class RetryBudget
{
public:
    explicit RetryBudget(double most) : _most(most), _left(most) {}
    bool spend();
    void refund();

private:
    ForkMutex _mutex;
    double _most;
    double _left;
};

/// One for each origin over one transport.
class RetryBudgets
{
public:
    std::shared_ptr<RetryBudget> find(const std::string& origin, double most);

private:
    ForkMutex _mutex;
    std::map<std::pair<std::string, double>, std::shared_ptr<RetryBudget>> _budgets;
};

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

    const ClientCore& _core;
    std::shared_ptr<RetryBudget> _budget;
};

} // namespace tollgate::pipeline
