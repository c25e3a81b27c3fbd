#pragma once

#include "ForkMutex.h"
#include "transport/Wait.h"

#include <deque>

namespace tollgate::stores {

/// A lock that deadline and cancellation reach: who waits for it does so under a watch. Whoever comes by takes a free one, so
/// that it does not lie idle until a waiter has woken up; but who waits longer than a millisecond gets it next. Thread-safe.
class TOLLGATE_API Turn
{
public:
    /// Has the turn until it goes. Throws what the watch throws.
    class Taken
    {
    public:
        Taken(Turn& turn, transport::Watch& watch) : _turn(turn) { _turn.take(watch); }
        ~Taken() { _turn.pass(); }
        Taken(const Taken&) = delete;
        Taken& operator=(const Taken&) = delete;

    private:
        Turn& _turn;
    };

    /// In a forked child, that of a thread of the parent ends.
    void inForkedChild() noexcept;

private:
    struct Waiter
    {
        transport::Signal signal;
        TimePoint since{};
        bool woken = false;
        bool called = false; ///< the turn is its own
    };
    void take(transport::Watch& watch);
    void pass() noexcept;
    void wakeFirst() noexcept;

    ForkMutex _mutex;
    bool _taken = false;
    std::deque<Waiter*> _waiters;
};

} // namespace tollgate::stores
