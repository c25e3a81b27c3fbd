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

std::int64_t now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

/// Those who were refused, and all who came once the server refused nobody any more; in order.
std::vector<Arrival> refusedOrSince(Fleet& fleet, std::int64_t forgiven)
{
    std::vector<Arrival> arrivals = fleet.arrivals();
    const auto before = [=](const Arrival& one) { return one.status == 200 && one.at < forgiven; };
    arrivals.erase(std::remove_if(arrivals.begin(), arrivals.end(), before), arrivals.end());
    std::sort(arrivals.begin(), arrivals.end(), [](const Arrival& a, const Arrival& b) { return a.at < b.at; });
    return arrivals;
}

std::ptrdiff_t between(const std::vector<Arrival>& arrivals, std::int64_t begin, std::int64_t end)
{
    return std::count_if(arrivals.begin(), arrivals.end(), [=](const Arrival& one) { return one.at >= begin && one.at < end; });
}

/// Eight processes at work, all of them let through; and then the server refuses them.
void getGoing(Fleet& fleet, int status)
{
    fleet.server().milliseconds = 5;
    fleet.start(8);
    fleet.server().open = true;
    BOOST_REQUIRE(fleet.await([](const auto& arrivals) { return byProcess(arrivals).size() == 8; }, 20s));
    fleet.server().status = status;
    const auto refused = [=](const auto& arrivals) {
        return std::any_of(arrivals.begin(), arrivals.end(), [=](const Arrival& one) { return one.status == status; });
    };
    BOOST_REQUIRE(fleet.await(refused, 20s));
}

void oneRejectionStopsAll(const std::string& store)
{
    Fleet fleet(gateOnly(store));
    getGoing(fleet, 401);
    std::this_thread::sleep_for(1500ms);
    const std::int64_t forgiven = now();
    fleet.server().status = 200;
    std::this_thread::sleep_for(300ms); // the credential stays condemned
    // Who was on its way all the time, on a busy machine, is among those that were in flight.
    const std::size_t bad = refusedOrSince(fleet, forgiven).size();
    BOOST_TEST_MESSAGE("a key revoked under 8 processes: " << bad << " bad attempts");
    BOOST_CHECK_LE(bad, inFlight);
    BOOST_CHECK(fleet.finish());
}

void oneProbeAfterALock(const std::string& store)
{
    Fleet fleet(gateOnly(store));
    fleet.server().retryAfter = 2;
    getGoing(fleet, 403);
    std::this_thread::sleep_for(800ms);

    // The probe takes its time, and finds the lock over; all that while it is the only one. What counts is when they arrived,
    // not when we look.
    const std::int64_t forgiven = now();
    fleet.server().milliseconds = 600;
    fleet.server().status = 200;
    const std::int64_t first = refusedOrSince(fleet, forgiven).front().at;
    const std::int64_t over = first + std::chrono::nanoseconds(2s).count();
    const auto isProbe = [=](const Arrival& one) { return one.at >= over; };
    const auto probed = [=](const auto& all) { return std::any_of(all.begin(), all.end(), isProbe); };
    BOOST_REQUIRE(fleet.await(probed, 20s));
    std::this_thread::sleep_for(700ms);
    const std::vector<Arrival> arrivals = refusedOrSince(fleet, forgiven);
    const std::int64_t probe = std::find_if(arrivals.begin(), arrivals.end(), isProbe)->at;
    BOOST_TEST_MESSAGE("a lock of 2 s under 8 processes: the probe came after " << (probe - first) / 1'000'000 << " ms");
    BOOST_CHECK_LE(between(arrivals, first, over), static_cast<std::ptrdiff_t>(inFlight));
    BOOST_CHECK_EQUAL(between(arrivals, probe, probe + std::chrono::nanoseconds(600ms).count()), 1);
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
    const std::vector<Arrival> arrivals = refusedOrSince(fleet, 0);
    const auto lapse = std::chrono::nanoseconds(arrivals[1].at - arrivals[0].at);
    BOOST_TEST_MESSAGE("the next canary went after " << std::chrono::duration_cast<std::chrono::milliseconds>(lapse).count()
                                                     << " ms");
    BOOST_CHECK(lapse >= 1s);
    BOOST_CHECK_NE(arrivals[1].process, first);
    BOOST_CHECK(fleet.finish());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace tollgate::testing
