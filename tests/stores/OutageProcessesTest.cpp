#include "stores/Fleet.h"
#include "stores/RedisServer.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

/// The store goes away under processes at work, and comes back.
namespace tollgate::testing {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t limit = 48;
constexpr auto window = 1s;
constexpr unsigned workers = 4;

Orders orders(const RedisServer& redis, const std::string& failure)
{
    Orders given;
    given.store = "redis:" + redis.address();
    given.limit = limit;
    given.window = window;
    given.failure = failure;
    given.storeTimeout = 500ms;
    return given;
}

std::int64_t now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

/// Without the store, once everybody knew, and with it again: what was expected and what was seen.
struct Course
{
    std::size_t most = 0;      ///< in any window of it all
    std::size_t meanwhile = 0; ///< in two windows without the store
    std::size_t afterwards = 0;
};

/// How many came in two windows from now on. If they are too few, later windows may do: a busy machine has its pauses.
std::size_t inTwoWindows(Fleet& fleet, std::size_t expected)
{
    const auto seen = [begin = now()](std::vector<Arrival> arrivals) {
        const auto before = [=](const Arrival& one) { return one.at < begin; };
        arrivals.erase(std::remove_if(arrivals.begin(), arrivals.end(), before), arrivals.end());
        return mostInAnyWindow(std::move(arrivals), 2 * window);
    };
    std::this_thread::sleep_for(2 * window);
    fleet.await([&](const std::vector<Arrival>& arrivals) { return seen(arrivals) >= expected; }, 20s);
    return seen(fleet.arrivals());
}

template <class Take, class Give>
Course throughAnOutage(const std::string& what, Fleet& fleet, const Take& take, const Give& give, const Course& expected)
{
    fleet.start(workers);
    fleet.server().open = true;
    BOOST_REQUIRE(fleet.await(2 * limit, 20s));
    // Safe share presumes that the others did not speed up since its last look: not in the middle of a burst, then.
    const auto calm = [](const std::vector<Arrival>& all) {
        return now() - all.back().at > std::chrono::nanoseconds(100ms).count();
    };
    fleet.await(calm, 5s); // spread evenly over the window, they are no burst either
    Course course;
    take();
    std::this_thread::sleep_for(1800ms); // three timeouts of half a second
    course.meanwhile = inTwoWindows(fleet, expected.meanwhile);
    give();
    std::this_thread::sleep_for(1s + window);
    course.afterwards = inTwoWindows(fleet, expected.afterwards);
    BOOST_CHECK(fleet.finish());
    course.most = mostInAnyWindow(fleet.arrivals(), window);
    BOOST_TEST_MESSAGE(what << ": at most " << course.most << " of " << limit << " in any window, " << course.meanwhile
                            << " in two windows without the store, " << course.afterwards << " in two windows after");
    BOOST_CHECK_LE(course.most, expected.most);
    BOOST_CHECK_GE(course.meanwhile, expected.meanwhile);
    BOOST_CHECK_GE(course.afterwards, expected.afterwards);
    return course;
}

} // namespace

BOOST_AUTO_TEST_SUITE(OutageProcessesTest)

BOOST_AUTO_TEST_CASE(safe_share_stays_within_the_limit_while_redis_is_frozen)
{
    RedisServer redis;
    Fleet fleet(orders(redis, "safe"));
    const auto take = [&] { redis.freeze(); };
    const auto give = [&] { redis.thaw(); };
    throughAnOutage("safe share, frozen", fleet, take, give, {limit, limit / 4, limit}); // it goes on, if slower
}

BOOST_AUTO_TEST_CASE(safe_share_stays_within_the_limit_when_redis_comes_back_empty)
{
    RedisServer redis;
    Fleet fleet(orders(redis, "safe"));
    const auto take = [&] { redis.kill(); };
    const auto give = [&] { redis.start(); };
    throughAnOutage("safe share, killed", fleet, take, give, {limit, limit / 4, limit / 2});
}

BOOST_AUTO_TEST_CASE(closed_lets_nothing_go_meanwhile)
{
    RedisServer redis;
    Fleet fleet(orders(redis, "closed"));
    const auto take = [&] { redis.kill(); };
    const auto give = [&] { redis.start(); };
    const Course course = throughAnOutage("closed, killed", fleet, take, give, {limit, 0, limit / 2});
    BOOST_CHECK_EQUAL(course.meanwhile, 0U);
}

BOOST_AUTO_TEST_CASE(open_goes_on_and_each_counts_for_itself)
{
    RedisServer redis;
    Fleet fleet(orders(redis, "open"));
    const auto take = [&] { redis.kill(); };
    const auto give = [&] { redis.start(); };
    throughAnOutage("open, killed", fleet, take, give, {workers * limit, 2 * limit + 1, limit / 2});
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace tollgate::testing
