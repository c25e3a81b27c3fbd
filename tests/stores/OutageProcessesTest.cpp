#include "stores/Fleet.h"
#include "stores/RedisServer.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

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
    return given;
}

std::int64_t now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

std::vector<Arrival> between(Fleet& fleet, std::int64_t begin, std::int64_t end)
{
    std::vector<Arrival> arrivals = fleet.arrivals();
    arrivals.erase(
        std::remove_if(arrivals.begin(), arrivals.end(), [=](const Arrival& one) { return one.at < begin || one.at >= end; }),
        arrivals.end());
    return arrivals;
}

struct Course
{
    std::size_t most = 0;      ///< in any window of it all
    std::size_t meanwhile = 0; ///< requests while the store was away, once everybody knew
    std::size_t afterwards = 0;
};

/// At work, without the store, and with it again.
template <class Take, class Give>
Course throughAnOutage(Fleet& fleet, const Take& take, const Give& give)
{
    fleet.start(workers);
    fleet.server().open = true;
    BOOST_CHECK(fleet.await(2 * limit, 20s));
    take();
    std::this_thread::sleep_for(1800ms); // three timeouts of half a second
    const std::int64_t away = now();
    std::this_thread::sleep_for(2 * window);
    const std::int64_t back = now();
    give();
    std::this_thread::sleep_for(1s + window);
    const std::int64_t well = now();
    std::this_thread::sleep_for(2 * window);
    const std::int64_t end = now();
    BOOST_CHECK(fleet.finish());
    Course course;
    course.most = mostInAnyWindow(fleet.arrivals(), window);
    course.meanwhile = between(fleet, away, back).size();
    course.afterwards = between(fleet, well, end).size();
    return course;
}

void tell(const std::string& what, const Course& course)
{
    BOOST_TEST_MESSAGE(what << ": at most " << course.most << " of " << limit << " in any window, " << course.meanwhile
                            << " in two windows without the store, " << course.afterwards << " in two windows after");
}

} // namespace

BOOST_AUTO_TEST_SUITE(OutageProcessesTest)

BOOST_AUTO_TEST_CASE(safe_share_stays_within_the_limit_while_redis_is_frozen)
{
    RedisServer redis;
    Fleet fleet(orders(redis, "safe"));
    const Course course = throughAnOutage(
        fleet, [&] { redis.freeze(); }, [&] { redis.thaw(); });
    tell("safe share, frozen", course);
    BOOST_CHECK_LE(course.most, limit);
    BOOST_CHECK_GE(course.meanwhile, limit / 4); // it goes on, if slower
    BOOST_CHECK_GE(course.afterwards, limit);
}

BOOST_AUTO_TEST_CASE(safe_share_stays_within_the_limit_when_redis_comes_back_empty)
{
    RedisServer redis;
    Fleet fleet(orders(redis, "safe"));
    const Course course = throughAnOutage(
        fleet, [&] { redis.kill(); }, [&] { redis.start(); });
    tell("safe share, killed", course);
    BOOST_CHECK_LE(course.most, limit);
    BOOST_CHECK_GE(course.meanwhile, limit / 4);
    BOOST_CHECK_GE(course.afterwards, limit / 2);
}

BOOST_AUTO_TEST_CASE(closed_lets_nothing_go_meanwhile)
{
    RedisServer redis;
    Fleet fleet(orders(redis, "closed"));
    const Course course = throughAnOutage(
        fleet, [&] { redis.kill(); }, [&] { redis.start(); });
    tell("closed, killed", course);
    BOOST_CHECK_LE(course.most, limit);
    BOOST_CHECK_EQUAL(course.meanwhile, 0U);
    BOOST_CHECK_GE(course.afterwards, limit / 2);
}

BOOST_AUTO_TEST_CASE(open_goes_on_and_each_counts_for_itself)
{
    RedisServer redis;
    Fleet fleet(orders(redis, "open"));
    const Course course = throughAnOutage(
        fleet, [&] { redis.kill(); }, [&] { redis.start(); });
    tell("open, killed", course);
    BOOST_CHECK_LE(course.most, workers * limit);
    BOOST_CHECK_GT(course.meanwhile, 2 * limit);
    BOOST_CHECK_GE(course.afterwards, limit / 2);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace tollgate::testing
