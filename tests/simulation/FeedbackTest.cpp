// What a limit learns from its server: a contradiction steps it down once, hints only ever make it more careful, and a plan that
// the server declares is followed up to the ceiling.

#include "simulation/Simulation.h"

#include "tollgate/WindowLimit.h"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace tollgate;
using namespace tollgate::simulation;
using namespace std::chrono_literals;

namespace {

Servers only(ServerPtr server)
{
    Servers servers;
    servers.push_back(std::move(server));
    return servers;
}

/// A limit in its default shape meets a server that is stricter than the shape is made for.
void stepsDownOnce(Rate rate, ServerPtr server, bool bursty, Network network = {}, std::uint64_t seed = 1)
{
    const std::string name = server->name() + (bursty ? ", bursts" : ", always demand") + ", seed " + std::to_string(seed);
    Servers servers = only(std::move(server));
    const RateLimitPolicyPtr limit = WindowLimit(rate.limit, Duration(rate.window));
    LibraryLimiter limiter({limit});
    Run run;
    run.rate = rate;
    run.network = network;
    run.requests = scaled(30'000);
    run.bursty = bursty;
    run.seed = seed;
    const Report report = simulate(limiter, servers, run);
    BOOST_TEST(limiter.stateOf(limit).contradicted, name);
    BOOST_TEST((limiter.stateOf(limit).shape == Shape::Adaptive), name);
    BOOST_TEST(report.refused[0] > 0U, name); // else there was nothing to learn
    BOOST_TEST(report.refused[0] <= rate.limit, name << ": " << report.refused[0] << " of one burst");
    BOOST_TEST(report.refusedLater == 0U, name << ": " << report.refusedLater << " sent and refused after the step-down");
    if (!bursty) BOOST_TEST(report.utilisation > 0.9, name << ": " << report.utilisation);
}

constexpr Rate hundredAMinute{100, minute};

} // namespace

BOOST_AUTO_TEST_SUITE(FeedbackTest)

BOOST_AUTO_TEST_CASE(a_contradiction_steps_down_once_and_for_good)
{
    for (const Rate rate : {hundredAMinute, Rate{1000, hour}}) {
        for (const bool bursty : {false, true}) {
            for (std::uint64_t seed = 1; seed <= (rate.limit == 100 ? 4U : 1U); ++seed) {
                const Nanos phase = rate.window * static_cast<Nanos>(seed) / 7;
                stepsDownOnce(rate, slidingCounter(rate, phase), bursty, {}, seed);
                stepsDownOnce(rate, tokenBucket(rate, rate.limit / 5), bursty, {}, seed);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(however_soon_the_server_asks_to_come_back)
{
    for (const Duration retryAfter : {Duration(1s), Duration(7s), Duration(60s)}) {
        stepsDownOnce(hundredAMinute, askingToWait(slidingCounter(hundredAMinute, minute / 3), retryAfter), false);
        stepsDownOnce(hundredAMinute, askingToWait(tokenBucket(hundredAMinute, 20), retryAfter), false);
        stepsDownOnce(hundredAMinute, askingToWait(tokenBucket(hundredAMinute, 20), retryAfter), true);
    }
}

BOOST_AUTO_TEST_CASE(a_wild_network_costs_no_second_contradiction)
{
    stepsDownOnce(hundredAMinute, slidingCounter(hundredAMinute, minute / 3), true, Network::wild());
    stepsDownOnce(hundredAMinute, tokenBucket(hundredAMinute, 20), true, Network::wild());
}

BOOST_AUTO_TEST_CASE(a_server_that_counts_what_it_refuses_is_left_alone_until_it_has_forgotten)
{
    // Somebody else spends half of the quota at once: the server refuses, counts what it refuses, and would never stop if one
    // went on asking.
    const auto refused = [](Limiter& limiter) {
        Servers servers = only(disturbed(slidingLogOfAll(hundredAMinute), 10 * minute + 30 * second, 50));
        Run run;
        run.rate = hundredAMinute;
        run.requests = scaled(50'000);
        return simulate(limiter, servers, run);
    };
    LibraryLimiter limiter({perMinute(100)});
    const Report report = refused(limiter);
    BOOST_TEST(report.refused[0] > 0U);
    BOOST_TEST(report.refused[0] <= 100U);
    BOOST_TEST(report.refusedLater == 0U);

    BucketLimiter bucket(100, minute, 100);
    BOOST_TEST(refused(bucket).refusedLater > report.sent / 10);
}

BOOST_AUTO_TEST_CASE(a_declared_plan_is_followed_up_to_the_ceiling)
{
    // From 20 to 1000 to 5000 a minute; the ceiling is 1000.
    Servers servers = only(telling({{0, 20}, {hour, 1000}, {2 * hour, 5000}}, minute, 17 * second));
    addFixedWindows(servers, {1000, minute});
    servers.push_back(slidingLog({1000, minute}));
    const RateLimitPolicyPtr limit = serverDeclared(perMinute(1000));
    LibraryLimiter limiter({limit});
    Run run;
    run.rate = {1000, minute};
    run.requests = 20 * 60 + 1000 * 60 * 3;
    std::uint64_t firstMinute = 0, firstHour = 0, secondHour = 0, rest = 0;
    TimePoint start{};
    bool canaryAlone = true;
    run.onGo = [&](TimePoint now, unsigned) {
        if (start == TimePoint{}) start = now;
        canaryAlone = canaryAlone && (now == start ? firstMinute == 0 : true);
        const Duration since = now - start;
        if (since < 60s) ++firstMinute;
        ++(since < 1h ? firstHour : since < 2h ? secondHour : rest);
    };
    const Report report = simulate(limiter, servers, run);
    for (std::size_t i = 0; i < servers.size(); ++i) BOOST_TEST(report.refused[i] == 0U, servers[i]->name());
    BOOST_TEST(canaryAlone); // one request asks, and nobody goes with it
    BOOST_TEST(firstMinute == 20U);
    BOOST_TEST(firstHour >= 20U * 59);
    BOOST_TEST(firstHour <= 20U * 60 + 20);
    BOOST_TEST(secondHour >= 1000U * 57);
    BOOST_TEST(secondHour <= 1000U * 61);
    BOOST_TEST(rest > 0U);
    BOOST_TEST(limiter.stateOf(limit).serverCapacity == 1000U);
}

BOOST_AUTO_TEST_CASE(a_plan_that_shrinks_is_followed_at_once)
{
    Servers servers = only(telling({{0, 1000}, {10 * minute + 30 * second, 20}}, minute, 0));
    LibraryLimiter limiter({serverDeclared(perMinute(1000))});
    Run run;
    run.rate = {20, minute};
    run.requests = 12'000;
    const Report report = simulate(limiter, servers, run);
    BOOST_TEST(report.refusedLater == 0U);
    BOOST_TEST(report.refused[0] <= 1000U);
}

BOOST_AUTO_TEST_CASE(hints_never_lead_to_more_than_the_policy)
{
    /// Says the first thing that comes to its mind.
    class Liar final : public Server
    {
    public:
        explicit Liar(std::uint64_t seed) : Server("liar"), _random(seed) {}
        bool accepts(Nanos /*at*/, unsigned /*weight*/) override { return true; }
        ServerHint hint(Nanos /*at*/, bool /*accepted*/) const override
        {
            ServerHint hint;
            for (int i = 0; i < 2; ++i) {
                ServerHint::Quota quota;
                if (_random.chance(0.8)) quota.limit = number();
                if (_random.chance(0.8)) quota.remaining = number();
                if (_random.chance(0.8)) quota.reset = Duration(_random.between(0, 20 * second));
                if (_random.chance(0.3)) quota.window = Duration(_random.chance(0.5) ? minute : second);
                hint.quotas.push_back(quota);
            }
            return hint;
        }

    private:
        std::uint64_t number() const
        {
            return _random.chance(0.02) ? 0
                                        : static_cast<std::uint64_t>(_random.between(1, _random.chance(0.5) ? 1'000'000 : 200));
        }
        mutable Random _random;
    };

    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        for (const bool declared : {false, true}) {
            Servers servers = only(std::make_unique<Liar>(seed));
            for (auto& server : plainServers(hundredAMinute)) servers.push_back(std::move(server));
            LibraryLimiter limiter({declared ? serverDeclared(perMinute(100)) : perMinute(100)});
            Run run;
            run.rate = hundredAMinute;
            run.requests = scaled(20'000);
            run.seed = seed;
            const Report report = simulate(limiter, servers, run);
            BOOST_TEST(report.sent == run.requests); // it never comes to a stop
            for (std::size_t i = 0; i < servers.size(); ++i) BOOST_TEST(report.refused[i] == 0U, servers[i]->name());
        }
    }
}

BOOST_AUTO_TEST_CASE(what_others_spend_is_heeded_where_the_server_tells_of_it)
{
    // Another program spends a fifth of the quota at the start of each of the server's windows.
    class Shared final : public Server
    {
    public:
        Shared() : Server("shared telling window"), _server(telling({{0, 100}}, minute, 0)) {}
        bool accepts(Nanos at, unsigned weight) override
        {
            for (; _next <= at; _next += minute)
                for (int i = 0; i < 20; ++i) _server->accepts(_next, 1);
            return _server->accepts(at, weight);
        }
        ServerHint hint(Nanos at, bool accepted) const override { return _server->hint(at, accepted); }

    private:
        ServerPtr _server;
        Nanos _next = 0;
    };
    const auto refused = [](Shape shape) {
        Servers servers = only(std::make_unique<Shared>());
        LibraryLimiter limiter({perMinute(100).shape(shape)});
        Run run;
        run.rate = hundredAMinute;
        run.requests = scaled(50'000);
        const Report report = simulate(limiter, servers, run);
        BOOST_TEST(report.utilisation > 0.7);
        return static_cast<double>(report.refused[0]) / static_cast<double>(report.sent);
    };
    BOOST_TEST(refused(Shape::Adaptive) < 0.005);
    BOOST_TEST(refused(Shape::Burst) < 0.005);
}

BOOST_AUTO_TEST_SUITE_END()
