#include "stores/Fleet.h"
#include "stores/Folder.h"
#include "stores/RedisServer.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <thread>

/// Real processes that share one account, through real stores. Times are scaled: windows of seconds stand for minutes.
namespace tollgate::testing {

namespace {

using namespace std::chrono_literals;

/// 8 processes share 100 requests a window for several windows.
void shareFairly(const std::string& store)
{
    constexpr unsigned processes = 8;
    constexpr std::size_t limit = 100;
    constexpr auto window = 2s;
    Orders orders;
    orders.store = store;
    orders.limit = limit;
    orders.window = window;
    Fleet fleet(orders);
    fleet.start(processes);
    std::this_thread::sleep_for(300ms); // all are ready
    fleet.server().open = true;
    // SQLite's lock is not fair: who is out of luck may miss some windows, but nobody may for ever.
    const auto allHadTheirs = [](const std::vector<Arrival>& arrivals) {
        const auto counts = byProcess(arrivals);
        return arrivals.size() >= 5 * limit && counts.size() == processes &&
               std::all_of(counts.begin(), counts.end(), [](auto& one) { return one.second >= 5; });
    };
    BOOST_CHECK(fleet.await(allHadTheirs, 60s));
    BOOST_CHECK(fleet.finish());

    const std::vector<Arrival> arrivals = fleet.arrivals();
    BOOST_REQUIRE(!arrivals.empty());
    const double used = utilisation(arrivals, limit, window);
    const auto counts = byProcess(arrivals);
    const auto fewest = std::min_element(counts.begin(), counts.end(), [](auto& a, auto& b) { return a.second < b.second; });
    BOOST_TEST_MESSAGE(store.substr(0, store.find(':'))
                       << ": " << counts.size() << " processes, " << arrivals.size() << " requests, at most "
                       << mostInAnyWindow(arrivals, window) << " of " << limit << " in any window, " << 100 * used
                       << " % used, fewest by one process " << fewest->second);
    BOOST_CHECK_LE(mostInAnyWindow(arrivals, window), limit);
    BOOST_CHECK_GE(used, 0.85); // a quiet machine uses 99 %; pauses of a busy one cost a few
}

} // namespace

BOOST_AUTO_TEST_SUITE(ProcessesTest)

BOOST_AUTO_TEST_CASE(eight_processes_share_a_limit_through_sqlite)
{
    const Folder folder;
    shareFairly("sqlite:" + (folder / "quota.db"));
}

BOOST_AUTO_TEST_CASE(eight_processes_share_a_limit_through_redis)
{
    const RedisServer redis;
    shareFairly("redis:" + redis.address());
}

BOOST_AUTO_TEST_CASE(killed_and_restarted_a_hundred_times_it_stays_within_the_limit)
{
    const Folder folder;
    Orders orders;
    orders.store = "sqlite:" + (folder / "quota.db");
    orders.limit = 50;
    orders.window = 2s;
    orders.threads = 4;
    orders.timeout = 5s; // or what the killed had in flight would soon fill the limit
    Fleet fleet(orders);
    fleet.server().open = true;
    std::mt19937 random(1);
    const auto begin = std::chrono::steady_clock::now();
    const pid_t first = fleet.start();
    BOOST_REQUIRE(fleet.await(1, 20s));
    const auto start = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    fleet.kill9(first);
    for (int i = 0; i < 100; ++i) {
        const pid_t worker = fleet.start();
        if (i % 20 == 19) // however slow the machine is, some get to work
            BOOST_REQUIRE(fleet.await([worker](const auto& arrivals) { return byProcess(arrivals)[worker] >= 10; }, 30s));
        else
            std::this_thread::sleep_for(start / 2 + std::chrono::milliseconds(std::uniform_int_distribution<int>(0, 80)(random)));
        fleet.kill9(worker);
    }
    const std::vector<Arrival> arrivals = fleet.arrivals();
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    BOOST_TEST_MESSAGE("killed 100 times in " << seconds << " s: " << arrivals.size() << " requests by "
                                              << byProcess(arrivals).size() << " processes, at most "
                                              << mostInAnyWindow(arrivals, 2s) << " of 50 in any window");
    BOOST_CHECK_LE(mostInAnyWindow(arrivals, 2s), 50U);
}

BOOST_AUTO_TEST_CASE(a_restart_in_the_middle_of_a_window_changes_nothing)
{
    const Folder folder;
    Orders orders;
    orders.store = "sqlite:" + (folder / "quota.db");
    orders.limit = 40;
    orders.window = 2s;
    Fleet fleet(orders);
    fleet.server().open = true;
    fleet.server().milliseconds = 20;
    for (int round = 1; round <= 3; ++round) {
        const pid_t worker = fleet.start();
        BOOST_REQUIRE(fleet.await(static_cast<std::uint64_t>(round) * 30, 20s));
        fleet.kill9(worker);
    }
    const std::vector<Arrival> arrivals = fleet.arrivals();
    BOOST_CHECK_LE(mostInAnyWindow(arrivals, 2s), 40U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace tollgate::testing
