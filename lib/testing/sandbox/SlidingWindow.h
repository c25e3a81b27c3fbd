#pragma once

#include "tollgate/Clock.h"

#include <deque>

namespace tollgate::testing::sandbox {

/// At most `limit` events within any `window`: a log of their times. A limit of 0 lets everything pass. Not thread-safe.
class SlidingWindow
{
public:
    SlidingWindow(std::size_t limit, Duration window) : _limit(limit), _window(window) {}

    /// Counts an event, or refuses it because the window is full. What is refused is not counted.
    bool take(TimePoint now);
    /// Events that the window holds.
    std::size_t used(TimePoint now);
    /// How long until the oldest event leaves; the whole window if there is none.
    Duration untilOldestLeaves(TimePoint now);
    void setLimit(std::size_t limit) noexcept { _limit = limit; }
    void clear() noexcept { _log.clear(); }

private:
    std::size_t _limit;
    Duration _window;
    std::deque<TimePoint> _log;
};

/// A wait as Retry-After says it: whole seconds, rounded up, at least 1.
long long retryAfterSeconds(Duration wait) noexcept;

} // namespace tollgate::testing::sandbox
