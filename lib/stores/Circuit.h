#pragma once

#include "tollgate/Clock.h"

namespace tollgate::stores {

/// Leaves a store in peace that failed three times in a row, and tries it again, once, after a pause. One thread at a time.
class Circuit
{
public:
    explicit Circuit(Duration pause) : _pause(pause) {}

    bool lets(TimePoint now) const noexcept { return _failures < enough || now >= _pausedUntil; }
    void succeeded() noexcept { _failures = 0; }
    void failed(TimePoint now) noexcept
    {
        if (_failures < enough) ++_failures;
        _pausedUntil = now + _pause;
    }

private:
    static constexpr unsigned enough = 3;
    Duration _pause;
    TimePoint _pausedUntil{};
    unsigned _failures = 0;
};

} // namespace tollgate::stores
