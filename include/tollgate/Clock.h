#pragma once

#include "tollgate/Export.h"

#include <chrono>
#include <memory>

namespace tollgate {

using Duration = std::chrono::nanoseconds;
/// A moment on the steady clock: for intervals, deadlines and limits. Never set back.
using TimePoint = std::chrono::steady_clock::time_point;
/// A moment on the calendar: for people, and for what servers write in headers.
using WallTime = std::chrono::system_clock::time_point;

/// No deadline.
inline constexpr TimePoint never = TimePoint::max();

/// The waiting place of one thread. One thread parks; any thread may unpark.
class TOLLGATE_API Parker
{
public:
    virtual ~Parker() = default;

    /// Waits until `until`, or until unpark(). An unpark() that came first makes the next park() return at once.
    virtual void park(TimePoint until) = 0;

    /// Ends the park() that runs now, or else the next one. Thread-safe.
    virtual void unpark() = 0;
};

/// What time it is, and the only way to wait for it; so that a virtual clock can drive limits, retries and expiry in tests.
/// Thread-safe.
class TOLLGATE_API Clock
{
public:
    virtual ~Clock() = default;

    virtual TimePoint now() const = 0;
    virtual WallTime wallNow() const = 0;

    /// A waiting place for the calling thread.
    virtual std::unique_ptr<Parker> parker() = 0;

    /// Whoever starts a thread that will use this clock calls enter() before the thread runs, and the thread (or whoever
    /// joined it) calls leave(): a virtual clock moves only while all threads that entered are parked.
    virtual void enter() {}
    virtual void leave() {}

    /// The machine's clock; one for the whole process.
    static std::shared_ptr<Clock> system();
};

} // namespace tollgate
