#include "pipeline/CallImpl.h"

#include "ClientCore.h"
#include "tollgate/Error.h"

#include <algorithm>
#include <cxxabi.h>

namespace tollgate {

using pipeline::Step;

namespace {

template <class Leaf>
ErrorPtr makeError(std::string message, std::string hint, Delivery delivery)
{
    ErrorDetails details;
    details.message = std::move(message);
    details.hint = std::move(hint);
    details.delivery = delivery;
    return std::make_shared<Leaf>(std::move(details));
}

TimePoint deadlineOf(const Request& request, const ClientCore& core, TimePoint now)
{
    TimePoint deadline = request.deadline();
    std::optional<Duration> timeout = request.timeout();
    if (!timeout && deadline == never) timeout = core.options.timeout;
    if (timeout && *timeout < never - now) deadline = std::min(deadline, now + *timeout);
    return deadline;
}

} // namespace

ErrorPtr pipeline::currentError(const std::string& what, Delivery delivery)
{
    static constexpr const char* hint = "This is an error of a stage, a callback or the request's body, not of the server.";
    try {
        throw;
    } catch (const Error& error) {
        return ErrorPtr(static_cast<const Error*>(error.clone()));
    } catch (const Poco::Exception& error) {
        return makeError<Error>(what + ": " + error.displayText(), hint, delivery);
    } catch (const std::exception& error) {
        return makeError<Error>(what + ": " + error.what(), hint, delivery);
    } catch (const abi::__forced_unwind&) { // the thread is being cancelled, which must go on
        throw;
    } catch (...) {
        return makeError<Error>(what + ": an exception of an unknown type", hint, delivery);
    }
}

CallImpl::CallImpl(std::shared_ptr<const ClientCore> core, const Request& borrowed, pipeline::Driver& driver)
    : _core(std::move(core))
    , _request(&borrowed)
    , _driver(driver)
    , _deadline(deadlineOf(borrowed, *_core, _core->clock().now()))
{
    letStagesCancel();
}

CallImpl::CallImpl(std::shared_ptr<const ClientCore> core, Request&& owned, pipeline::Driver& driver)
    : _core(std::move(core))
    , _own(std::move(owned))
    , _request(&*_own)
    , _driver(driver)
    , _deadline(deadlineOf(*_own, *_core, _core->clock().now()))
{
    letStagesCancel();
}

CallImpl::~CallImpl() = default;

CancellationToken CallImpl::anyCancellation() const
{
    return _source ? CancellationToken::either(cancellation(), _source->token()) : cancellation();
}

/// Only they know the call, and most clients have none.
void CallImpl::letStagesCancel()
{
    if (!_core->options.callStages.empty()) _source.emplace();
}

Request& CallImpl::editRequest()
{
    if (!_own) _request = &_own.emplace(*_request);
    return *_own;
}

Clock& CallImpl::clock() const noexcept { return _core->clock(); }

void CallImpl::cancel()
{
    _cancelled.store(true, std::memory_order_release);
    wake();
    if (_source) _source->cancel();
}

bool CallImpl::isCancelled() const noexcept { return _cancelled.load(std::memory_order_acquire) || cancellation().isCancelled(); }

std::shared_ptr<void>& CallImpl::slotOf(const CallStage& stage)
{
    for (auto& entry : _slots)
        if (entry.first == &stage) return entry.second;
    return _slots.emplace_back(&stage, nullptr).second;
}

void CallImpl::record(Attempt attempt)
{
    attempt.waited = std::exchange(_waited, Duration::zero());
    attempt.waitedFor = std::exchange(_waitedFor, {});
    // What was answered was seen by the server: if a later attempt fails unsent, the call as a whole may still have been
    // processed.
    _delivery = std::max(_delivery, attempt.delivery == Delivery::Answered ? Delivery::MaybeProcessed : attempt.delivery);
    _attempts.push_back(std::move(attempt));
    _core->counters.attempts.fetch_add(1, std::memory_order_relaxed);
}

void CallImpl::startWaiting(const char* what)
{
    if (_waitingSince != never) {
        if (std::string_view(_waitingFor) == what) return;
        stopWaiting(); // each reason is booked for itself
    }
    _waitingSince = clock().now();
    _waitingFor = what;
}

void CallImpl::stopWaiting()
{
    if (_waitingSince == never) return;
    const Duration waited = clock().now() - _waitingSince;
    _waitingSince = never;
    if (waited <= Duration::zero()) return;
    _waited += waited;
    _waitedFor = _waitingFor;
    if (_waitedFor == "permit") {
        _core->counters.waits.fetch_add(1, std::memory_order_relaxed);
        _core->counters.waited.fetch_add(waited.count(), std::memory_order_relaxed);
    }
}

void CallImpl::fail(ErrorPtr error)
{
    stopWaiting();
    _outcome.emplace(std::move(error));
    _walk = Walk::Up;
}

std::size_t CallImpl::loopAbove(std::size_t stage) const
{
    const auto& stages = _core->pipeline->callStages();
    while (stage > 0)
        if (stages[--stage]->loop()) return stage;
    return SIZE_MAX; // none: the body of the whole call
}

Step CallImpl::step()
{
    Step step;
    while (!_done) {
        if (_walk == Walk::Down && isCancelled())
            fail(makeError<Cancelled>("the call was cancelled", _delivery == Delivery::NotSent ? "Nothing was sent." : "",
                                      _delivery));
        if (_walk == Walk::Down && clock().now() >= _deadline) {
            const std::string phase = _waitingSince == never ? "" : std::string(" while it waited for a ") + _waitingFor;
            fail(makeError<Timeout>("the call's time was over" + phase,
                                    "Give it a longer timeout, or send fewer calls at a time.", _delivery));
        }
        if (_walk == Walk::Down && !descend(step)) return step;
        if (_walk == Walk::Up && !ascend(step)) return step;
    }
    step.done = true;
    return step;
}

/// Runs before() downwards and the attempt. False: the call has to wait, as `step` says.
bool CallImpl::descend(Step& step)
{
    const auto& stages = _core->pipeline->callStages();
    if (_notBefore > clock().now()) {
        startWaiting("backoff");
        step.until = std::min(_notBefore, _deadline);
        return false;
    }
    for (; _at < stages.size(); ++_at) {
        _entered = std::max(_entered, _at + 1);
        try {
            const Verdict verdict = stages[_at]->before(*this);
            switch (verdict.kind()) {
            case Verdict::Kind::Proceed: continue;
            case Verdict::Kind::Answer: _outcome.emplace(*verdict.outcome()); break;
            case Verdict::Kind::Wait: {
                startWaiting(verdict.waitedFor());
                step.until = std::min(verdict.until(), _deadline);
                step.first = verdict.first();
                const std::size_t loop = loopAbove(_at);
                _at = loop == SIZE_MAX ? 0 : loop + 1;
                return false;
            }
            case Verdict::Kind::Again: throw Error("a stage answered Again from before()", "Only a loop's after() may.");
            }
        } catch (...) {
            _outcome.emplace(pipeline::currentError("a stage failed", _delivery));
        }
        stopWaiting();
        _walk = Walk::Up;
        return true;
    }
    stopWaiting();
    _outcome.emplace(attempt());
    _walk = Walk::Up;
    return true;
}

/// Runs after() upwards. False: a loop wants another round at a later time, as `step` says.
bool CallImpl::ascend(Step& step)
{
    const auto& stages = _core->pipeline->callStages();
    while (_entered > 0) {
        const std::size_t stage = --_entered;
        try {
            const Verdict verdict = stages[stage]->after(*this, *_outcome);
            if (verdict.kind() == Verdict::Kind::Answer) _outcome.emplace(*verdict.outcome());
            if (verdict.kind() != Verdict::Kind::Again) continue;
            for (std::size_t below = stage + 1; below < stages.size(); ++below) slotOf(*stages[below]).reset();
            _outcome.reset();
            carried = false;
            _walk = Walk::Down;
            _entered = _at = stage + 1;
            _notBefore = verdict.until();
            if (_notBefore <= clock().now()) return true;
            startWaiting(verdict.waitedFor());
            step.until = std::min(_notBefore, _deadline);
            return false;
        } catch (...) {
            _outcome.emplace(pipeline::currentError("a stage failed", _delivery));
        }
    }
    _slots.clear();
    _done = true;
    if (_onDone) _onDone(*_outcome);
    return true;
}

Outcome CallImpl::attempt()
{
    carried = false;
    Exchange exchange;
    exchange.method = _request->method();
    exchange.url = _url;
    exchange.headers = _core->headersFor(*_request, carriesCredential());
    exchange.body = _request->body();
    exchange.deadline = _deadline;
    exchange.cancellation = anyCancellation();
    try {
        if (exchange.body && exchange.body->replayable() && !exchange.body->view()) exchange.body->rewind();
        return _core->pipeline->attempt(*this, exchange);
    } catch (...) {
        return pipeline::currentError("a stage failed", _delivery);
    }
}

} // namespace tollgate
