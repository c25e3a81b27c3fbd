// Several limits at once, weights, and what those in line are told.

#include "simulation/Simulation.h"

#include "tollgate/WindowLimit.h"

#include <boost/test/unit_test.hpp>

using namespace tollgate;
using namespace tollgate::simulation;

namespace {

constexpr Rate hundredAMinute{100, minute};
constexpr Rate thousandAnHour{1000, hour};

void check(const Report& report, const Servers& servers)
{
    for (std::size_t i = 0; i < servers.size(); ++i)
        BOOST_TEST(report.refused[i] == 0U,
                   report.refused[i] << " of " << report.sent << " refused by the " << servers[i]->name() << ", no. " << i);
}

Servers both(Servers (*kind)(Rate))
{
    Servers servers = kind(hundredAMinute);
    for (auto& server : kind(thousandAnHour)) servers.push_back(std::move(server));
    return servers;
}

} // namespace

BOOST_AUTO_TEST_SUITE(SeveralLimitsTest)

BOOST_AUTO_TEST_CASE(a_minute_and_an_hour_both_hold)
{
    for (const Shape shape : {Shape::Burst, Shape::Adaptive}) {
        for (const bool bursty : {false, true}) {
            Servers servers = both(shape == Shape::Burst ? plainServers : strictServers);
            LibraryLimiter limiter({perMinute(100).shape(shape), perHour(1000).shape(shape)});
            Run run;
            run.rate = thousandAnHour;
            run.network = bursty ? Network::wild() : Network{};
            run.requests = scaled(shape == Shape::Burst ? 200'000 : 50'000);
            run.bursty = bursty;
            const Report report = simulate(limiter, servers, run);
            check(report, servers);
            if (!bursty) BOOST_TEST(report.utilisation >= 0.985, "used: " << report.utilisation);
        }
    }
}

BOOST_AUTO_TEST_CASE(weights_are_counted_as_the_server_counts_them)
{
    for (const Shape shape : {Shape::Burst, Shape::Adaptive}) {
        for (const bool bursty : {false, true}) {
            Servers servers = shape == Shape::Burst ? plainServers(hundredAMinute) : strictServers(hundredAMinute);
            LibraryLimiter limiter({perMinute(100).shape(shape)});
            Run run;
            run.rate = hundredAMinute;
            run.network = Network::wild();
            run.requests = scaled(100'000);
            run.bursty = bursty;
            run.maxWeight = 7;
            const Report report = simulate(limiter, servers, run);
            check(report, servers);
            if (!bursty) BOOST_TEST(report.utilisation >= 0.9, "used: " << report.utilisation);
        }
    }
}

BOOST_AUTO_TEST_CASE(nobody_in_line_goes_before_the_time_that_he_was_told)
{
    for (const Shape shape : {Shape::Burst, Shape::Adaptive, Shape::Paced}) {
        for (const unsigned maxWeight : {1U, 5U}) {
            Servers servers = plainServers(hundredAMinute);
            LibraryLimiter limiter({perMinute(100).shape(shape), perHour(2000).shape(shape)});
            std::deque<TimePoint> told;
            std::uint64_t early = 0, waited = 0;
            Run run;
            run.rate = hundredAMinute;
            run.requests = scaled(20'000);
            run.bursty = true;
            run.maxWeight = maxWeight;
            run.onJoin = [&](TimePoint now, unsigned weight, std::uint64_t ahead) {
                told.push_back(now + limiter.foresee(now, weight, ahead));
            };
            run.onGo = [&](TimePoint now, unsigned) {
                early += now < told.front() ? 1U : 0U;
                waited += told.front() > now - std::chrono::seconds(1) ? 1U : 0U;
                told.pop_front();
            };
            const Report report = simulate(limiter, servers, run);
            check(report, servers);
            BOOST_TEST(early == 0U);
            BOOST_TEST(waited > 0U); // and for some it was about right
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
