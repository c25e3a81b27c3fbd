#include "tollgate/Clock.h"

#include "tollgate/testing/VirtualClock.h"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

using namespace tollgate;
using namespace std::chrono_literals;
using tollgate::testing::VirtualClock;

BOOST_AUTO_TEST_SUITE(ClockTest)

BOOST_AUTO_TEST_CASE(an_unpark_that_comes_first_is_not_lost)
{
    const auto parker = Clock::system()->parker();
    parker->unpark();
    parker->park(never); // would hang
    parker->park(Clock::system()->now() - 1s);
    std::thread waker([&] { parker->unpark(); });
    parker->park(never);
    waker.join();
    BOOST_TEST(true, "every park ended");
}

BOOST_AUTO_TEST_CASE(virtual_time_jumps_to_the_next_wake_up_when_all_wait)
{
    const auto clock = VirtualClock::create();
    const TimePoint start = clock->now();
    std::vector<int> order;
    std::mutex mutex;
    const auto sleeper = [&](int name, Duration duration) {
        return [&, name, duration] {
            clock->parker()->park(start + duration);
            const std::lock_guard<std::mutex> lock(mutex);
            order.push_back(name);
            BOOST_TEST((clock->now() == start + duration));
        };
    };
    clock->run({sleeper(3, 3h), sleeper(1, 1h), sleeper(2, 2h)});
    BOOST_TEST(order == (std::vector<int>{1, 2, 3}), boost::test_tools::per_element());
    BOOST_TEST((clock->now() == start + 3h));
}

BOOST_AUTO_TEST_CASE(virtual_time_stands_still_while_somebody_works)
{
    const auto clock = VirtualClock::create();
    const TimePoint start = clock->now();
    const auto parker = clock->parker();
    std::atomic<bool> released{false};
    clock->run({[&] {
                    parker->park(start + 1h);
                    released = true;
                    BOOST_TEST((clock->now() == start));
                },
                [&] {
                    for (int i = 0; i < 1000; ++i) BOOST_REQUIRE((clock->now() == start));
                    BOOST_TEST(!released);
                    parker->unpark();
                    while (!released) std::this_thread::yield();
                }});
    BOOST_TEST(released.load());
}

BOOST_AUTO_TEST_CASE(the_thread_that_made_it_may_park_alone)
{
    const auto clock = VirtualClock::create();
    const TimePoint start = clock->now();
    const WallTime wall = clock->wallNow();
    clock->parker()->park(start + 36h);
    BOOST_TEST((clock->now() == start + 36h));
    BOOST_TEST((clock->wallNow() == wall + 36h));
    clock->advance(5s);
    BOOST_TEST((clock->now() == start + 36h + 5s));
}

BOOST_AUTO_TEST_SUITE_END()
