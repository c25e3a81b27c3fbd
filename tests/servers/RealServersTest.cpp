// Real nginx and HAProxy, and a client that wants more than it may: no 429 after the first contradiction, none at all where the
// shape was chosen for the server. All runs go on at the same time; each has its own server.

#include "servers/Daemon.h"

#include "tollgate/tollgate.h"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <functional>
#include <iomanip>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace tollgate;
using namespace tollgate::tests;
using namespace std::chrono_literals;

namespace {

constexpr unsigned requests = 50;
constexpr auto window = 3s;
constexpr auto runTime = 30s;
constexpr unsigned callers = 8;

RetryPolicy noRetries()
{
    RetryPolicy policy;
    policy.attempts = 1;
    return policy;
}

std::unique_ptr<Daemon> nginx(unsigned burst) { return std::make_unique<Nginx>(requests * 60 / 3, burst); }
std::unique_ptr<Daemon> haProxy() { return std::make_unique<HaProxy>(requests, 3); }

/// When the limit stepped down, if it did.
struct Watcher : Observer
{
    void onTransition(const Transition& transition) override
    {
        const std::lock_guard<std::mutex> lock(mutex);
        if (transition.kind != Transition::Kind::SteppedDown) return;
        ++stepDowns;
        at = std::chrono::steady_clock::now();
    }
    std::mutex mutex;
    unsigned stepDowns = 0;
    TimePoint at = never;
};

struct Tally
{
    unsigned accepted = 0;
    unsigned refused = 0;      ///< 429
    unsigned refusedLater = 0; ///< of them, calls that were made after the step-down
    unsigned other = 0;
    unsigned steady = 0; ///< accepted in the second half
    unsigned stepDowns = 0;
    double share = 0;       ///< accepted, of the limit
    double steadyShare = 0; ///< in the second half
};

struct Run
{
    std::string name;
    std::function<std::unique_ptr<Daemon>()> server;
    Shape shape;
    Tally tally{};
    std::string trouble{};
};

/// As much as it may, for some windows, from several threads.
void saturate(Run& run)
{
    const auto server = run.server();
    const auto watcher = std::make_shared<Watcher>();
    const Client api = Client::to(server->url())
                           .limit(WindowLimit(requests, window).shape(run.shape))
                           .retry(noRetries())
                           .observer(watcher)
                           .timeout(60s)
                           .build();
    Tally& tally = run.tally;
    std::mutex mutex;
    const TimePoint start = std::chrono::steady_clock::now();
    const TimePoint end = start + runTime;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < callers; ++i) {
        threads.emplace_back([&] {
            for (TimePoint made = start; made < end; made = std::chrono::steady_clock::now()) {
                const auto result = api.get("/ok").trySend();
                const TimePoint now = std::chrono::steady_clock::now();
                const std::lock_guard<std::mutex> lock(mutex);
                if (result) {
                    if (now <= end) ++tally.accepted;
                    if (now <= end && now > start + runTime / 2) ++tally.steady;
                } else if (result.error().status() == 429) {
                    ++tally.refused;
                    const std::lock_guard<std::mutex> other(watcher->mutex);
                    tally.refusedLater += made > watcher->at ? 1U : 0U;
                } else {
                    ++tally.other;
                }
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    const double windows = std::chrono::duration<double>(runTime) / window;
    tally.share = tally.accepted / (windows * requests);
    tally.steadyShare = tally.steady / (windows / 2 * requests);
    tally.stepDowns = watcher->stepDowns;
}

void runAll(std::vector<Run>& runs)
{
    std::vector<std::thread> threads;
    for (Run& run : runs) {
        threads.emplace_back([&run] {
            try {
                saturate(run);
            } catch (const std::exception& error) {
                run.trouble = error.what();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
}

} // namespace

BOOST_AUTO_TEST_SUITE(RealServersTest)

BOOST_AUTO_TEST_CASE(the_servers_refuse_those_who_ask_for_too_much)
{
    std::vector<std::unique_ptr<Daemon>> servers;
    servers.push_back(nginx(20));
    servers.push_back(nginx(49));
    servers.push_back(haProxy());
    for (const auto& server : servers) {
        unsigned accepted = 0, refused = 0, asked = 0;
        // Who is slower than the server's rate must go on until a burst of it is too much.
        for (const auto end = std::chrono::steady_clock::now() + 30s;
             asked < 100 || (refused == 0 && std::chrono::steady_clock::now() < end); ++asked)
        {
            // A client of its own, so that none learns from another one's answer.
            const auto result = Client::to(server->url()).retry(noRetries()).build().get("/ok").trySend();
            accepted += result ? 1U : 0U;
            refused += !result && result.error().status() == 429 ? 1U : 0U;
        }
        BOOST_TEST(accepted + refused == asked);
        BOOST_TEST(accepted >= 20U);
        BOOST_TEST(refused > 0U);
    }
}

BOOST_AUTO_TEST_CASE(no_429_after_the_first_contradiction)
{
    std::vector<Run> runs{
        {"nginx, burst=49: default", [] { return nginx(49); }, Shape::Burst},
        {"nginx, burst=20: default", [] { return nginx(20); }, Shape::Burst},
        {"HAProxy: default", [] { return haProxy(); }, Shape::Burst},
        {"nginx, burst=20: Adaptive", [] { return nginx(20); }, Shape::Adaptive},
        {"HAProxy: Adaptive", [] { return haProxy(); }, Shape::Adaptive},
        {"nginx, burst=20: Paced", [] { return nginx(20); }, Shape::Paced},
        {"HAProxy: Paced", [] { return haProxy(); }, Shape::Paced},
    };
    runAll(runs);
    for (const Run& run : runs) {
        BOOST_REQUIRE_MESSAGE(run.trouble.empty(), run.name << ": " << run.trouble);
        const Tally& tally = run.tally;
        BOOST_TEST_MESSAGE(std::left << std::setw(28) << run.name << std::right << tally.accepted << " accepted, "
                                     << tally.refused << " times 429 (" << tally.refusedLater << " after the step-down), "
                                     << std::fixed << std::setprecision(1) << 100 * tally.share << " % of the limit, "
                                     << 100 * tally.steadyShare << " % in the second half");
        BOOST_TEST(tally.other == 0U, run.name);
        BOOST_TEST(tally.refusedLater == 0U, run.name);
        BOOST_TEST(tally.stepDowns <= 1U, run.name);
        BOOST_TEST(tally.refused <= requests, run.name);
        if (run.shape != Shape::Burst || run.name.find("burst=49") != std::string::npos) {
            BOOST_TEST(tally.refused == 0U, run.name);
            BOOST_TEST(tally.stepDowns == 0U, run.name);
        } else {
            BOOST_TEST(tally.stepDowns == 1U, run.name); // a server that this test is about
        }
        // Even pacing leaves 98 %. On a busy machine wake-ups and answers come late, which costs Paced most.
        BOOST_TEST(tally.steadyShare >= (run.shape == Shape::Paced ? 0.6 : 0.75), run.name << ": " << tally.steadyShare);
        BOOST_TEST(tally.share <= 1.0 + 1.0 / 10, run.name << ": " << tally.share);
    }
}

BOOST_AUTO_TEST_SUITE_END()
