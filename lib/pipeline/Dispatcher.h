#pragma once

#include "ForkMutex.h"
#include "pipeline/CallImpl.h"

#include <atomic>
#include <deque>
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
        std::multimap<TimePoint, CallImpl*>::iterator timer{}; ///< valid while waiting
        CancellationRegistration cancelled;
    };
    struct Worker
    {
        std::thread thread;
        std::unique_ptr<Parker> parker;
        bool idle = false;
    };

    void work(Worker& worker);
    void makeReady(CallImpl& call, Entry& entry);
    void drive(std::unique_lock<std::mutex>& lock, CallImpl& call);
    void rouse();

    static constexpr std::size_t maxWorkers = 64; ///< exchanges block a worker, so this many run at a time; started when needed
    std::shared_ptr<Clock> _clock;
    std::mutex _mutex;
    std::unordered_map<CallImpl*, Entry> _calls;
    std::deque<CallImpl*> _ready;
    std::multimap<TimePoint, CallImpl*> _timers;
    std::vector<std::unique_ptr<Worker>> _workers;
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
