#include "simulation/Limiters.h"

#include <algorithm>
#include <stdexcept>

namespace tollgate::simulation {

limits::Ask LibraryLimiter::askOf(unsigned weight, std::uint64_t ahead) const
{
    return {_limits, _lockout, _noVersion, weight, ahead, Duration(Network::patience), 0, {}};
}

Limiter::Verdict LibraryLimiter::ask(TimePoint now, unsigned weight)
{
    const limits::Admission admission = limits::admit(_state, askOf(weight), now);
    switch (admission.kind) {
    case limits::Admission::Kind::Granted: return {true, {}, admission.permit};
    case limits::Admission::Kind::Wait:
        if (!admission.wait || *admission.wait <= Duration::zero()) throw std::logic_error("a wait of no time");
        return {false, *admission.wait, 0};
    default: throw std::logic_error("neither granted nor told to wait");
    }
}

void LibraryLimiter::answered(TimePoint now, PermitId permit, unsigned weight, const ServerAnswer& answer)
{
    limits::settleAnswered(_state, askOf(weight), permit, answer, now);
}

void LibraryLimiter::abandoned(TimePoint now, PermitId permit, unsigned weight)
{
    limits::settleAbandoned(_state, askOf(weight), permit, Delivery::MaybeProcessed, now);
}

Duration LibraryLimiter::foresee(TimePoint now, unsigned weight, std::uint64_t ahead) const
{
    return limits::foresee(_state, askOf(weight, ahead), now).wait.value_or(Duration::zero());
}

Limiter::Verdict BucketLimiter::ask(TimePoint now, unsigned weight)
{
    if (_last != TimePoint{}) _tokens = std::min(_size, _tokens + static_cast<double>((now - _last).count()) * _perNano);
    _last = now;
    if (_tokens >= weight) {
        _tokens -= weight;
        return {true, {}, 0};
    }
    return {false, Duration(static_cast<Nanos>((weight - _tokens) / _perNano) + 1), 0};
}

Limiter::Verdict FixedWindowLimiter::ask(TimePoint now, unsigned weight)
{
    if (now >= _end) {
        _end = now + Duration(_rate.window);
        _count = 0;
    }
    if (_count + weight > _rate.limit) return {false, _end - now, 0};
    _count += weight;
    return {true, {}, 0};
}

Limiter::Verdict SendLogLimiter::ask(TimePoint now, unsigned weight)
{
    while (!_log.empty() && _log.front() + _hold <= now) _log.pop_front();
    if (_log.size() + weight > _limit) return {false, _log.front() + _hold - now, 0};
    _log.insert(_log.end(), weight, now);
    return {true, {}, 0};
}

} // namespace tollgate::simulation
