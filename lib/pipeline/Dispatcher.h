#pragma once

#include "ForkMutex.h"
#include "pipeline/CallImpl.h"

#include <atomic>
#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tollgate::pipeline {

/// Drives asynchronous calls on a few worker threads, started when needed. A call that waits holds no thread: idle workers park
/// until the next one is due.
///
/// An exchange blocks its worker, so there is one worker more than exchanges at a time: whoever is the last free one drives only
/// calls that are over (cancelled, or past their deadline), which step() ends without an exchange. So deadlines and cancels are
/// kept while every exchange hangs. A callback that blocks in the end of such a call takes the place of an exchange: the next
/// worker that becomes free is the last free one then.
class Dispatcher final : public Driver, public std::enable_shared_from_this<Dispatcher>
{
public:
    explicit Dispatcher(std::shared_ptr<Clock> clock);
    ~Dispatcher() override;

    /// Ends the workers once they are idle and waits for them, but for the one that calls it: a call's callback may drop the last
    /// reference to all of this.
    void stop();

    void start(const std::shared_ptr<CallImpl>& call);
    void wake(CallImpl& call) override;

private:
    enum class Stand
    {
        Ready,
        Running,
        RunningAndWoken,
        Waiting
    };
    struct Entry
    {
        std::shared_ptr<CallImpl> call;
        Stand stand = Stand::Ready;
        std::list<CallImpl*>::iterator place{};                ///< valid while ready
        std::multimap<TimePoint, CallImpl*>::iterator timer{}; ///< valid while ready (until its deadline) or waiting
        CancellationRegistration cancelled;
    };
    struct Worker
    {
        std::thread thread;
        std::unique_ptr<Parker> parker;
        TimePoint until = never; ///< while idle: it wakes by itself then
    };

    void work(Worker& worker);
    void makeReady(CallImpl& call, Entry& entry);
    void takeOut(Entry& entry);
    void drive(std::unique_lock<std::mutex>& lock, CallImpl& call);
    bool mayDrive() const;
    TimePoint nextTimer() const { return _timers.empty() ? never : _timers.begin()->first; }
    void rouse();

    static constexpr std::size_t maxExchanges = 64;
    std::shared_ptr<Clock> _clock;
    std::mutex _mutex;
    std::unordered_map<CallImpl*, Entry> _calls;
    std::list<CallImpl*> _ready; ///< first those known to be over
    std::multimap<TimePoint, CallImpl*> _timers;
    std::vector<std::unique_ptr<Worker>> _workers; ///< at most one more than exchanges; each drives, is idle or looks for work
    std::vector<Worker*> _idle;                    ///< unless a worker is awake, the last one wakes for the next timer
    std::size_t _driving = 0;
    bool _stopping = false;
    const unsigned _generation = forkGeneration;
};

/// The dispatcher of a transport: stopped when the transport goes, and made anew in a forked child, where the parent's threads do
/// not exist. Thread-safe.
class DispatcherOwner
{
public:
    explicit DispatcherOwner(std::shared_ptr<Clock> clock);
    ~DispatcherOwner();
    DispatcherOwner(const DispatcherOwner&) = delete;
    DispatcherOwner& operator=(const DispatcherOwner&) = delete;
    Dispatcher& get();

private:
    struct Place;
    const std::shared_ptr<Clock> _clock;
    std::atomic<Place*> _place;
};

} // namespace tollgate::pipeline
