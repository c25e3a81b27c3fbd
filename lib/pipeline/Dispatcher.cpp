#include "pipeline/Dispatcher.h"

#include "SignalsBlocked.h"
#include "tollgate/Error.h"

#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace tollgate::pipeline {

Dispatcher::Dispatcher(std::shared_ptr<Clock> clock) : _clock(std::move(clock)) {}

Dispatcher::~Dispatcher() = default;

void Dispatcher::stop()
{
    {
        const std::lock_guard<std::mutex> lock(_mutex);
        _stopping = true;
        for (const auto& worker : _workers) worker->parker->unpark();
    }
    for (const auto& worker : _workers) {
        if (worker->thread.get_id() == std::this_thread::get_id())
            worker->thread.detach(); // it holds its own reference to this object
        else
            worker->thread.join();
    }
}

void Dispatcher::start(const std::shared_ptr<CallImpl>& call)
{
    CancellationRegistration cancelled;
    if (call->cancellation().canBeCancelled())
        cancelled = call->cancellation().onCancel([weak = std::weak_ptr<CallImpl>(call)] {
            if (const auto alive = weak.lock()) alive->wake();
        });
    Entry left; // ends outside the lock: its registration may wait for a callback that wants it
    const std::lock_guard<std::mutex> lock(_mutex);
    Entry& entry = _calls[call.get()];
    if (entry.call) return; // a child that runs already
    entry.call = call;
    entry.cancelled = std::move(cancelled);
    makeReady(*call, entry);
    rouse();
    if (!_workers.empty()) return;
    takeOut(entry);
    left = std::move(entry);
    _calls.erase(call.get());
    throw Error("no thread can be started for asynchronous calls", "The process or the machine has too many threads.");
}

/// Whether the call in front may go: the last free worker is for those that are over.
bool Dispatcher::mayDrive() const { return !_ready.empty() && (_driving < maxExchanges || _ready.front()->isOver()); }

/// Lets an idle worker look again, or starts one more, if there is something to drive or nobody would wake for the next timer.
void Dispatcher::rouse()
{
    const bool awake = _workers.size() > _driving + _idle.size(); // and looks at everything before it drives or parks
    const TimePoint watched = _idle.empty() ? never : _idle.back()->until;
    if (!mayDrive() && (awake || watched <= nextTimer())) return;
    if (!_idle.empty()) {
        Worker& last = *_idle.back();
        _idle.pop_back();
        last.parker->unpark();
        return;
    }
    if (_workers.size() > maxExchanges || _stopping) return;
    _workers.push_back(std::make_unique<Worker>());
    Worker& worker = *_workers.back();
    worker.parker = _clock->parker();
    _clock->enter();
    try {
        const SignalsBlocked blocked;
        worker.thread = std::thread([self = shared_from_this(), &worker] { self->work(worker); });
    } catch (const std::system_error&) { // no more threads: those that run do the work
        _clock->leave();
        _workers.pop_back();
    }
}

/// A call that is over goes to the front. One that will be stands there in time: its timer fires at the deadline, and a cancel
/// wakes it.
void Dispatcher::makeReady(CallImpl& call, Entry& entry)
{
    const bool over = call.isOver();
    entry.stand = Stand::Ready;
    entry.place = _ready.insert(over ? _ready.begin() : _ready.end(), &call);
    entry.timer = _timers.emplace(over ? never : call.deadline(), &call);
}

void Dispatcher::takeOut(Entry& entry)
{
    _timers.erase(entry.timer);
    if (entry.stand == Stand::Ready) _ready.erase(entry.place);
}

void Dispatcher::wake(CallImpl& call)
{
    const std::lock_guard<std::mutex> lock(_mutex);
    const auto known = _calls.find(&call);
    if (known == _calls.end()) return;
    Entry& entry = known->second;
    if (entry.stand == Stand::Running) entry.stand = Stand::RunningAndWoken;
    if (entry.stand == Stand::RunningAndWoken || (entry.stand == Stand::Ready && !call.isOver())) return;
    takeOut(entry);
    makeReady(call, entry);
    rouse();
}

void Dispatcher::work(Worker& worker)
{
    std::unique_lock<std::mutex> lock(_mutex);
    while (!_stopping) {
        while (!_timers.empty() && _timers.begin()->first <= _clock->now()) {
            CallImpl& due = *_timers.begin()->second;
            Entry& entry = _calls.at(&due);
            takeOut(entry);
            makeReady(due, entry);
        }
        if (mayDrive()) {
            ++_driving;
            drive(lock, *_ready.front());
            --_driving;
            continue;
        }
        worker.until = nextTimer();
        _idle.push_back(&worker);
        lock.unlock();
        worker.parker->park(worker.until);
        lock.lock();
        _idle.erase(std::remove(_idle.begin(), _idle.end(), &worker), _idle.end());
    }
    lock.unlock();
    _clock->leave();
}

void Dispatcher::drive(std::unique_lock<std::mutex>& lock, CallImpl& call)
{
    Entry& entry = _calls.at(&call);
    // Keeps the call while it runs: its callback may drop the last other reference.
    std::shared_ptr<CallImpl> alive = entry.call;
    takeOut(entry);
    entry.stand = Stand::Running;
    rouse();
    lock.unlock();
    Step step = call.step();
    // A callback forked, and this is the child. There is nothing for it to come back to: the calls are the parent's, and the
    // thread that runs main() is not here.
    if (_generation != forkGeneration) ::_exit(0);
    if (step.first) start(std::static_pointer_cast<CallImpl>(step.first));
    step.first.reset(); // outside the lock: it may have ended by now, and be the last to hold what is the user's
    lock.lock();

    if (step.done) {
        Entry finished = std::move(entry);
        _calls.erase(&call);
        lock.unlock();
        // Outside the lock: the registration may wait for a callback that wants it, and the call may be the last to hold the
        // client, its transport and so this dispatcher.
        finished = {};
        alive.reset();
        lock.lock();
        return;
    }
    if (entry.stand == Stand::RunningAndWoken) {
        makeReady(call, entry);
        return;
    }
    entry.stand = Stand::Waiting;
    entry.timer = _timers.emplace(step.until, &call);
}

struct DispatcherOwner::Place
{
    explicit Place(const std::shared_ptr<Clock>& clock) : dispatcher(std::make_shared<Dispatcher>(clock)) {}
    const unsigned generation = forkGeneration;
    const std::shared_ptr<Dispatcher> dispatcher;
};

DispatcherOwner::DispatcherOwner(std::shared_ptr<Clock> clock) : _clock(std::move(clock)), _place(new Place(_clock)) {}

DispatcherOwner::~DispatcherOwner()
{
    Place* place = _place;
    if (place->generation != forkGeneration) return; // the parent's: left as it is, for ever
    place->dispatcher->stop();
    delete place;
}

Dispatcher& DispatcherOwner::get()
{
    Place* current = _place.load(std::memory_order_acquire);
    if (current->generation == forkGeneration) return *current->dispatcher;
    auto fresh = std::make_unique<Place>(_clock);
    if (_place.compare_exchange_strong(current, fresh.get())) return *fresh.release()->dispatcher;
    return *current->dispatcher;
}

} // namespace tollgate::pipeline
