#include "pipeline/Retry.h"

#include "ClientCore.h"
#include "SharedBy.h"
#include "limits/ServerHints.h"
#include "tollgate/Error.h"

#include <algorithm>
#include <mutex>
#include <random>
#include <string_view>

namespace tollgate::pipeline {

namespace {

constexpr unsigned staleRepeats = 3; ///< a pool may hold several dead connections; more than that is no coincidence

Duration between(Duration low, Duration high)
{
    thread_local std::minstd_rand generator{std::random_device{}()};
    thread_local unsigned generation = forkGeneration;
    if (generation != forkGeneration) { // else all children of a fork would come back at the same moments
        generation = forkGeneration;
        generator.seed(std::random_device{}());
    }
    return Duration(std::uniform_int_distribution<Duration::rep>(low.count(), std::max(low, high).count())(generator));
}

bool idempotentMethod(std::string_view method)
{
    for (const char* one : {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
        if (method == one) return true;
    return false;
}

bool mayRunTwice(const Request& request)
{
    switch (request.repeat()) {
    case Repeat::Safe: return true;
    case Repeat::Never: return false;
    case Repeat::ByMethod: break;
    }
    return idempotentMethod(request.method()) || request.headers().has("Idempotency-Key");
}

template <class Leaf>
bool is(const Outcome& outcome)
{
    return dynamic_cast<const Leaf*>(&outcome.error()) != nullptr;
}

} // namespace

struct Retry::Slot
{
    unsigned retries = 0;
    unsigned stale = 0;
    bool challenged = false;
};

/// What another attempt would take.
struct Retry::Plan
{
    enum class Kind
    {
        No,
        AtOnce, ///< a stale connection
        Later
    };
    Kind kind = Kind::No;
    bool throttled = false;
    std::optional<Duration> hint{};
};

Retry::Retry(const ClientCore& core)
    : _core(core)
    , _budget(sharedBy<RetryBudgets>(*core.options.transport, [] {
                  return std::make_shared<RetryBudgets>();
              })->find(core.base.origin().text(), core.options.retry.budget))
{}

Retry::Plan Retry::plan(const CallImpl& call, const Outcome& outcome) const
{
    const Request& request = call.request();
    const bool twice = mayRunTwice(request);
    if (!outcome) {
        const Error& error = outcome.error();
        if (!is<TransportError>(outcome) || is<TlsError>(outcome) || is<ProtocolError>(outcome) || is<ResponseTooLarge>(outcome))
            return {};
        // What became of the request counts, not what a stage made of it. What was answered may have been processed.
        Delivery delivery = error.delivery();
        if (call.carried && !call.attempts().empty())
            delivery = std::max(delivery, std::min(call.attempts().back().delivery, Delivery::MaybeProcessed));
        if (delivery == Delivery::Answered) return {};
        if (delivery == Delivery::MaybeProcessed && !twice) return {};
        return {error.details().staleConnection ? Plan::Kind::AtOnce : Plan::Kind::Later};
    }
    auto hint = limits::serverHint(outcome->headers(), call.clock().wallNow()).wait();
    const bool asked = hint.has_value(); // by the server
    // The limit stays shut after a 429: if no permit can come in time, the caller wants the server's answer, not a refusal of
    // ours.
    if (call.shutFor > hint.value_or(Duration::zero())) hint = call.shutFor;
    if (call.noLimit) return {};
    // Refused by a limit, so not processed: safe for every method.
    if (outcome->status() == 429 || (outcome->status() == 403 && call.throttled)) return {Plan::Kind::Later, true, hint};
    switch (outcome->status()) {
    case 413: return {twice && asked ? Plan::Kind::Later : Plan::Kind::No, false, hint};
    case 421: // misdirected: nobody acted on it, and another connection may lead to the right place
        return {request.repeat() != Repeat::Never ? Plan::Kind::Later : Plan::Kind::No, false, hint};
    case 503: // a gateway's 503 does not prove that nobody acted on the request
        return {twice || (asked && request.repeat() != Repeat::Never) ? Plan::Kind::Later : Plan::Kind::No, true, hint};
    case 408:
    case 425:
    case 500:
    case 502:
    case 504: return {twice ? Plan::Kind::Later : Plan::Kind::No, false, hint};
    default: {
        const auto& also = _core.options.retry.alsoOn;
        const bool wanted = std::find(also.begin(), also.end(), outcome->status()) != also.end();
        return {wanted && twice ? Plan::Kind::Later : Plan::Kind::No, false, hint};
    }
    }
}

bool RetryBudget::spend()
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    if (_left < 1.0) return false;
    _left -= 1.0;
    return true;
}

void RetryBudget::refund()
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    _left = std::min(_most, _left + 0.1);
}

std::shared_ptr<RetryBudget> RetryBudgets::find(const std::string& origin, double most)
{
    const std::lock_guard<ForkMutex> lock(_mutex);
    auto& budget = _budgets[{origin, most}];
    if (!budget) budget = std::make_shared<RetryBudget>(most);
    return budget;
}

Verdict Retry::after(Call& each, Outcome& outcome)
{
    auto& call = static_cast<CallImpl&>(each);
    if (outcome && outcome->status() < 400) {
        _budget->refund();
        return Verdict::proceed();
    }
    Slot& slot = call.slot<Slot>(*this);
    const RetryPolicy& policy = _core.options.retry;
    const RequestBodyPtr& body = call.request().body();
    if (body && !body->replayable() && !call.attempts().empty()) return Verdict::proceed();

    if (outcome && outcome->status() == 401 && call.fresherCredential && !slot.challenged) {
        slot.challenged = true;
        return Verdict::again(call.clock().now(), "credential");
    }
    const Plan plan = this->plan(call, outcome);
    const TimePoint now = call.clock().now();
    if (plan.kind == Plan::Kind::No || policy.attempts <= 1) return Verdict::proceed();
    if (plan.kind == Plan::Kind::AtOnce && slot.stale < staleRepeats) {
        ++slot.stale;
        return Verdict::again(now, "backoff");
    }
    if (slot.retries + 1 >= policy.attempts) return Verdict::proceed();

    Duration ceiling = plan.throttled ? policy.throttledDelay : policy.baseDelay;
    for (unsigned i = 0; i < slot.retries && ceiling < policy.maxDelay; ++i) ceiling *= 2;
    Duration delay = between(Duration::zero(), std::min(ceiling, policy.maxDelay));
    if (plan.hint) {
        // A hint that is too long is not slept through: the error says when, and the limiter stays shut for everybody until then.
        if (*plan.hint > policy.maxHint) return Verdict::proceed();
        delay =
            std::max(delay, *plan.hint + between(Duration::zero(), std::min<Duration>(std::chrono::seconds(1), *plan.hint / 10)));
    }
    if (call.deadline() != never && delay >= call.deadline() - now) return Verdict::proceed();
    if (!_budget->spend()) return Verdict::proceed();
    ++slot.retries;
    return Verdict::again(now + delay, "backoff");
}

} // namespace tollgate::pipeline
