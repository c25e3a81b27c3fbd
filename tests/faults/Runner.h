#pragma once

#include "Case.h"

#include "tollgate/Body.h"
#include "tollgate/Error.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace tollgate::faults {

/// What came of a call.
struct Ending
{
    std::string error; ///< name of the type; empty: success
    Delivery delivery = Delivery::NotSent;
    bool stale = false;
    std::string text;   ///< body or message
    Duration overrun{}; ///< beyond the deadline
};

/// Runs a call that reads its answer to the end, and answers what came of it.
Ending outcomeOf(TimePoint deadline, const std::function<std::string()>& call);

/// Where an outcome is not what was expected; empty if it is.
std::string difference(const Expectation& expected, const Ending& outcome);

/// The figures of the room; thread-safe.
class Figures
{
public:
    static Figures& all();

    /// Counts a case. The name must be new.
    void ran(const std::string& name);
    void overran(const std::string& name, Duration time);
    void hung() { ++_hangs; }
    void leaked(std::ptrdiff_t descriptors) { _leaked += descriptors; }
    /// A case that waits was judged too late or too early and ran again.
    void repeated() { ++_repeated; }

    std::string text() const;
    std::size_t cases() const;
    bool allNamesDiffer() const { return !_twice; }

private:
    mutable std::mutex _mutex;
    std::set<std::string> _names;
    std::string _worstName;
    Duration _worst{};
    std::atomic<bool> _twice{false};
    std::atomic<int> _hangs{0}, _repeated{0};
    std::atomic<std::ptrdiff_t> _leaked{0};
};

/// One thing to try: answers what is wrong, or nothing. `waits`: it ends at its deadline, so if the machine was too busy with the
/// others it is tried again, alone, and must go right within five times.
struct Trial
{
    std::string name;
    bool waits;
    std::function<std::string()> run;
};

/// Runs all trials, many at a time, and answers what was wrong, name by name; then no descriptor may be open that was not before.
/// A trial that does not end within a minute is a hang, which ends the program.
std::vector<std::string> runAll(std::vector<Trial> trials);

/// Checks that there is none, or fails the test with each of them.
void report(const std::vector<std::string>& problems);

bool eventually(const std::function<bool()>& condition);

/// More than the buffers of a loopback connection hold.
RequestBodyPtr largeBody(std::size_t size, bool lengthKnown);

} // namespace tollgate::faults
