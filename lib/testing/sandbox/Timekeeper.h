#pragma once

#include "tollgate/Clock.h"

#include <atomic>
#include <memory>

namespace tollgate::testing::sandbox {

/// What time it is for windows, lockouts and expiry: the options' clock, plus what the control API has advanced it by.
/// Thread-safe.
class Timekeeper
{
public:
    explicit Timekeeper(std::shared_ptr<Clock> clock) : _clock(clock ? std::move(clock) : Clock::system()) {}

    TimePoint now() const { return _clock->now() + std::chrono::duration_cast<TimePoint::duration>(offset()); }
    WallTime wallNow() const { return _clock->wallNow() + std::chrono::duration_cast<WallTime::duration>(offset()); }
    void advance(Duration by) { _offset += by.count(); }

private:
    Duration offset() const { return Duration(_offset.load()); }
    std::shared_ptr<Clock> _clock;
    std::atomic<Duration::rep> _offset{0};
};

} // namespace tollgate::testing::sandbox
