#include "stores/Turn.h"

#include <algorithm>
#include <chrono>
#include <mutex>

namespace tollgate::stores {

using Steady = std::chrono::steady_clock;

bool Turn::take(transport::Watch& watch)
{
    if (_forking.load() == std::this_thread::get_id()) return false;
    {
        const std::lock_guard<ForkMutex> lock(_mutex);
        if (!_taken) return _taken = true;
    }
    Waiter waiter;
    waiter.since = Steady::now();
    std::unique_lock<ForkMutex> lock(_mutex);
    _waiters.push_back(&waiter);
    const auto leave = [&] { _waiters.erase(std::find(_waiters.begin(), _waiters.end(), &waiter)); };
    while (!waiter.called) {
        if (!_taken) {
            leave();
            return _taken = true;
        }
        waiter.signal.lower();
        waiter.woken = false;
        lock.unlock();
        try {
            watch.waitUntil(waiter.signal.descriptor(), POLLIN, never, transport::Phase::Store);
        } catch (...) {
            lock.lock();
            if (!waiter.called) {
                leave();
                if (!_taken) wakeFirst(); // the wake that came for us is for another one
                throw;
            }
            lock.unlock();
            pass();
            throw;
        }
        lock.lock();
    }
    return true;
}

void Turn::pass() noexcept
{
    constexpr auto longEnough = std::chrono::milliseconds(1);
    const std::lock_guard<ForkMutex> lock(_mutex);
    if (!_waiters.empty() && Steady::now() - _waiters.front()->since > longEnough) {
        Waiter& next = *_waiters.front();
        _waiters.pop_front();
        next.called = true;
        if (!next.woken) next.signal.raise();
        return;
    }
    _taken = false;
    wakeFirst();
}

void Turn::wakeFirst() noexcept
{
    if (_waiters.empty() || _waiters.front()->woken) return;
    _waiters.front()->woken = true;
    _waiters.front()->signal.raise();
}

void Turn::afterFork(bool inChild) noexcept
{
    if (inChild) {
        _waiters.clear();
        _taken = false;
    }
    _forking = std::thread::id();
}

} // namespace tollgate::stores
