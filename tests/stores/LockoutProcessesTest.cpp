#include "stores/Fleet.h"
#include "stores/Folder.h"
#include "stores/RedisServer.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

/// One account's gate, shared by real processes: verdicts and locks found by one hold for all.
namespace tollgate::testing {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t inFlight = 3; // what lockout() lets be under way at a time

Orders gateOnly(const std::string& store)
{
    Orders orders;
    orders.store = store;
    orders.timeout = 1s;
    return orders;
}

std::vector<Arrival> since(Fleet& fleet, std::int64_t time)
{
    std::vector<Arrival> arrivals = fleet.arrivals();
    arrivals.erase(std::remove_if(arrivals.begin(), arrivals.end(), [time](const Arrival& one) { return one.at < time; }),
                   arrivals.end());
    std::sort(arrivals.begin(), arrivals.end(), [](const Arrival& a, const Arrival& b) { return a.at < b.at; });
    return arrivals;
}

std::int64_t now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

/// Eight processes at work, all of them let through.
void getGoing(Fleet& fleet)
{
    fleet.server().milliseconds = 5;
    fleet.start(8);
    fleet.server().open = true;
    for (const auto until = std::chrono::steady_clock::now() + 20s; byProcess(fleet.arrivals()).size() < 8;) {
        BOOST_REQUIRE(std::chrono::steady_clock::now() < until);
        std::this_thread::sleep_for(20ms);
    }
}

void oneRejectionStopsAll(const std::string& store)
{
    Fleet fleet(gateOnly(store));
    getGoing(fleet);
    const std::int64_t revoked = now();
    fleet.server().status = 401;
    std::this_thread::sleep_for(1500ms);
    const std::vector<Arrival> arrivals = since(fleet, revoked);
    const auto bad = static_cast<std::size_t>(
        std::count_if(arrivals.begin(), arrivals.end(), [](const Arrival& one) { return one.status == 401; }));
    BOOST_TEST_MESSAGE("a key revoked under 8 processes: " << bad << " bad attempts");
    BOOST_CHECK_GE(bad, 1U);
    BOOST_CHECK_LE(bad, inFlight);
    fleet.server().status = 200;
    std::this_thread::sleep_for(300ms);
    BOOST_CHECK_EQUAL(since(fleet, revoked).size(), arrivals.size()); // the credential stays condemned
    BOOST_CHECK(fleet.finish());
}

void oneProbeAfterALock(const std::string& store)
{
    Fleet fleet(gateOnly(store));
    getGoing(fleet);
    fleet.server().retryAfter = 2;
    const std::int64_t locked = now();
    fleet.server().status = 403;
    std::this_thread::sleep_for(800ms);
    const std::vector<Arrival> atLock = since(fleet, locked);
    const auto first = std::find_if(atLock.begin(), atLock.end(), [](const Arrival& one) { return one.status == 403; });
    BOOST_REQUIRE(first != atLock.end());
    BOOST_CHECK_LE(atLock.end() - first, static_cast<std::ptrdiff_t>(inFlight));

    // The probe takes its time, and finds the lock over; all that while it is the only one.
    fleet.server().retryAfter = 0;
    fleet.server().milliseconds = 600;
    fleet.server().status = 200;
    BOOST_REQUIRE(fleet.await(fleet.server().count + 1, 10s));
    const std::vector<Arrival> probes = since(fleet, atLock.back().at + 1);
    BOOST_REQUIRE(!probes.empty());
    const auto waited = std::chrono::nanoseconds(probes.front().at - first->at);
    BOOST_TEST_MESSAGE("a lock of 2 s under 8 processes: the probe came after "
                       << std::chrono::duration_cast<std::chrono::milliseconds>(waited).count() << " ms");
    BOOST_CHECK(waited >= 2s);
    std::this_thread::sleep_for(400ms);
    BOOST_CHECK_EQUAL(since(fleet, atLock.back().at + 1).size(), 1U);
    fleet.server().milliseconds = 5;
    BOOST_CHECK(fleet.await(fleet.server().count + 50, 20s)); // and then all go on
    BOOST_CHECK(fleet.finish());
}

} // namespace

BOOST_AUTO_TEST_SUITE(LockoutProcessesTest)

BOOST_AUTO_TEST_CASE(a_401_seen_by_one_process_stops_all_through_sqlite)
{
    const Folder folder;
    oneRejectionStopsAll("sqlite:" + (folder / "quota.db"));
}

BOOST_AUTO_TEST_CASE(a_401_seen_by_one_process_stops_all_through_redis)
{
    const RedisServer redis;
    oneRejectionStopsAll("redis:" + redis.address());
}

BOOST_AUTO_TEST_CASE(one_probe_goes_after_a_lock_through_sqlite)
{
    const Folder folder;
    oneProbeAfterALock("sqlite:" + (folder / "quota.db"));
}

BOOST_AUTO_TEST_CASE(one_probe_goes_after_a_lock_through_redis)
{
    const RedisServer redis;
    oneProbeAfterALock("redis:" + redis.address());
}

BOOST_AUTO_TEST_CASE(when_the_canarys_process_is_killed_another_one_goes_after_the_lapse)
{
    const Folder folder;
    Fleet fleet(gateOnly("sqlite:" + (folder / "quota.db")));
    fleet.server().status = ServerPage::hang;
    fleet.server().open = true;
    const pid_t first = fleet.start();
    BOOST_REQUIRE(fleet.await(1, 10s)); // the canary, which nobody answers
    fleet.start(7);
    std::this_thread::sleep_for(500ms);
    fleet.kill9(first);
    fleet.server().status = 200;
    BOOST_REQUIRE(fleet.await(20, 30s)); // the call's second and a reserve
    const std::vector<Arrival> arrivals = since(fleet, 0);
    const auto lapse = std::chrono::nanoseconds(arrivals[1].at - arrivals[0].at);
    BOOST_TEST_MESSAGE("the next canary went after " << std::chrono::duration_cast<std::chrono::milliseconds>(lapse).count()
                                                     << " ms");
    BOOST_CHECK(lapse >= 1s);
    BOOST_CHECK_NE(arrivals[1].process, first);
    BOOST_CHECK(fleet.finish());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace tollgate::testing
