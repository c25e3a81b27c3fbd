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
    _ready.push_back(call.get());
    rouse();
    if (!_workers.empty()) return;
    _ready.pop_back();
    left = std::move(entry);
    _calls.erase(call.get());
    throw Error("no thread can be started for asynchronous calls", "The process or the machine has too many threads.");
}

/// Lets a parked worker look again, or starts one more.
void Dispatcher::rouse()
{
    const auto idle = std::find_if(_workers.begin(), _workers.end(), [](const auto& worker) { return worker->idle; });
    if (idle != _workers.end()) {
        (*idle)->idle = false;
        (*idle)->parker->unpark();
        return;
    }
    if (_workers.size() >= maxWorkers || _stopping) return;
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

void Dispatcher::makeReady(CallImpl& call, Entry& entry)
{
    _timers.erase(entry.timer);
    entry.stand = Stand::Ready;
    _ready.push_back(&call);
}

void Dispatcher::wake(CallImpl& call)
{
    const std::lock_guard<std::mutex> lock(_mutex);
    const auto known = _calls.find(&call);
    if (known == _calls.end()) return;
    Entry& entry = known->second;
    if (entry.stand == Stand::Running) entry.stand = Stand::RunningAndWoken;
    if (entry.stand != Stand::Waiting) return;
    makeReady(call, entry);
    rouse();
}

void Dispatcher::work(Worker& worker)
{
    std::unique_lock<std::mutex> lock(_mutex);
    while (!_stopping) {
        while (!_timers.empty() && _timers.begin()->first <= _clock->now()) {
            CallImpl& due = *_timers.begin()->second;
            makeReady(due, _calls.at(&due));
        }
        if (!_ready.empty()) {
            CallImpl& call = *_ready.front();
            _ready.pop_front();
            if (!_ready.empty()) rouse();
            drive(lock, call);
            continue;
        }
        worker.idle = true;
        const TimePoint next = _timers.empty() ? never : _timers.begin()->first;
        lock.unlock();
        worker.parker->park(next);
        lock.lock();
        worker.idle = false;
    }
    lock.unlock();
    _clock->leave();
}

void Dispatcher::drive(std::unique_lock<std::mutex>& lock, CallImpl& call)
{
    // Keeps the call while it runs: its callback may drop the last other reference.
    std::shared_ptr<CallImpl> alive = _calls.at(&call).call;
    _calls.at(&call).stand = Stand::Running;
    lock.unlock();
    Step step = call.step();
    // A callback forked, and this is the child. There is nothing for it to come back to: the calls are the parent's, and the
    // thread that runs main() is not here.
    if (_generation != forkGeneration) ::_exit(0);
    if (step.first) start(std::static_pointer_cast<CallImpl>(step.first));
    step.first.reset(); // outside the lock: it may have ended by now, and be the last to hold what is the user's
    lock.lock();

    Entry& entry = _calls.at(&call);
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
        entry.stand = Stand::Ready;
        _ready.push_back(&call);
        return;
    }
    entry.stand = Stand::Waiting;
    entry.timer = _timers.emplace(step.until, &call);
    // Idle workers park until what was the next timer when they went.
    if (entry.timer != _timers.begin()) return;
    for (const auto& worker : _workers)
        if (worker->idle) worker->parker->unpark();
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
