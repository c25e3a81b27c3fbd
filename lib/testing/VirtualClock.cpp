#include "tollgate/testing/VirtualClock.h"

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <utility>

namespace tollgate::testing {

struct VirtualClock::State
{
    class Place;
    struct Sleeper
    {
        TimePoint until;
        bool released = false;
        std::condition_variable wake;
    };

    std::mutex mutex;
    TimePoint now{std::chrono::hours(24)}; // not zero, so that "now - window" is a time too
    WallTime wallStart{std::chrono::seconds(1'800'000'000)};
    std::size_t entered = 1;
    std::list<Sleeper*> sleepers; ///< parked, and not yet released

    void release(Sleeper& sleeper)
    {
        if (sleeper.released) return;
        sleeper.released = true;
        sleepers.remove(&sleeper);
        sleeper.wake.notify_one();
    }

    void releaseDue()
    {
        for (auto next = sleepers.begin(); next != sleepers.end();) {
            Sleeper& sleeper = **next++;
            if (sleeper.until <= now) release(sleeper);
        }
    }

    /// If nobody works any more, the time moves to the next wake-up.
    void moveOn()
    {
        if (sleepers.empty() || sleepers.size() < entered) return;
        const auto next =
            std::min_element(sleepers.begin(), sleepers.end(), [](auto* a, auto* b) { return a->until < b->until; });
        if ((*next)->until == never) return;
        now = std::max(now, (*next)->until);
        releaseDue();
    }
};

class VirtualClock::State::Place final : public Parker
{
public:
    explicit Place(std::shared_ptr<State> state) : _state(std::move(state)) {}

    void park(TimePoint until) override
    {
        std::unique_lock<std::mutex> lock(_state->mutex);
        if (!_unparked && until > _state->now) {
            Sleeper sleeper;
            sleeper.until = until;
            _state->sleepers.push_back(&sleeper);
            _sleeper = &sleeper;
            _state->moveOn();
            sleeper.wake.wait(lock, [&sleeper] { return sleeper.released; });
            _sleeper = nullptr;
        }
        _unparked = false;
    }

    void unpark() override
    {
        const std::lock_guard<std::mutex> lock(_state->mutex);
        _unparked = true;
        if (_sleeper) _state->release(*_sleeper);
    }

private:
    std::shared_ptr<State> _state;
    Sleeper* _sleeper = nullptr; ///< while parked
    bool _unparked = false;
};

VirtualClock::VirtualClock() : _state(std::make_shared<State>()) {}

VirtualClock::~VirtualClock() = default;

std::shared_ptr<VirtualClock> VirtualClock::create() { return std::shared_ptr<VirtualClock>(new VirtualClock()); }

TimePoint VirtualClock::now() const
{
    const std::lock_guard<std::mutex> lock(_state->mutex);
    return _state->now;
}

WallTime VirtualClock::wallNow() const
{
    const std::lock_guard<std::mutex> lock(_state->mutex);
    return _state->wallStart + std::chrono::duration_cast<WallTime::duration>(_state->now.time_since_epoch());
}

std::unique_ptr<Parker> VirtualClock::parker() { return std::make_unique<State::Place>(_state); }

void VirtualClock::enter()
{
    const std::lock_guard<std::mutex> lock(_state->mutex);
    ++_state->entered;
}

void VirtualClock::leave()
{
    const std::lock_guard<std::mutex> lock(_state->mutex);
    --_state->entered;
    _state->moveOn();
}

void VirtualClock::advance(Duration by)
{
    const std::lock_guard<std::mutex> lock(_state->mutex);
    _state->now += by;
    _state->releaseDue();
}

void VirtualClock::run(const std::vector<std::function<void()>>& functions)
{
    std::vector<std::thread> threads;
    // All count as entered before the first one runs, or time could pass while the others are being started.
    for (std::size_t i = 0; i < functions.size(); ++i) enter();
    threads.reserve(functions.size());
    for (const auto& function : functions)
        threads.emplace_back([this, &function] {
            function();
            leave();
        });
    leave();
    for (auto& thread : threads) thread.join();
    enter();
}

} // namespace tollgate::testing
