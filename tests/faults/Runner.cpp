#include "Runner.h"

#include "support/OpenDescriptors.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <thread>

namespace tollgate::faults {

namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr unsigned quickThreads = 6;    // they compute
constexpr unsigned patientThreads = 24; // they wait
constexpr auto hang = 60s;
constexpr auto tolerated = 50ms; // beyond the deadline

/// 'x', as many as wanted, out of one memory for all.
class LargeBody final : public RequestBody
{
public:
    LargeBody(std::size_t size, bool lengthKnown) : _size(size), _lengthKnown(lengthKnown) {}
    std::optional<std::uint64_t> length() const override
    {
        return _lengthKnown ? std::optional<std::uint64_t>(_size) : std::nullopt;
    }
    bool replayable() const override { return true; }
    void rewind() override { _at = 0; }
    std::size_t read(char* buffer, std::size_t capacity) override
    {
        const std::size_t count = std::min(capacity, _size - _at);
        std::memset(buffer, 'x', count);
        _at += count;
        return count;
    }

private:
    const std::size_t _size;
    const bool _lengthKnown;
    std::size_t _at = 0;
};

struct Running
{
    std::mutex mutex;
    std::string name;
    TimePoint since = never;
};

std::string wrongWith(const Trial& trial)
{
    try {
        return trial.run();
    } catch (const std::exception& error) {
        return std::string("the trial itself failed: ") + error.what();
    }
}

struct Problem
{
    Trial trial;
    std::string text;
};

/// Runs all of them and answers those that went wrong.
std::vector<Problem> runAtOnce(const std::vector<Trial>& trials, unsigned threadCount)
{
    std::atomic<std::size_t> next{0};
    std::atomic<unsigned> working{threadCount};
    std::vector<Running> running(threadCount);
    std::vector<Problem> problems;
    std::mutex mutex;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < threadCount; ++i)
        threads.emplace_back([&, i] {
            for (std::size_t at = next++; at < trials.size(); at = next++) {
                {
                    const std::lock_guard<std::mutex> lock(running[i].mutex);
                    running[i].name = trials[at].name;
                    running[i].since = Steady::now();
                }
                std::string wrong = wrongWith(trials[at]);
                if (wrong.empty()) continue;
                const std::lock_guard<std::mutex> lock(mutex);
                problems.push_back({trials[at], std::move(wrong)});
            }
            const std::lock_guard<std::mutex> lock(running[i].mutex);
            running[i].since = never;
            --working;
        });
    while (working > 0) {
        std::this_thread::sleep_for(20ms);
        for (Running& each : running) {
            const std::lock_guard<std::mutex> lock(each.mutex);
            if (each.since == never || Steady::now() - each.since < hang) continue;
            Figures::all().hung();
            std::cerr << "hang: " << each.name << "\n" << Figures::all().text() << std::endl;
            std::_Exit(1); // its thread cannot be ended
        }
    }
    for (auto& thread : threads) thread.join();
    return problems;
}

} // namespace

RequestBodyPtr largeBody(std::size_t size, bool lengthKnown) { return std::make_shared<LargeBody>(size, lengthKnown); }

void report(const std::vector<std::string>& problems)
{
    for (const std::string& problem : problems) BOOST_ERROR(problem);
    BOOST_TEST(problems.size() == 0u);
}

bool eventually(const std::function<bool()>& condition)
{
    for (const TimePoint end = Steady::now() + 15s; Steady::now() < end; std::this_thread::sleep_for(1ms))
        if (condition()) return true;
    return condition();
}

Ending outcomeOf(TimePoint deadline, const std::function<std::string()>& call)
{
    Ending outcome;
    try {
        outcome.text = call();
    } catch (const Error& error) {
        outcome.error = error.name();
        outcome.delivery = error.delivery();
        outcome.stale = error.details().staleConnection;
        outcome.text = error.hint().empty() ? "no hint" : error.details().message;
    }
    outcome.overrun = Steady::now() - deadline;
    return outcome;
}

std::string difference(const Expectation& expected, const Ending& outcome)
{
    const auto got = [&outcome] {
        return (outcome.error.empty() ? "success" : outcome.error + " " + toString(outcome.delivery)) + " (" + outcome.text + ")";
    };
    if (outcome.overrun > tolerated)
        return "over its deadline by " +
               std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(outcome.overrun).count()) + " ms with " +
               got();
    if (expected.errors.empty() != outcome.error.empty()) return "unexpected " + got();
    if (outcome.error.empty()) return outcome.text == expected.body ? "" : "wrong body: " + outcome.text;
    if (expected.errors.count(outcome.error) == 0) return "unexpected " + got();
    if (expected.deliveries.count(outcome.delivery) == 0) return "wrong delivery: " + got();
    if (expected.stale != outcome.stale) return (outcome.stale ? "called stale: " : "not called stale: ") + got();
    if (outcome.text == "no hint") return "no hint: " + outcome.error;
    if (expected.waits && outcome.overrun < Duration::zero()) return "given up before its time: " + got();
    return {};
}

Figures& Figures::all()
{
    static Figures figures;
    return figures;
}

void Figures::ran(const std::string& name)
{
    const std::lock_guard<std::mutex> lock(_mutex);
    if (!_names.insert(name).second) {
        _twice = true;
        std::cerr << "two cases are called " << name << "\n";
    }
}

void Figures::overran(const std::string& name, Duration time)
{
    const std::lock_guard<std::mutex> lock(_mutex);
    if (time <= _worst) return;
    _worst = time;
    _worstName = name;
}

std::size_t Figures::cases() const
{
    const std::lock_guard<std::mutex> lock(_mutex);
    return _names.size();
}

std::string Figures::text() const
{
    const std::lock_guard<std::mutex> lock(_mutex);
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(_worst).count();
    return "fault cases: " + std::to_string(_names.size()) + "\nhangs: " + std::to_string(_hangs) +
           "\ndescriptors leaked: " + std::to_string(_leaked) +
           "\nworst overrun of a deadline: " + std::to_string(microseconds / 1000) + "." +
           std::to_string(microseconds / 100 % 10) + " ms (" + _worstName +
           ")\ncases judged again: " + std::to_string(_repeated) + "\n";
}

std::vector<std::string> runAll(std::vector<Trial> trials)
{
    for (const Trial& trial : trials) Figures::all().ran(trial.name);
    const auto patient = std::stable_partition(trials.begin(), trials.end(), [](const Trial& trial) { return !trial.waits; });
    const tests::OpenDescriptors before;
    std::vector<std::string> problems;
    for (const Problem& each : runAtOnce({trials.begin(), patient}, quickThreads))
        problems.push_back(each.trial.name + ": " + each.text);
    // Those that wait have little time: in a crowd on a busy machine one may miss its place, but not five times, alone and later.
    for (Problem& each : runAtOnce({patient, trials.end()}, patientThreads)) {
        for (int again = 0; again < 5 && !each.text.empty(); ++again) {
            std::this_thread::sleep_for(50ms * (again * again));
            Figures::all().repeated();
            const auto still = runAtOnce({each.trial}, 1);
            each.text = still.empty() ? "" : still.front().text;
        }
        if (!each.text.empty()) problems.push_back(each.trial.name + ": " + each.text);
    }
    const std::string leaked = before.leaked();
    Figures::all().leaked(std::count(leaked.begin(), leaked.end(), ' '));
    if (!leaked.empty()) problems.push_back("descriptors are open that were not before: " + leaked);
    return problems;
}

} // namespace tollgate::faults
