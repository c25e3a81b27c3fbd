#include "tollgate/WindowLimit.h"

#include "support/Throws.h"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <random>

using namespace tollgate;
using namespace std::chrono_literals;
using tollgate::tests::contains;
using tollgate::tests::thrown;

namespace {

const TimePoint start{std::chrono::hours(1000)};

ServerAnswer says(int status)
{
    ServerAnswer answer;
    answer.status = status;
    return answer;
}

ServerAnswer saysLeft(int status, std::uint64_t limit, std::uint64_t remaining, std::optional<Duration> reset)
{
    ServerAnswer answer = says(status);
    answer.hint.quotas.push_back({"", limit, remaining, reset, {}});
    return answer;
}

/// Sends one request that takes `duration`; it must be let go at once.
void pass(const RateLimitPolicyPtr& limit, LimitState& state, TimePoint at, PermitId permit, Duration duration = 0s)
{
    BOOST_REQUIRE((limit->decide(state, at, 1, 0) == 0s));
    limit->take(state, at, {permit, 1, 1min});
    limit->answered(state, at + duration, permit, says(200));
}

} // namespace

BOOST_AUTO_TEST_SUITE(WindowLimitTest)

BOOST_AUTO_TEST_CASE(lets_a_full_burst_go_and_then_waits_a_window_from_the_first_answer)
{
    const RateLimitPolicyPtr limit = perMinute(3);
    LimitState state;
    for (PermitId permit = 1; permit <= 3; ++permit) pass(limit, state, start, permit, std::chrono::seconds(permit));
    BOOST_TEST(limit->remaining(state, start + 5s) == 0U);
    const Duration wait = limit->decide(state, start + 5s, 1, 0);
    BOOST_TEST((wait >= 56s && wait < 57s)); // the first answer came after 1 s
    // The reported wait is exact: refused just before, granted at it.
    BOOST_TEST((limit->decide(state, start + 5s + wait - 1ns, 1, 0) == 1ns));
    BOOST_TEST((limit->decide(state, start + 5s + wait, 1, 0) == 0s));
}

BOOST_AUTO_TEST_CASE(a_slot_in_flight_is_taken_for_as_long_as_it_flies)
{
    const RateLimitPolicyPtr limit = perMinute(1);
    LimitState state;
    limit->take(state, start, {1, 1, 1min});
    // However long it takes, the next one cannot go before its answer plus a window.
    for (const Duration later : {Duration(0s), Duration(59s), Duration(61s), Duration(1h)})
        BOOST_TEST((limit->decide(state, start + later, 1, 0) >= 60s));
    limit->answered(state, start + 1h, 1, says(500));
    BOOST_TEST((limit->decide(state, start + 1h + 30s, 1, 0) > 29s));
    BOOST_TEST((limit->decide(state, start + 1h + 61s, 1, 0) == 0s));
}

BOOST_AUTO_TEST_CASE(what_was_not_sent_gives_its_slot_back_and_what_may_have_arrived_does_not)
{
    const RateLimitPolicyPtr limit = perMinute(1);
    LimitState state;
    limit->take(state, start, {1, 1, 1min});
    limit->abandoned(state, start + 1s, 1, Delivery::NotSent);
    BOOST_TEST((limit->decide(state, start + 1s, 1, 0) == 0s));
    limit->take(state, start + 1s, {2, 1, 1min});
    limit->abandoned(state, start + 2s, 2, Delivery::MaybeProcessed);
    BOOST_TEST((limit->decide(state, start + 2s, 1, 0) > 64s)); // its bytes may arrive for 5 s more
    limit->abandoned(state, start + 2s, 99, Delivery::NotSent); // unknown: nothing happens
    limit->answered(state, start + 2s, 99, says(200));
    BOOST_TEST(limit->remaining(state, start + 2s) == 0U);
}

BOOST_AUTO_TEST_CASE(those_behind_in_line_are_told_the_rounds_they_wait_at_least)
{
    const RateLimitPolicyPtr limit = perMinute(10);
    LimitState state;
    BOOST_TEST((limit->decide(state, start, 1, 9) == 0s));
    BOOST_TEST((limit->decide(state, start, 1, 10) >= 60s));
    BOOST_TEST((limit->decide(state, start, 1, 10) < 61s));
    BOOST_TEST((limit->decide(state, start, 1, 95) >= 540s));
    BOOST_TEST((limit->decide(state, start, 1, 1'000'000'000ULL) > 24h));
}

BOOST_AUTO_TEST_CASE(weights_count_and_too_heavy_never_goes)
{
    const RateLimitPolicyPtr limit = perMinute(10);
    LimitState state;
    limit->take(state, start, {1, 7, 1min});
    BOOST_TEST((limit->decide(state, start, 3, 0) == 0s));
    BOOST_TEST((limit->decide(state, start, 4, 0) >= 60s));
    BOOST_TEST((limit->decide(state, start, 11, 0) == Duration::max()));
    limit->correct(state, start, 1, 2);
    BOOST_TEST((limit->decide(state, start, 8, 0) == 0s));
    limit->answered(state, start, 1, says(200));
    limit->correct(state, start, 1, 10);
    BOOST_TEST(limit->remaining(state, start) == 0U);
}

BOOST_AUTO_TEST_CASE(a_429_shuts_it_for_as_long_as_the_server_says_else_for_a_window)
{
    const RateLimitPolicyPtr limit = perMinute(100);
    LimitState state;
    limit->take(state, start, {1, 1, 1min});
    limit->answered(state, start, 1, says(429));
    BOOST_TEST((limit->decide(state, start, 1, 0) == 60s));
    ServerAnswer hinted = says(429);
    hinted.hint.retryAfter = 300s;
    limit->take(state, start, {2, 1, 1min});
    limit->answered(state, start, 2, hinted);
    BOOST_TEST((limit->decide(state, start, 1, 0) == 300s));
}

BOOST_AUTO_TEST_CASE(the_stricter_of_two_declarations_counts_for_both)
{
    const RateLimitPolicyPtr wide = perMinute(100);
    const RateLimitPolicyPtr narrow = perMinute(2);
    BOOST_TEST(wide->id() == narrow->id());
    LimitState state;
    wide->declare(state);
    narrow->declare(state);
    pass(wide, state, start, 1);
    pass(wide, state, start, 2);
    BOOST_TEST((wide->decide(state, start, 1, 0) > 59s));
    BOOST_TEST(RateLimitPolicyPtr(perHour(2))->id() != narrow->id());
    BOOST_TEST(RateLimitPolicyPtr(perMinute(2).forPath("/fetch"))->id() != narrow->id());
}

BOOST_AUTO_TEST_CASE(covers_a_path_and_what_lies_below_it)
{
    const RateLimitPolicyPtr limit = perMinute(1).forPath("fetch");
    BOOST_TEST(limit->covers("/fetch"));
    BOOST_TEST(limit->covers("/fetch/tags"));
    BOOST_TEST(limit->covers("/fetch?x=1"));
    BOOST_TEST(!limit->covers("/fetches"));
    BOOST_TEST(!limit->covers("/batch/fetch"));
    BOOST_TEST(RateLimitPolicyPtr(perMinute(1))->covers("/anything"));
    BOOST_TEST(limit->describe() == "1 requests per 60 s on /fetch");
}

BOOST_AUTO_TEST_CASE(contradictory_figures_are_refused)
{
    BOOST_TEST(contains(thrown<ConfigurationError>([] { perMinute(0); })->what(), "0 requests"));
    thrown<ConfigurationError>([] { WindowLimit(1, 0s); });
    thrown<ConfigurationError>([] { WindowLimit(1, -1s); });
    thrown<ConfigurationError>([] { WindowLimit(1, std::chrono::hours(24 * 365)); });
}

/// The promise itself: whatever the delays are, no interval of one window at the server sees more than N arrivals.
BOOST_AUTO_TEST_CASE(no_window_of_the_server_sees_more_than_the_limit)
{
    constexpr unsigned limitOf = 20;
    const RateLimitPolicyPtr limit = WindowLimit(limitOf, 10s);
    for (unsigned seed = 1; seed <= 20; ++seed) {
        std::mt19937 random(seed);
        std::exponential_distribution<double> delay(1.0 / 0.4);
        LimitState state;
        struct Flight
        {
            TimePoint answer;
            PermitId permit;
        };
        std::vector<Flight> flying;
        std::vector<TimePoint> arrivals;
        TimePoint now = start;
        PermitId last = 0;
        while (last < 2000) {
            for (auto next = flying.begin(); next != flying.end();) {
                if (next->answer <= now) {
                    limit->answered(state, next->answer, next->permit, says(200));
                    next = flying.erase(next);
                } else {
                    ++next;
                }
            }
            const Duration wait = limit->decide(state, now, 1, 0);
            if (wait == 0s) {
                limit->take(state, now, {++last, 1, 1min});
                const auto out = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(delay(random)));
                const auto back = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(delay(random)));
                arrivals.push_back(now + out);
                flying.push_back({now + out + back, last});
                continue;
            }
            TimePoint next = now + wait;
            for (const Flight& flight : flying) next = std::min(next, flight.answer);
            now = std::max(next, now + 1ns);
        }
        std::sort(arrivals.begin(), arrivals.end());
        for (std::size_t i = limitOf; i < arrivals.size(); ++i) BOOST_REQUIRE((arrivals[i] - arrivals[i - limitOf] >= 10s));
        // And it is no trick of going slowly: mean hold time 0.8 s of 10 s costs at most that share.
        const double windows = std::chrono::duration<double>(arrivals.back() - arrivals.front()).count() / 10.0;
        BOOST_TEST(static_cast<double>(arrivals.size()) >= 0.8 * limitOf * windows);
    }
}

BOOST_AUTO_TEST_CASE(a_429_in_spite_of_room_steps_down_to_even_pacing_for_good)
{
    const RateLimitPolicyPtr limit = perMinute(70);
    LimitState state;
    limit->declare(state);
    limit->take(state, start, {1, 1, 1min});
    limit->take(state, start, {2, 1, 1min});
    limit->answered(state, start, 1, says(429));
    BOOST_TEST(state.contradicted);
    BOOST_TEST((state.shape == Shape::Adaptive));
    limit->answered(state, start, 2, says(429)); // a straggler changes nothing more

    TimePoint now = start + 5min;
    int atOnce = 0;
    for (PermitId permit = 3; limit->decide(state, now, 1, 0) == 0s; ++permit, ++atOnce) {
        limit->take(state, now, {permit, 1, 1min});
        limit->answered(state, now, permit, says(200));
    }
    BOOST_TEST(atOnce == 10); // a seventh of it
    BOOST_TEST((limit->decide(state, now, 1, 0) > 500ms));
}

BOOST_AUTO_TEST_CASE(paced_goes_one_by_one)
{
    const RateLimitPolicyPtr limit = perMinute(61).shape(Shape::Paced);
    LimitState state;
    limit->declare(state);
    pass(limit, state, start, 1);
    const Duration wait = limit->decide(state, start, 1, 0);
    BOOST_TEST((wait > 1s && wait < 1100ms));
    BOOST_TEST((limit->decide(state, start + wait - 1ns, 1, 0) == 1ns));
    pass(limit, state, start + wait, 2);
}

BOOST_AUTO_TEST_CASE(the_more_careful_shape_of_two_clients_counts_for_both)
{
    const RateLimitPolicyPtr burst = perMinute(70);
    const RateLimitPolicyPtr paced = perMinute(70).shape(Shape::Paced);
    LimitState state;
    burst->declare(state);
    paced->declare(state);
    pass(burst, state, start, 1);
    BOOST_TEST((burst->decide(state, start, 1, 0) > 800ms));
}

BOOST_AUTO_TEST_CASE(what_was_left_when_an_answer_came_that_is_told_twice_says_nothing_about_now)
{
    const RateLimitPolicyPtr limit = perMinute(100);
    LimitState state;
    limit->declare(state);
    TimePoint now = start;
    PermitId permit = 0;
    for (int i = 0; i < 200; ++i) pass(limit, state, now += 1s, ++permit);
    limit->take(state, now += 1s, {++permit, 1, 1min});
    limit->answered(state, now, permit, saysLeft(200, 100, 90, 50s));
    BOOST_TEST((limit->decide(state, now, 1, 0) == 0s));
    limit->answered(state, now, permit, saysLeft(200, 100, 90, 50s));
    BOOST_TEST((limit->decide(state, now, 1, 0) == 0s));
}

BOOST_AUTO_TEST_CASE(what_the_server_says_is_left_counts_less_what_was_sent_since)
{
    const RateLimitPolicyPtr limit = perMinute(100);
    LimitState state;
    limit->declare(state);
    for (PermitId permit = 1; permit <= 3; ++permit) limit->take(state, start, {permit, 1, 1min});
    limit->answered(state, start, 1, saysLeft(200, 100, 4, 30s)); // two more were sent after it
    BOOST_TEST(limit->remaining(state, start) == 2U);
    limit->answered(state, start, 2, saysLeft(200, 100, 50, 30s)); // within one window of the server's it only gets less
    BOOST_TEST(limit->remaining(state, start) == 2U);
    limit->take(state, start, {4, 1, 1min});
    limit->take(state, start, {5, 1, 1min});
    BOOST_TEST((limit->decide(state, start, 1, 0) == 30s));
    limit->answered(state, start, 4, saysLeft(200, 100, 90, 55s)); // its window moved on
    BOOST_TEST(limit->remaining(state, start) == 89U);
    limit->answered(state, start, 5, saysLeft(200, 1000, 900, 200s)); // never above the policy
    BOOST_TEST(limit->remaining(state, start) == 95U);
}

BOOST_AUTO_TEST_CASE(a_server_declared_limit_asks_first_and_follows_what_it_is_told_up_to_the_ceiling)
{
    const RateLimitPolicyPtr limit = serverDeclared(perMinute(1000));
    LimitState state;
    limit->declare(state);
    limit->take(state, start, {1, 1, 1min});
    BOOST_TEST((limit->decide(state, start, 1, 0) > 0s)); // nobody else before the answer
    limit->answered(state, start, 1, saysLeft(200, 20, 19, 60s));
    BOOST_TEST(limit->capacity(state) == 20U);
    BOOST_TEST(limit->remaining(state, start) == 19U);
    limit->take(state, start, {2, 1, 1min});
    limit->answered(state, start, 2, saysLeft(200, 5000, 4999, 120s));
    BOOST_TEST(limit->capacity(state) == 1000U);
    BOOST_TEST(limit->remaining(state, start) == 998U);
}

BOOST_AUTO_TEST_CASE(a_server_that_says_nothing_of_its_limit_gets_the_ceiling_once_it_answered_well)
{
    const RateLimitPolicyPtr limit = serverDeclared(perMinute(10));
    LimitState state;
    limit->declare(state);
    limit->take(state, start, {1, 1, 1min});
    limit->answered(state, start, 1, says(503));
    limit->take(state, start, {2, 1, 1min});
    BOOST_TEST((limit->decide(state, start, 1, 0) > 0s)); // still asking
    limit->answered(state, start, 2, says(200));
    BOOST_TEST((limit->decide(state, start, 1, 0) == 0s));
    BOOST_TEST(limit->capacity(state) == 10U);
}

BOOST_AUTO_TEST_CASE(a_canary_that_is_refused_is_no_contradiction)
{
    const RateLimitPolicyPtr limit = serverDeclared(perMinute(10));
    LimitState state;
    limit->declare(state);
    limit->take(state, start, {1, 1, 1min});
    limit->answered(state, start, 1, saysLeft(429, 5, 0, 20s));
    BOOST_TEST(!state.contradicted);
    BOOST_TEST((limit->decide(state, start, 1, 0) == 20s));
}

BOOST_AUTO_TEST_CASE(a_permit_that_nobody_reports_lapses_and_a_late_answer_counts_still)
{
    const RateLimitPolicyPtr limit = perMinute(1);
    LimitState state;
    limit->declare(state);
    limit->take(state, start, {1, 1, 10s});
    limit->tidy(state, start + 16s);
    BOOST_TEST(state.inFlight.empty());
    const Duration wait = limit->decide(state, start + 16s, 1, 0);
    BOOST_TEST((wait > 58s && wait < 60s)); // sent after 15 s at the latest
    limit->answered(state, start + 40s, 1, says(200));
    BOOST_TEST((limit->decide(state, start + 40s, 1, 0) >= 60s));
}

BOOST_AUTO_TEST_CASE(in_a_shared_emergency_each_request_counts_for_all)
{
    const RateLimitPolicyPtr limit = perMinute(100);
    LimitState state;
    limit->declare(state);
    state.share = 8;
    int sent = 0;
    for (PermitId permit = 1; limit->decide(state, start, 1, 0) == 0s; ++permit, ++sent)
        limit->take(state, start, {permit, 1, 1min});
    BOOST_TEST(sent == 12);
    state.share = 200; // more processes than requests: none may go
    LimitState none;
    none.share = 200;
    BOOST_TEST((limit->decide(none, start, 1, 0) > 0s));
    BOOST_TEST((limit->decide(none, start, 1, 0) < 61s));
}

BOOST_AUTO_TEST_CASE(absurd_limits_are_refused)
{
    thrown<ConfigurationError>([] { WindowLimit(static_cast<unsigned>(-1), 60s); });
    const RateLimitPolicyPtr huge = WindowLimit(1'000'000'000, std::chrono::hours(24 * 31)).shape(Shape::Adaptive);
    LimitState state;
    huge->declare(state);
    pass(huge, state, start, 1);
    BOOST_TEST((huge->decide(state, start, 1, UINT64_MAX / 4) > std::chrono::hours(24 * 365)));
}

BOOST_AUTO_TEST_SUITE_END()
