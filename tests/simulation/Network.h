#pragma once

#include "tollgate/Clock.h"

#include <cmath>
#include <cstdint>
#include <random>

namespace tollgate::simulation {

/// True time: nanoseconds since the start of a run. The servers live in it; the client's clock may run fast or slow.
using Nanos = std::int64_t;

constexpr Nanos microsecond = 1'000;
constexpr Nanos millisecond = 1'000'000;
constexpr Nanos second = 1'000'000'000;
constexpr Nanos minute = 60 * second;
constexpr Nanos hour = 60 * minute;

/// Numbers that are the same on every machine for one seed.
class Random
{
public:
    explicit Random(std::uint64_t seed) : _engine(seed) {}

    /// In [0, 1).
    double uniform() { return static_cast<double>(_engine() >> 11) * 0x1p-53; }
    /// In [low, high).
    Nanos between(Nanos low, Nanos high) { return low + static_cast<Nanos>(uniform() * static_cast<double>(high - low)); }
    Nanos exponential(Nanos mean) { return static_cast<Nanos>(-std::log1p(-uniform()) * static_cast<double>(mean)); }
    bool chance(double share) { return share > 0 && uniform() < share; }

private:
    std::mt19937_64 _engine;
};

/// How long requests and answers are under way, each way anew: so they overtake one another.
struct Network
{
    Nanos base = 20 * millisecond;   ///< one way, at least
    Nanos jitter = 50 * millisecond; ///< uniform on top
    Nanos tail = 0;                  ///< mean of an exponential part on top
    double lostSyn = 0;              ///< share of requests whose first SYN is lost: 3 s later
    double lostAnswer = 0;           ///< share of answers that never come
    double late = 0;                 ///< share of requests that arrive when the client has given up, by at most 4.9 s
    double clockRate = 1;            ///< the client's clock against the server's

    static constexpr Nanos patience = 10 * second; ///< the client gives up then

    /// All that a network does at its worst, with a client whose clock runs fast: it thinks windows over before they are.
    static Network wild()
    {
        Network network;
        network.jitter = 200 * millisecond;
        network.tail = 100 * millisecond;
        network.lostSyn = 1e-3;
        network.lostAnswer = 1e-4;
        network.late = 1e-4;
        network.clockRate = 1.0005;
        return network;
    }

    Nanos wayThere(Random& random) const
    {
        if (random.chance(late)) return patience + random.between(0, 4'900 * millisecond);
        return way(random) + (random.chance(lostSyn) ? 3 * second : 0);
    }
    Nanos wayBack(Random& random) const { return way(random); }

private:
    Nanos way(Random& random) const
    {
        return base + (jitter > 0 ? random.between(0, jitter) : 0) + (tail > 0 ? random.exponential(tail) : 0);
    }
};

/// The client's clock, a little fast or slow.
class ClientClock
{
public:
    explicit ClientClock(double rate) : _drift(rate - 1) {}

    TimePoint at(Nanos time) const
    {
        return TimePoint(std::chrono::hours(1000)) + Duration(time + static_cast<Nanos>(static_cast<double>(time) * _drift));
    }
    /// The first moment of true time at which the clock shows `shown` or later.
    Nanos whenItShows(TimePoint shown) const
    {
        const Nanos client = (shown - TimePoint(std::chrono::hours(1000))).count();
        Nanos time = static_cast<Nanos>(static_cast<double>(client) / (1 + _drift)) - 2;
        while (at(time) < shown) ++time;
        return time;
    }

private:
    double _drift;
};

} // namespace tollgate::simulation
