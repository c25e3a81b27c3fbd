#pragma once

#include "tollgate/Stage.h"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tollgate {

class ClientCore;
class CallImpl;

namespace pipeline {

/// Brings calls to their end: the caller's own thread, or the dispatcher.
class Driver
{
public:
    virtual ~Driver() = default;
    /// Somebody wants the call to be stepped again. Thread-safe.
    virtual void wake(CallImpl& call) = 0;
};

/// What a step came to.
struct Step
{
    bool done = false;
    TimePoint until = never; ///< not done: step again then, or when woken
    CallPtr first;           ///< not done: bring this one to its end before
};

/// The exception that is being handled as an error of its own type, or if it is not ours as one that begins with `what`.
ErrorPtr currentError(const std::string& what, Delivery delivery);

} // namespace pipeline

/// One send() as a state machine: step() runs the stages until the call is done or has to wait. One thread steps it at a time;
/// only wake() and cancel() may come from others.
class CallImpl final : public Call, public std::enable_shared_from_this<CallImpl>
{
public:
    /// With `borrowed`, the request outlives the call; it is copied only if a stage wants to change it.
    CallImpl(std::shared_ptr<const ClientCore> core, const Request& borrowed, pipeline::Driver& driver);
    CallImpl(std::shared_ptr<const ClientCore> core, Request&& owned, pipeline::Driver& driver);
    ~CallImpl() override;

    pipeline::Step step();
    /// Cancelled or past its deadline, once and for all: step() would end it without another exchange. For whoever may step it.
    bool isOver() const { return isCancelled() || clock().now() >= _deadline; }
    /// The outcome, once step() said done.
    Outcome& outcome() { return *_outcome; }
    /// Runs when the call is done, on the thread that stepped it.
    void onDone(std::function<void(Outcome&)> callback) { _onDone = std::move(callback); }

    const Request& request() const noexcept override { return *_request; }
    Request& editRequest() override;
    const Url& url() const noexcept override { return _url; }
    TimePoint deadline() const noexcept override { return _deadline; }
    const CancellationToken& cancellation() const noexcept override { return _request->cancellation(); }
    Clock& clock() const noexcept override;
    const std::vector<Attempt>& attempts() const noexcept override { return _attempts; }
    /// The trail for the one who gets the response; the call is over then.
    std::vector<Attempt> takeAttempts() noexcept { return std::move(_attempts); }
    Delivery delivery() const noexcept override { return _delivery; }
    void wake() override { _driver.wake(*this); }
    void cancel() override;

    // What the stages of this library tell each other.
    const ClientCore& core() const noexcept { return *_core; }
    /// Whether this hop may carry the client's credential and all of its default fields.
    bool carriesCredential() const noexcept { return !foreign && !strayed; }
    pipeline::Driver& driver() const noexcept { return _driver; }
    /// For what goes out in its name: cancelled by the caller's token or by cancel().
    CancellationToken anyCancellation() const;
    void url(Url url) { _url = std::move(url); }
    CredentialPtr credential;         ///< the snapshot that Limit lets through; set by Credential
    bool foreign = false;             ///< the hop goes to another origin: no limits of this account
    bool strayed = false;             ///< a redirect led away from the base URL's origin: never a credential again
    bool fresherCredential = false;   ///< a 401 that a fresher credential may cure
    bool locked = false;              ///< the answer was taken for a lock of the account
    bool carried = false;             ///< this attempt went out: one permit is for one request
    bool noLimit = false;             ///< the answer's 429 stands for something else, as the provider's words show
    bool throttled = false;           ///< the answer says that a quota is spent, whatever its status
    Duration shutFor{};               ///< after a refusal: no permit before that
    std::optional<Duration> gateWait; ///< what the gate said: until the lock ends, or this credential may be tried again
    std::string gateCause;
    std::uint64_t number = 0; ///< place in the lines, drawn once

    void record(Attempt attempt);

    /// What a stage keeps for this call, if it keeps anything yet: most calls need no slot of most stages.
    template <class T>
    T* slotIfAny(const CallStage& stage)
    {
        for (const auto& entry : _slots)
            if (entry.first == &stage) return static_cast<T*>(entry.second.get());
        return nullptr;
    }

protected:
    std::shared_ptr<void>& slotOf(const CallStage& stage) override;

private:
    enum class Walk
    {
        Down,
        Up
    };
    std::size_t loopAbove(std::size_t stage) const;
    bool isCancelled() const noexcept;
    bool descend(pipeline::Step& step);
    bool ascend(pipeline::Step& step);
    Outcome attempt();
    void startWaiting(const char* what);
    void stopWaiting();
    void fail(ErrorPtr error);
    void letStagesCancel();

    std::shared_ptr<const ClientCore> _core;
    std::optional<Request> _own;
    const Request* _request;
    pipeline::Driver& _driver;
    Url _url;
    TimePoint _deadline;
    std::atomic<bool> _cancelled{false};
    std::optional<CancellationSource> _source; ///< so that cancel() reaches an exchange
    std::vector<Attempt> _attempts;
    Delivery _delivery = Delivery::NotSent;
    std::vector<std::pair<const CallStage*, std::shared_ptr<void>>> _slots;

    Walk _walk = Walk::Down;
    std::size_t _at = 0;      ///< the stage whose before() comes next; one below the last: the attempt
    std::size_t _entered = 0; ///< stages whose before() ran, counted from the top
    TimePoint _notBefore{};   ///< a back-off: wakes do not shorten it
    TimePoint _waitingSince = never;
    const char* _waitingFor = "";
    Duration _waited{};
    std::string _waitedFor;
    std::optional<Outcome> _outcome;
    bool _done = false;
    std::function<void(Outcome&)> _onDone;
};

} // namespace tollgate
