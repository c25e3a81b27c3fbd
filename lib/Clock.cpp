#include "tollgate/Clock.h"

#include <condition_variable>
#include <mutex>

namespace tollgate {

namespace {

class SystemParker final : public Parker
{
public:
    void park(TimePoint until) override
    {
        std::unique_lock<std::mutex> lock(_mutex);
        const auto awake = [this] { return _unparked; };
        // A wait until "never" would overflow inside the library.
        if (until == never)
            _wake.wait(lock, awake);
        else
            _wake.wait_until(lock, until, awake);
        _unparked = false;
    }

    void unpark() override
    {
        {
            const std::lock_guard<std::mutex> lock(_mutex);
            _unparked = true;
        }
        _wake.notify_one();
    }

private:
    std::mutex _mutex;
    std::condition_variable _wake;
    bool _unparked = false;
};

class SystemClock final : public Clock
{
public:
    TimePoint now() const override { return std::chrono::steady_clock::now(); }
    WallTime wallNow() const override { return std::chrono::system_clock::now(); }
    std::unique_ptr<Parker> parker() override { return std::make_unique<SystemParker>(); }
};

} // namespace

std::shared_ptr<Clock> Clock::system()
{
    // Never destroyed: threads may still wait on it while the process ends.
    static const auto& clock = *new std::shared_ptr<Clock>(std::make_shared<SystemClock>());
    return clock;
}

} // namespace tollgate
