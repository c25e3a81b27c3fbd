#pragma once

#include "simulation/Servers.h"

#include "limits/Admission.h"
#include "tollgate/QuotaStore.h"

#include <deque>
#include <vector>

namespace tollgate::simulation {

/// A client's side: asked by the first in line whether it may go.
class Limiter
{
public:
    struct Verdict
    {
        bool go = false;
        Duration wait{}; ///< else: not before that
        PermitId permit = 0;
    };
    virtual ~Limiter() = default;
    virtual Verdict ask(TimePoint now, unsigned weight) = 0;
    virtual void answered(TimePoint /*now*/, PermitId /*permit*/, unsigned /*weight*/, const ServerAnswer& /*answer*/) {}
    virtual void abandoned(TimePoint /*now*/, PermitId /*permit*/, unsigned /*weight*/) {}
};

/// The library's own functions over a state, as the pipeline calls them.
class LibraryLimiter final : public Limiter
{
public:
    explicit LibraryLimiter(std::vector<RateLimitPolicyPtr> limits) : _limits(std::move(limits)) {}

    Verdict ask(TimePoint now, unsigned weight) override;
    void answered(TimePoint now, PermitId permit, unsigned weight, const ServerAnswer& answer) override;
    void abandoned(TimePoint now, PermitId permit, unsigned weight) override;

    /// What one with so many units ahead of it is told: it cannot go earlier.
    Duration foresee(TimePoint now, unsigned weight, std::uint64_t ahead) const;
    const QuotaState& state() const noexcept { return _state; }
    const LimitState& stateOf(const RateLimitPolicyPtr& limit) const { return _state.limits.at(limit->id()); }

private:
    limits::Ask askOf(unsigned weight, std::uint64_t ahead = 0) const;

    std::vector<RateLimitPolicyPtr> _limits;
    LockoutPolicy _lockout;
    std::string _noVersion;
    QuotaState _state;
};

/// What other libraries do: a bucket that starts full.
class BucketLimiter final : public Limiter
{
public:
    /// `limit` per `window` on the average, `size` at once.
    BucketLimiter(double limit, Nanos window, double size)
        : _perNano(limit / static_cast<double>(window))
        , _size(size)
        , _tokens(size)
    {}
    Verdict ask(TimePoint now, unsigned weight) override;

private:
    double _perNano;
    double _size;
    double _tokens;
    TimePoint _last{};
};

/// Windows from the first use on.
class FixedWindowLimiter final : public Limiter
{
public:
    explicit FixedWindowLimiter(Rate rate) : _rate(rate) {}
    Verdict ask(TimePoint now, unsigned weight) override;

private:
    Rate _rate;
    TimePoint _end{};
    unsigned _count = 0;
};

/// A log of the times of sending, each of which counts for a window and `margin`.
class SendLogLimiter final : public Limiter
{
public:
    SendLogLimiter(Rate rate, Nanos margin) : _limit(rate.limit), _hold(rate.window + margin) {}
    Verdict ask(TimePoint now, unsigned weight) override;

private:
    unsigned _limit;
    Duration _hold;
    std::deque<TimePoint> _log;
};

} // namespace tollgate::simulation
