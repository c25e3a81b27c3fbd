// Never a 429, by shape and kind of server: a million requests for each pair (but 100,000 for Paced at 1000 an hour), with demand
// that never ends and in bursts, a quiet network and one that does its worst. docs/limits.md shows the figures.

#include "simulation/Simulation.h"

#include "tollgate/WindowLimit.h"

#include <boost/test/unit_test.hpp>

#include <iomanip>
#include <sstream>

using namespace tollgate;
using namespace tollgate::simulation;

namespace {

constexpr Rate hundredAMinute{100, minute};
constexpr Rate thousandAnHour{1000, hour};

Report runOne(const char* title, Shape shape, Rate rate, Servers servers, Run run)
{
    run.rate = rate;
    LibraryLimiter limiter({WindowLimit(rate.limit, Duration(rate.window)).shape(shape)});
    const Report report = simulate(limiter, servers, run);
    for (std::size_t i = 0; i < servers.size(); ++i)
        BOOST_TEST(report.refused[i] == 0U, title << ", seed " << run.seed << ": " << report.refused[i] << " of " << report.sent
                                                  << " refused by the " << servers[i]->name());
    std::ostringstream used;
    if (!run.bursty) used << ", " << std::fixed << std::setprecision(2) << 100 * report.utilisation << " % of the limit used";
    BOOST_TEST_MESSAGE(std::left << std::setw(42) << title << std::right << std::setw(7) << report.sent << " sent, "
                                 << report.refusedByAnybody() << " refused by " << servers.size() << " servers, " << report.lost
                                 << " without answer" << used.str());
    return report;
}

/// So many requests that each of the servers judges. `hold` is the longest answer time while the network is quiet; `share` is
/// what must be used of the limit then, at the least.
void neverRefused(Shape shape, Rate rate, Servers (*servers)(Rate), double share, Nanos hold, std::uint64_t requests = 1'000'000)
{
    Run run;
    run.requests = scaled(requests * 4 / 10);
    run.network.jitter = (hold - 2 * run.network.base) / 2;
    BOOST_TEST(runOne("always demand, quiet network", shape, rate, servers(rate), run).utilisation >= share);

    run.network = Network::wild();
    run.requests = scaled(requests * 3 / 10);
    run.seed = 2;
    runOne("always demand, wild network, fast clock", shape, rate, servers(rate), run);
    run.bursty = true;
    run.requests = scaled(requests * 2 / 10);
    run.seed = 3;
    runOne("bursts, wild network, fast clock", shape, rate, servers(rate), run);
    run.network.clockRate = 0.9995;
    run.requests = scaled(requests / 10);
    run.seed = 4;
    runOne("bursts, wild network, slow clock", shape, rate, servers(rate), run);
}

/// The bucket of two absorbs delays that differ by less than the time between two requests, so there is no lost SYN here.
void pacedOnABucketOfTwo(Rate rate, std::uint64_t requests = 1'000'000)
{
    const auto bucketOfTwo = [rate] {
        Servers servers;
        servers.push_back(tokenBucket(rate, 2));
        return servers;
    };
    Run run;
    run.requests = scaled(requests / 2);
    run.network.jitter = 300 * millisecond;
    run.network.clockRate = 1.0005;
    runOne("always demand, jitter 0.3 s, fast clock", Shape::Paced, rate, bucketOfTwo(), run);
    run.bursty = true;
    run.seed = 5;
    runOne("bursts, jitter 0.3 s, fast clock", Shape::Paced, rate, bucketOfTwo(), run);
}

} // namespace

BOOST_AUTO_TEST_SUITE(ShapesTest)

BOOST_AUTO_TEST_CASE(burst_at_100_a_minute) { neverRefused(Shape::Burst, hundredAMinute, plainServers, 0.99, 500 * millisecond); }

BOOST_AUTO_TEST_CASE(burst_at_1000_an_hour) { neverRefused(Shape::Burst, thousandAnHour, plainServers, 0.99, 500 * millisecond); }

BOOST_AUTO_TEST_CASE(adaptive_at_100_a_minute)
{
    neverRefused(Shape::Adaptive, hundredAMinute, strictServers, 0.985, 90 * millisecond);
}

BOOST_AUTO_TEST_CASE(adaptive_at_1000_an_hour)
{
    neverRefused(Shape::Adaptive, thousandAnHour, strictServers, 0.995, 500 * millisecond);
}

BOOST_AUTO_TEST_CASE(paced_at_100_a_minute)
{
    neverRefused(Shape::Paced, hundredAMinute, strictServers, 0.98, 500 * millisecond);
    pacedOnABucketOfTwo(hundredAMinute);
}

BOOST_AUTO_TEST_CASE(paced_at_1000_an_hour)
{
    neverRefused(Shape::Paced, thousandAnHour, strictServers, 0.995, 500 * millisecond, 100'000);
    pacedOnABucketOfTwo(thousandAnHour, 100'000);
}

BOOST_AUTO_TEST_SUITE_END()
