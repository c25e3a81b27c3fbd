// The servers of the simulation say 429 to those who deserve it: what other limiters get from them. Without that, a simulation in
// which ours gets none would prove nothing.

#include "simulation/Simulation.h"

#include <boost/test/unit_test.hpp>

#include <functional>

using namespace tollgate;
using namespace tollgate::simulation;

namespace {

constexpr Rate rate{100, minute};

/// 429s per million sent.
double refusedPerMillion(ServerPtr server, Limiter& limiter, bool bursty = false)
{
    Servers servers;
    servers.push_back(std::move(server));
    Run run;
    run.rate = rate;
    run.network.jitter = 300 * millisecond;
    run.network.clockRate = 1.0005;
    run.requests = 50'000;
    run.bursty = bursty;
    const Report report = simulate(limiter, servers, run);
    return 1e6 * static_cast<double>(report.refused.front()) / static_cast<double>(report.sent);
}

double refusedOfBucket(ServerPtr server, double limit = 100, double size = 100)
{
    BucketLimiter limiter(limit, minute, size);
    return refusedPerMillion(std::move(server), limiter);
}

double refusedOfLog(ServerPtr server, Nanos margin, bool bursty = false)
{
    SendLogLimiter limiter(rate, margin);
    return refusedPerMillion(std::move(server), limiter, bursty);
}

} // namespace

BOOST_AUTO_TEST_SUITE(ServersTest)

BOOST_AUTO_TEST_CASE(each_counts_as_its_name_says)
{
    struct Step
    {
        Nanos at;
        bool accepted;
    };
    const auto check = [](const ServerPtr& server, const std::vector<Step>& steps) {
        for (std::size_t i = 0; i < steps.size(); ++i)
            BOOST_TEST(server->accepts(steps[i].at, 1) == steps[i].accepted, server->name() << ", step " << i);
    };
    const Rate two{2, 10 * second};
    // 2N within a moment, if it straddles the seam.
    check(fixedWindow(two, 0),
          {{9 * second, true}, {9 * second, true}, {9 * second, false}, {10 * second, true}, {10 * second, true}});
    check(fixedWindow(two, 5 * second), {{4 * second, true}, {4 * second, true}, {4 * second, false}, {5 * second, true}});
    check(firstHitWindow(two), {{9 * second, true}, {18 * second, true}, {18 * second, false}, {19 * second, true}});
    check(slidingLog(two),
          {{0, true}, {9 * second, true}, {9 * second, false}, {10 * second, true}, {18 * second, false}, {19 * second, true}});
    // The refused ones keep it shut.
    check(slidingLogOfAll(two), {{0, true}, {9 * second, true}, {9 * second, false}, {10 * second, false}, {29 * second, true}});
    // Two in the window before: a fifth of them count still at 8 s, so one fits, at 5 s a whole one does.
    check(slidingCounter(two, 0), {{9 * second, true},
                                   {9 * second, true},
                                   {10 * second, false},
                                   {14 * second, false},
                                   {15 * second, true},
                                   {19 * second, false},
                                   {31 * second, true},
                                   {31 * second, true}});
    check(tokenBucket(two, 2),
          {{0, true}, {0, true}, {4 * second, false}, {5 * second, true}, {9 * second, false}, {10 * second, true}});
    check(tokenBucket(two, 1),
          {{0, true}, {0, false}, {4 * second, false}, {5 * second, true}, {60 * second, true}, {60 * second, false}});
}

BOOST_AUTO_TEST_CASE(a_bucket_of_the_full_size_meets_429s_on_all_but_its_like)
{
    BOOST_TEST(refusedOfBucket(fixedWindow(rate, minute / 3)) > 1000);
    BOOST_TEST(refusedOfBucket(firstHitWindow(rate)) > 1000);
    BOOST_TEST(refusedOfBucket(slidingLog(rate)) > 5000);
    BOOST_TEST(refusedOfBucket(slidingLogOfAll(rate)) > 200'000);
    BOOST_TEST(refusedOfBucket(slidingCounter(rate, 0)) > 5000);
    BOOST_TEST(refusedOfBucket(tokenBucket(rate, 20)) > 1000);
    BOOST_TEST(refusedOfBucket(tokenBucket(rate, 2)) > 1000);
    BOOST_TEST(refusedOfBucket(tokenBucket(rate, 1)) > 100'000);
}

BOOST_AUTO_TEST_CASE(windows_from_the_first_use_on_meet_429s_wherever_bursts_do)
{
    const auto refused = [](ServerPtr server) {
        FixedWindowLimiter limiter(rate);
        return refusedPerMillion(std::move(server), limiter);
    };
    BOOST_TEST(refused(slidingLog(rate)) > 2000);
    BOOST_TEST(refused(slidingLogOfAll(rate)) > 5000);
    BOOST_TEST(refused(slidingCounter(rate, 0)) > 100'000);
    BOOST_TEST(refused(tokenBucket(rate, 20)) > 500'000);
    BOOST_TEST(refused(tokenBucket(rate, 2)) > 900'000);
}

BOOST_AUTO_TEST_CASE(a_log_of_sendings_is_as_good_as_its_margin)
{
    BOOST_TEST(refusedOfLog(slidingLog(rate), 0) > 2000);
    BOOST_TEST(refusedOfLog(slidingLog(rate), 50 * millisecond, true) > 100); // less than the jitter
    BOOST_TEST(refusedOfLog(slidingLog(rate), 400 * millisecond) == 0);       // Theorem B
    BOOST_TEST(refusedOfLog(slidingLog(rate), 400 * millisecond, true) == 0);
    BOOST_TEST(refusedOfLog(fixedWindow(rate, minute / 3), 400 * millisecond) == 0);
    // Bursts are not for these, whatever the margin.
    BOOST_TEST(refusedOfLog(slidingCounter(rate, 0), 400 * millisecond) > 100'000);
    BOOST_TEST(refusedOfLog(tokenBucket(rate, 20), 400 * millisecond) > 500'000);
}

BOOST_AUTO_TEST_CASE(pacing_at_the_full_rate_is_not_safe_either)
{
    BOOST_TEST(refusedOfBucket(slidingLog(rate), 100, 1) > 1000);
    BOOST_TEST(refusedOfBucket(slidingCounter(rate, minute / 3), 100, 1) > 1000);
    BOOST_TEST(refusedOfBucket(tokenBucket(rate, 1), 100, 1) > 100'000);
    // One less, and a margin, is: but for a server that allows no burst at all.
    BOOST_TEST(refusedOfBucket(slidingLog(rate), 98, 1) == 0);
    BOOST_TEST(refusedOfBucket(slidingCounter(rate, minute / 3), 98, 1) == 0);
    BOOST_TEST(refusedOfBucket(tokenBucket(rate, 2), 98, 1) == 0);
    BOOST_TEST(refusedOfBucket(tokenBucket(rate, 1), 98, 1) > 100'000);
}

BOOST_AUTO_TEST_SUITE_END()
