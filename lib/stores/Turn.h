#pragma once

#include "ForkMutex.h"
#include "transport/Wait.h"

#include <atomic>
#include <deque>
#include <thread>

namespace tollgate::stores {

/// A lock that deadline and cancellation reach: who waits for it does so under a watch. Whoever comes by takes a free one, so
/// that it does not lie idle until a waiter has woken up; but who waits longer than a millisecond gets it next. It
/// orders those who come; what they share is guarded by a ForkMutex besides. Thread-safe.
class TOLLGATE_API Turn
{
public:
    /// Has the turn until it goes. Throws what the watch throws.
    class Taken
    {
    public:
        Taken(Turn& turn, transport::Watch& watch) : _turn(turn), _mine(_turn.take(watch)) {}
        ~Taken()
        {
            if (_mine) _turn.pass();
        }
        Taken(const Taken&) = delete;
        Taken& operator=(const Taken&) = delete;

    private:
        Turn& _turn;
        const bool _mine;
    };

    /// From now on the calling thread, which forks, needs no turn: the others are stopped at the door before they can pass
    /// theirs.
    void beforeFork() noexcept { _forking = std::this_thread::get_id(); }
    /// In the child, the turn of a thread of the parent ends.
    void afterFork(bool inChild) noexcept;

private:
    struct Waiter
    {
        transport::Signal signal;
        TimePoint since{};
        bool woken = false;
        bool called = false; ///< the turn is its own
    };
    /// False if none is needed.
    bool take(transport::Watch& watch);
    void pass() noexcept;
    void wakeFirst() noexcept;

    ForkMutex _mutex;
    bool _taken = false;
    std::deque<Waiter*> _waiters;
    std::atomic<std::thread::id> _forking{};
};

} // namespace tollgate::stores
