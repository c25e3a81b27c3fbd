#pragma once

#include "tollgate/Clock.h"

#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace tollgate::testing {

/// A clock that stands still while anybody works and jumps to the next wake-up when all wait: simulated hours pass in
/// milliseconds. The thread that makes it counts as entered. Thread-safe.
class TOLLGATE_API VirtualClock : public Clock
{
public:
    static std::shared_ptr<VirtualClock> create();
    ~VirtualClock() override;

    TimePoint now() const override;
    WallTime wallNow() const override;
    std::unique_ptr<Parker> parker() override;
    void enter() override;
    void leave() override;

    /// Moves the time by hand, waking whoever is due.
    void advance(Duration by);

    /// Runs the functions, each on an own thread that is entered, and waits for all of them while time may pass.
    void run(const std::vector<std::function<void()>>& functions);

private:
    VirtualClock();
    struct State;
    std::shared_ptr<State> _state;
};

} // namespace tollgate::testing
