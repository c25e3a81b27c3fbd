#include "stores/StateTimes.h"
#include "stores/Forgetting.h"
#include "stores/States.h"

#include <boost/test/unit_test.hpp>

#include <chrono>

namespace tollgate::stores {

namespace {

using namespace std::chrono_literals;

constexpr TimePoint now{std::chrono::hours(1'000)};

QuotaState withSlot(TimePoint release)
{
    QuotaState state;
    LimitState& limit = state.limits["|60"];
    limit.capacity = 10;
    limit.cooling.push_back({release, 1, 1});
    limit.coolingWeight = 1;
    return state;
}

} // namespace

BOOST_AUTO_TEST_SUITE(StateTimesTest)

BOOST_AUTO_TEST_CASE(there_and_back_is_nothing)
{
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        QuotaState state = testing::randomState(seed);
        shiftTimes(state, 5s);
        BOOST_CHECK(!testing::equal(state, testing::randomState(seed)));
        shiftTimes(state, -5s);
        BOOST_REQUIRE(testing::equal(state, testing::randomState(seed)));
    }
}

BOOST_AUTO_TEST_CASE(a_shift_never_overflows)
{
    QuotaState state = withSlot(TimePoint::max() - 1ns);
    state.limits["|60"].shutUntil = TimePoint::min() + 1ns;
    shiftTimes(state, 5s);
    shiftTimes(state, -10s);
    BOOST_CHECK(state.limits["|60"].cooling.front().release == never); // it got there, and stays
    BOOST_CHECK(state.limits["|60"].shutUntil == TimePoint::min());
}

BOOST_AUTO_TEST_CASE(times_from_a_wrong_clock_are_pulled_in)
{
    QuotaState state = withSlot(now + 24h * 365);
    state.limits["|60"].shutUntil = now + 24h * 365;
    state.gate.lockedUntil = now + 24h * 365;
    state.gate.versions["v"].nextTry = now + 24h * 365;
    state.gate.versions["v"].lastUsed = now + 24h * 365;
    clampTimes(state, now);
    BOOST_CHECK(state.limits["|60"].cooling.front().release <= now + 24h * 32);
    BOOST_CHECK(state.limits["|60"].shutUntil == now + 6h);
    BOOST_CHECK(state.gate.lockedUntil == now + 6h);
    BOOST_CHECK(state.gate.versions["v"].nextTry == now + 6h);
    BOOST_CHECK(state.gate.versions["v"].lastUsed == now);
}

BOOST_AUTO_TEST_CASE(times_as_they_should_be_stay)
{
    QuotaState state = withSlot(now + 24h * 30);
    state.gate.policy = lockout().lasting(24h);
    state.gate.lockedUntil = now + 23h;
    state.gate.versions["v"].nextTry = never;
    clampTimes(state, now);
    BOOST_CHECK(state.limits["|60"].cooling.front().release == now + 24h * 30);
    BOOST_CHECK(state.gate.lockedUntil == now + 23h);
    BOOST_CHECK(state.gate.versions["v"].nextTry == never);
}

BOOST_AUTO_TEST_CASE(an_account_is_worth_keeping_as_long_as_something_counts)
{
    BOOST_CHECK(!worthKeeping(QuotaState{}, now));
    BOOST_CHECK(worthKeeping(withSlot(now + 1s), now));
    BOOST_CHECK(!worthKeeping(withSlot(now), now));

    QuotaState state;
    state.limits["|60"].capacity = 10;
    BOOST_CHECK(!worthKeeping(state, now));
    state.limits["|60"].contradicted = true;
    BOOST_CHECK(worthKeeping(state, now + 24h * 400));

    state = {};
    state.limits["|60"].inFlight.push_back({1, 1, now - 1h, 0}); // lost: it counts as sent
    BOOST_CHECK(worthKeeping(state, now));

    state = {};
    state.limits["|60"].shutUntil = now + 1s;
    BOOST_CHECK(worthKeeping(state, now));
    BOOST_CHECK(!worthKeeping(state, now + 2s));

    state = withSlot(now - 1s); // a sliding counter still weighs it
    state.limits["|60"].shape = Shape::Adaptive;
    BOOST_CHECK(worthKeeping(state, now));
}

BOOST_AUTO_TEST_CASE(a_gate_is_worth_keeping_as_long_as_it_is_not_clean)
{
    QuotaState state;
    state.gate.versions["v"].verdict = VersionState::Verdict::Good;
    state.gate.versions["v"].lastUsed = now;
    BOOST_CHECK(worthKeeping(state, now + 23h));
    BOOST_CHECK(!worthKeeping(state, now + 25h));
    state.gate.versions["v"].verdict = VersionState::Verdict::Bad;
    BOOST_CHECK(worthKeeping(state, now + 24h * 400));
    state = {};
    state.gate.lockedUntil = now - 24h; // half open: its probe is still to go
    BOOST_CHECK(worthKeeping(state, now));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace tollgate::stores
