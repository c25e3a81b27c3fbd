#include "SlidingWindow.h"

#include <algorithm>

namespace tollgate::testing::sandbox {

bool SlidingWindow::take(TimePoint now)
{
    if (_limit == 0) return true;
    if (used(now) >= _limit) return false;
    _log.push_back(now);
    return true;
}

std::size_t SlidingWindow::used(TimePoint now)
{
    while (!_log.empty() && now - _log.front() >= _window) _log.pop_front();
    return _log.size();
}

Duration SlidingWindow::untilOldestLeaves(TimePoint now) { return used(now) == 0 ? _window : _log.front() + _window - now; }

long long retryAfterSeconds(Duration wait) noexcept
{
    return std::max<long long>(1, std::chrono::ceil<std::chrono::seconds>(wait).count());
}

} // namespace tollgate::testing::sandbox
