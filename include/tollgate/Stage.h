#pragma once

#include "tollgate/AuthStrategy.h"
#include "tollgate/Clock.h"
#include "tollgate/Exchange.h"
#include "tollgate/Request.h"
#include "tollgate/Response.h"
#include "tollgate/Result.h"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace tollgate {

class Call;
using CallPtr = std::shared_ptr<Call>;

/// How a call stands or ended: a response head with its body still on the wire, or an error.
using Outcome = Result<Response>;

/// What a call stage answers.
class TOLLGATE_API Verdict
{
public:
    enum class Kind
    {
        Proceed,
        Answer,
        Wait,
        Again
    };

    /// Go on with the next stage.
    static Verdict proceed() { return Verdict(Kind::Proceed); }
    /// This is the outcome (an error is one too): the stages below are not asked.
    static Verdict answer(Outcome outcome);
    /// Wake me at `until`, or when somebody calls Call::wake(). `waitedFor` is a literal: only the pointer is kept. With `first`,
    /// that call is brought to its end before.
    static Verdict wait(TimePoint until, const char* waitedFor, CallPtr first = {});
    /// From a loop only: start the stages below again, at that time.
    static Verdict again(TimePoint at, const char* waitedFor);

    Kind kind() const noexcept { return _kind; }
    TimePoint until() const noexcept { return _until; }
    const char* waitedFor() const noexcept { return _waitedFor; }
    const CallPtr& first() const noexcept { return _first; }
    std::shared_ptr<Outcome> outcome() const noexcept { return _outcome; }

private:
    explicit Verdict(Kind kind) : _kind(kind) {}
    Kind _kind;
    TimePoint _until{};
    const char* _waitedFor = "";
    CallPtr _first;
    std::shared_ptr<Outcome> _outcome;
};

/// Above the attempt: looks at the call before it goes down and at the outcome when it comes up. One object serves all calls, so
/// it keeps what belongs to one call in call.slot(). It never blocks: to wait is to answer Verdict::wait().
class TOLLGATE_API CallStage
{
public:
    virtual ~CallStage() = default;

    /// Only a loop may answer Verdict::again() from after().
    virtual bool loop() const { return false; }

    /// May run many times for one call: a wake starts the innermost loop's body again.
    virtual Verdict before(Call& call)
    {
        (void)call;
        return Verdict::proceed();
    }

    /// Runs bottom-up for every stage whose before() ran, also when the call is cancelled while it waits. May replace the
    /// outcome.
    virtual Verdict after(Call& call, Outcome& outcome)
    {
        (void)call;
        (void)outcome;
        return Verdict::proceed();
    }
};

/// What lies below an attempt stage.
using Next = std::function<Response(Exchange&)>;

/// Inside one attempt: wraps the exchange and what comes back. May block under exchange.deadline, and calls `next` at most once.
class TOLLGATE_API AttemptStage
{
public:
    virtual ~AttemptStage() = default;
    virtual Response run(Exchange& exchange, const Next& next) = 0;
};

/// One send() on its way. Its stages see it one at a time.
class TOLLGATE_API Call
{
public:
    virtual ~Call() = default;

    virtual const Request& request() const noexcept = 0;
    /// For stages above the hop that change the request, such as one that adds a header.
    virtual Request& editRequest() = 0;
    /// The hop's URL, known once Guard has let it pass.
    virtual const Url& url() const noexcept = 0;
    virtual TimePoint deadline() const noexcept = 0;
    virtual const CancellationToken& cancellation() const noexcept = 0;
    virtual Clock& clock() const noexcept = 0;
    /// What was tried so far.
    virtual const std::vector<Attempt>& attempts() const noexcept = 0;
    /// The worst over all attempts so far.
    virtual Delivery delivery() const noexcept = 0;

    /// Ends its wait; it asks its stages again. Thread-safe.
    virtual void wake() = 0;
    /// Ends the call with Cancelled, its exchange included. Thread-safe.
    virtual void cancel() = 0;

    /// What a stage keeps for this call; made at the first use, gone with the call or when a loop above starts again.
    template <class T>
    T& slot(const CallStage& stage)
    {
        std::shared_ptr<void>& place = slotOf(stage);
        if (!place) place = std::make_shared<T>();
        return *static_cast<T*>(place.get());
    }

protected:
    virtual std::shared_ptr<void>& slotOf(const CallStage& stage) = 0;
};

} // namespace tollgate
