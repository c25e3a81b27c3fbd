#include "stores/Merge.h"
#include "stores/States.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>

namespace tollgate::stores {

namespace {

using testing::equal;
using testing::randomState;

QuotaState merged(QuotaState a, const QuotaState& b)
{
    mergeStates(a, b);
    return a;
}

constexpr TimePoint at(int seconds) { return TimePoint(std::chrono::seconds(seconds)); }

LimitState& only(QuotaState& state) { return state.limits["|60"]; }

QuotaState flying(std::initializer_list<PermitId> permits)
{
    QuotaState state;
    for (const PermitId permit : permits) {
        only(state).inFlight.push_back({permit, 1, at(30), 0});
        ++only(state).inFlightWeight;
    }
    return state;
}

QuotaState answered(PermitId permit, TimePoint release)
{
    QuotaState state;
    only(state).cooling.push_back({release, permit, 1});
    only(state).coolingWeight = 1;
    return state;
}

} // namespace

BOOST_AUTO_TEST_SUITE(MergeTest)

BOOST_AUTO_TEST_CASE(the_order_does_not_matter)
{
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        const QuotaState a = randomState(seed);
        const QuotaState b = randomState(seed + 10'000);
        BOOST_REQUIRE_MESSAGE(equal(merged(a, b), merged(b, a)), "seed " << seed);
    }
}

BOOST_AUTO_TEST_CASE(twice_is_once)
{
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        const QuotaState a = randomState(seed);
        const QuotaState once = merged(a, randomState(seed + 10'000));
        BOOST_REQUIRE_MESSAGE(equal(merged(once, randomState(seed + 10'000)), once), "seed " << seed);
        BOOST_REQUIRE_MESSAGE(equal(merged(once, a), once), "seed " << seed);
    }
}

BOOST_AUTO_TEST_CASE(a_request_counts_once_however_often_it_is_seen)
{
    QuotaState both = merged(flying({1, 2, 3}), flying({2, 3, 4}));
    BOOST_CHECK_EQUAL(only(both).inFlight.size(), 4U);
    BOOST_CHECK_EQUAL(only(both).inFlightWeight, 4U);
}

BOOST_AUTO_TEST_CASE(answered_beats_in_flight_and_the_later_release_wins)
{
    QuotaState both = merged(flying({1, 2}), answered(2, at(60)));
    BOOST_CHECK_EQUAL(only(both).inFlightWeight, 1U);
    BOOST_CHECK_EQUAL(only(both).coolingWeight, 1U);
    mergeStates(both, answered(2, at(70)));
    BOOST_REQUIRE_EQUAL(only(both).cooling.size(), 1U);
    BOOST_CHECK(only(both).cooling.front().release == at(70));
}

BOOST_AUTO_TEST_CASE(what_is_known_to_be_released_takes_along_what_was_released_before)
{
    // Policies move slots from one log to the other in order, so no slot may be left behind.
    QuotaState one = answered(1, at(60));
    QuotaState other;
    only(other).past.push_back({at(70), 2, 1});
    mergeStates(one, other);
    BOOST_CHECK(only(one).cooling.empty());
    BOOST_CHECK_EQUAL(only(one).coolingWeight, 0U);
    BOOST_REQUIRE_EQUAL(only(one).past.size(), 2U);
    BOOST_CHECK(only(one).past.front().release == at(60));
}

BOOST_AUTO_TEST_CASE(the_more_careful_word_holds)
{
    QuotaState a;
    QuotaState b;
    only(a).capacity = 100;
    only(b).capacity = 60;
    only(a).contradicted = true;
    only(b).shape = Shape::Adaptive;
    only(b).shutUntil = at(9);
    a.gate.versions["v"].verdict = VersionState::Verdict::Bad;
    b.gate.versions["v"].verdict = VersionState::Verdict::Good;
    a.gate.lockedUntil = at(50);
    a.gate.cause = "a lock";
    b.gate.lockedUntil = at(40);
    b.gate.cause = "an older lock";
    b.gate.policy.declared = true;
    b.lastPermit = 9;
    mergeStates(a, b);
    BOOST_CHECK_EQUAL(only(a).capacity, 60U);
    BOOST_CHECK(only(a).contradicted);
    BOOST_CHECK(only(a).shape == Shape::Adaptive);
    BOOST_CHECK(only(a).shutUntil == at(9));
    BOOST_CHECK(a.gate.versions["v"].verdict == VersionState::Verdict::Bad);
    BOOST_CHECK(a.gate.lockedUntil == at(50));
    BOOST_CHECK_EQUAL(a.gate.cause, "a lock");
    BOOST_CHECK(a.gate.policy.declared);
    BOOST_CHECK_EQUAL(a.lastPermit, 9U);
}

BOOST_AUTO_TEST_CASE(what_came_back_meanwhile_is_no_longer_in_flight)
{
    QuotaState shared = flying({1, 2, 3});
    QuotaState before = flying({1, 2});
    QuotaState after = flying({2});
    shared.gate.probe = before.gate.probe = 1;
    shared.gate.versions["v"].canary = before.gate.versions["v"].canary = 1;
    after.gate.versions["v"].canary = 0;
    shared.gate.inFlight = {{1, at(30)}, {3, at(30)}};
    before.gate.inFlight = {{1, at(30)}};
    landSettled(shared, before, after);
    BOOST_CHECK_EQUAL(only(shared).inFlightWeight, 2U); // 2 is still away, 3 is somebody else's
    BOOST_CHECK_EQUAL(shared.gate.probe, 0U);
    BOOST_CHECK_EQUAL(shared.gate.versions["v"].canary, 0U);
    BOOST_REQUIRE_EQUAL(shared.gate.inFlight.size(), 1U);
    BOOST_CHECK_EQUAL(shared.gate.inFlight.front().permit, 3U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace tollgate::stores
