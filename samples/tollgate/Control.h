#pragma once

#include "Failure.h"

#include "tollgate/Cancellation.h"
#include "tollgate/Clock.h"

#include <atomic>
#include <functional>
#include <string>
#include <thread>

namespace tollgate::command {

/// Holds the reins of the whole command: Ctrl-C and SIGTERM cancel it, its deadline ends it, and its outcome is printed once,
/// whoever comes first. One object a process, made first thing in main().
class Control
{
public:
    Control();
    ~Control();
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

    /// The command shall end by then, counted from the start of the process. A call gets that as its deadline; what no call
    /// covers (a pipe that never ends, a terminal that nobody types at) is ended by force 200 ms later.
    void endWithin(Duration duration);
    TimePoint deadline() const noexcept { return _deadline; }

    /// How a failure is printed: text on standard error unless set to JSON on standard output.
    void renderFailure(std::function<void(const Failure&, std::string& out, std::string& err)> render)
    {
        _render = std::move(render);
    }

    /// From now on requests may go out: a forced end can no longer say that nothing was sent.
    void startSending() noexcept { _sending = true; }

    CancellationToken token() const noexcept { return _source.token(); }
    /// The signal that asked for the end, or 0.
    int signal() const noexcept { return _signal; }

    /// Prints the outcome and answers the exit status.
    int finish(ExitStatus status, const std::string& out, const std::string& err = {});
    int finish(const Failure& failure);

private:
    void watch();
    void overrun();
    int statusOf(const Failure& failure) const noexcept;
    /// True for the first who asks: only that one prints.
    bool claim(int status) noexcept;

    const TimePoint _started = std::chrono::steady_clock::now();
    TimePoint _deadline = never;
    std::atomic<TimePoint::rep> _hardEnd;
    std::atomic<bool> _sending{false};
    std::atomic<int> _signal{0};
    std::atomic<int> _status{-1};
    CancellationSource _source;
    std::function<void(const Failure&, std::string&, std::string&)> _render;
    std::thread _watcher;
};

/// Writes all of it to a descriptor; gives up silently if nobody reads any more.
void writeAll(int descriptor, const std::string& text) noexcept;

} // namespace tollgate::command
