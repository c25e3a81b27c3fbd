#pragma once

#include "tollgate/Clock.h"

#include <algorithm>
#include <chrono>

namespace tollgate::stores {

/// Leaves a store in peace that failed three times in a row, and tries it again, once, after a pause. One thread at a time.
class Circuit
{
public:
    explicit Circuit(Duration pause) : _pause(pause) {}

    bool lets(TimePoint now) const noexcept { return _failures < enough || now >= _pausedUntil; }
    void succeeded() noexcept
    {
        _failures = 0;
        _inVain = Duration::zero();
    }
    void failed(TimePoint now) noexcept
    {
        if (_failures < enough) ++_failures;
        _pausedUntil = now + _pause;
        _inVain = Duration::zero();
    }
    /// A caller gave up before the store's own `patience` was over. True once such callers together waited that long, or a little
    /// when it is tried again after a pause: that is a failure, or calls with short deadlines would never be done with a store
    /// that hangs.
    bool gaveUp(Duration waited, Duration patience) noexcept
    {
        constexpr Duration least = std::chrono::milliseconds(1);
        constexpr Duration healthy = std::chrono::milliseconds(10); // takes less
        _inVain += waited;
        return _inVain >= std::max(_failures < enough ? patience : std::min(patience, healthy), least);
    }

private:
    static constexpr unsigned enough = 3;
    Duration _pause;
    TimePoint _pausedUntil{};
    Duration _inVain{};
    unsigned _failures = 0;
};

} // namespace tollgate::stores
