// What holds for a limit after any history: P1 to P7 of docs/limits.md, and the same decisions by enumeration.

#include "properties/History.h"

#include "limits/Admission.h"
#include "tollgate/QuotaStore.h"

#include <rapidcheck/boost_test.h>

#include <algorithm>

using namespace tollgate;
using namespace tollgate::properties;
using namespace std::chrono_literals;

namespace {

const std::vector<Shape> allShapes{Shape::Burst, Shape::Adaptive, Shape::Paced};

/// Arrivals at the server, each somewhere between its grant and the moment after which it cannot arrive any more.
struct Arrival
{
    TimePoint at;
    unsigned weight;
};

/// The heaviest stretch of the window's length; the window's end does not belong to it.
std::uint64_t heaviestWindow(std::vector<Arrival> arrivals)
{
    std::sort(arrivals.begin(), arrivals.end(), [](const Arrival& a, const Arrival& b) { return a.at < b.at; });
    std::uint64_t heaviest = 0, weight = 0;
    std::size_t first = 0;
    for (const Arrival& arrival : arrivals) {
        weight += arrival.weight;
        while (arrivals[first].at + Story::window <= arrival.at) weight -= arrivals[first++].weight;
        heaviest = std::max(heaviest, weight);
    }
    return heaviest;
}

bool nothingFlies(const LimitState& state) { return state.inFlight.empty(); }

} // namespace

BOOST_AUTO_TEST_SUITE(LimitProperties)

// P1
RC_BOOST_PROP(no_window_holds_more_than_the_limit_wherever_requests_arrive, ())
{
    const Story story = *stories(allShapes);
    Play play(story);
    play.toEnd();
    std::vector<Arrival> arrivals;
    for (const Sent& sent : play.sent()) {
        if (sent.takenBack) continue;
        const TimePoint latest = sent.flies() ? play.now() + 3 * Story::window : sent.latest();
        // Early and late ones next to each other are the worst case.
        const auto share = *rc::gen::element<std::int64_t>(0, 0, 1000, 1000, 500, 1, 999);
        arrivals.push_back({sent.granted + (latest - sent.granted) / 1000 * share, sent.weight});
    }
    RC_ASSERT(heaviestWindow(arrivals) <= story.requests);
}

// P2
RC_BOOST_PROP(the_wait_is_exact_if_nothing_is_in_flight_and_else_a_lower_bound, ())
{
    const Story story = *stories(allShapes);
    Play play(story);
    play.toEnd();
    const auto weight = *rc::gen::inRange(1U, story.requests + 1);
    const LimitState& state = play.state();
    const Duration wait = play.limit().decide(state, play.now(), weight, 0);
    RC_ASSERT(wait >= 0ns);
    RC_ASSERT(wait < Duration::max());
    if (wait == 0ns) return;
    RC_ASSERT(play.limit().decide(state, play.now() + wait - 1ns, weight, 0) > 0ns);
    RC_ASSERT(play.limit().decide(state, play.now() + wait / 2, weight, 0) > 0ns);
    if (nothingFlies(state)) RC_ASSERT(play.limit().decide(state, play.now() + wait, weight, 0) == 0ns);
}

RC_BOOST_PROP(those_behind_in_line_are_told_a_lower_bound, ())
{
    const Story story = *stories(allShapes);
    Play play(story);
    play.toEnd();
    const auto ahead = *rc::gen::inRange<std::uint64_t>(0, 60);
    const TimePoint told = play.now() + play.limit().decide(play.state(), play.now(), 1, ahead);
    // Those ahead go as soon as they may, one unit each, and are answered at once: nobody can be faster.
    for (const LimitState::Flight flight : std::vector<LimitState::Flight>(play.state().inFlight))
        play.limit().answered(play.state(), play.now(), flight.permit, {200, {}, false});
    TimePoint now = play.now();
    for (PermitId permit = 1000; permit < 1000 + ahead; ++permit) {
        while (const auto wait = play.limit().decide(play.state(), now, 1, 0).count()) now += Duration(wait);
        play.limit().take(play.state(), now, {permit, 1, Story::patience});
        play.limit().answered(play.state(), now, permit, {200, {}, false});
    }
    now += play.limit().decide(play.state(), now, 1, 0);
    RC_ASSERT(told <= now);
}

// P3
RC_BOOST_PROP(a_refusal_changes_nothing, ())
{
    const Story story = *stories(allShapes);
    Play play(story);
    play.toEnd();
    const RateLimitPolicyPtr limit = story.limit();
    const std::vector<RateLimitPolicyPtr> limits{limit};
    const LockoutPolicy lockout;
    const std::string version;
    const auto weight = *rc::gen::inRange(1U, story.requests + 2);
    QuotaState state;
    state.limits[limit->id()] = play.state();
    if (limits::admit(state, {limits, lockout, version, weight, 0, 30s, 0, {}}, play.now()).kind ==
        limits::Admission::Kind::Granted)
        return;
    const LimitState& after = state.limits[limit->id()];
    RC_ASSERT(after.spent == play.state().spent);
    RC_ASSERT(after.inFlight.size() == play.state().inFlight.size());
    RC_ASSERT(state.lastPermit == 0U);
    for (const Duration later : {0ns, Duration(1s), Duration(Story::window / 2), Story::hold, 2 * Story::hold}) {
        for (const unsigned other : {1U, 3U}) {
            const Duration with = limit->decide(after, play.now() + later, other, 0);
            const Duration without = limit->decide(play.state(), play.now() + later, other, 0);
            // The careful shapes remember what is free again in cells, to the careful side.
            RC_ASSERT(with >= without);
            RC_ASSERT(with - without <= (story.shape == Shape::Burst ? 0ns : Story::cell));
        }
    }
}

// P4
RC_BOOST_PROP(a_permit_taken_and_given_back_gains_nothing, ())
{
    const Story story = *stories(allShapes);
    Play play(story);
    play.toEnd();
    const LimitState before = play.state();
    if (play.limit().decide(before, play.now(), 1, 0) != 0ns) return;
    play.limit().take(play.state(), play.now(), {5000, 1, Story::patience});
    const TimePoint later = play.now() + *rc::gen::elementOf(std::vector<Duration>{0ns, 1s, Story::window, 3 * Story::window});
    play.limit().abandoned(play.state(), later, 5000, Delivery::NotSent);
    for (unsigned weight = 1; weight <= story.requests; ++weight) {
        const Duration with = play.limit().decide(play.state(), later, weight, 0);
        const Duration without = play.limit().decide(before, later, weight, 0);
        RC_ASSERT(with >= without);
        if (story.shape == Shape::Burst) RC_ASSERT(with == without);
    }
}

// P5
RC_BOOST_PROP(a_weight_is_as_many_requests_at_one_instant, ())
{
    const Story story = *stories({Shape::Burst, Shape::Adaptive});
    Play play(story);
    play.toEnd();
    const unsigned most = story.shape == Shape::Burst ? story.requests : std::max(1U, story.requests / 7);
    const auto weight = *rc::gen::inRange(1U, most + 1);
    LimitState whole = play.state(), parts = play.state();
    const bool goes = play.limit().decide(whole, play.now(), weight, 0) == 0ns;
    bool allGo = true;
    for (unsigned i = 0; i < weight && allGo; ++i) {
        allGo = play.limit().decide(parts, play.now(), 1, 0) == 0ns;
        if (allGo) play.limit().take(parts, play.now(), {5000 + i, 1, Story::patience});
    }
    RC_ASSERT(goes == allGo);
    if (!goes) return;
    play.limit().take(whole, play.now(), {5000, weight, Story::patience});
    for (unsigned i = 0; i < weight; ++i) play.limit().answered(parts, play.now() + 1s, 5000 + i, {200, {}, false});
    play.limit().answered(whole, play.now() + 1s, 5000, {200, {}, false});
    for (const Duration later : {Duration(1s), Duration(Story::window / 2), Story::hold, Story::hold + 1s, 2 * Story::hold})
        for (const unsigned other : {1U, 2U, story.requests})
            RC_ASSERT(play.limit().decide(whole, play.now() + later, other, 0) ==
                      play.limit().decide(parts, play.now() + later, other, 0));
}

// P6
RC_BOOST_PROP(all_limits_are_spent_or_none, ())
{
    const std::vector<RateLimitPolicyPtr> limits{WindowLimit(*rc::gen::inRange(1U, 6U), 1s),
                                                 WindowLimit(*rc::gen::inRange(1U, 12U), 10s).shape(Shape::Adaptive),
                                                 WindowLimit(*rc::gen::inRange(1U, 25U), 60s).forPath("/x")};
    const LockoutPolicy lockout;
    const std::string version;
    const auto steps = stories({Shape::Burst});
    const Story story = *steps;
    QuotaState state;
    std::vector<PermitId> flying;
    TimePoint now(1000h);
    for (const Step& step : story.steps) {
        now += step.pause;
        const limits::Ask ask{limits, lockout, version, step.weight, 0, Duration(100h), 0, {}};
        if (step.kind != Step::Kind::Ask) {
            if (flying.empty()) continue;
            const auto at = flying.begin() + static_cast<std::ptrdiff_t>(step.which % flying.size());
            limits::settleAnswered(state, ask, *at, {200, {}, false}, now);
            flying.erase(at);
            continue;
        }
        std::vector<std::uint64_t> before;
        bool allWould = true;
        for (const RateLimitPolicyPtr& limit : limits) {
            LimitState& one = state.limits[limit->id()];
            limit->declare(one);
            before.push_back(one.spent);
            allWould = allWould && limit->decide(one, now, step.weight, 0) == 0ns;
        }
        const limits::Admission admission = limits::admit(state, ask, now);
        const bool granted = admission.kind == limits::Admission::Kind::Granted;
        RC_ASSERT(granted == allWould);
        for (std::size_t i = 0; i < limits.size(); ++i)
            RC_ASSERT(state.limits[limits[i]->id()].spent == before[i] + (granted ? step.weight : 0));
        if (granted) flying.push_back(admission.permit);
        if (!granted) RC_ASSERT(admission.binding != nullptr);
    }
}

// P7
RC_BOOST_PROP(a_clock_that_jumps_back_adds_no_permits, ())
{
    const Story story = *stories(allShapes);
    Play play(story);
    play.toEnd();
    const auto back = Duration(*rc::gen::inRange<std::int64_t>(0, 4 * Story::window.count()));
    if (play.limit().decide(play.state(), play.now(), 1, 0) > 0ns)
        RC_ASSERT(play.limit().decide(play.state(), play.now() - back, 1, 0) > 0ns);
}

RC_BOOST_PROP(no_window_holds_more_though_the_clock_jumps_back, ())
{
    const Story story = *stories(allShapes);
    Play play(story);
    std::vector<TimePoint> grants; // in true time
    std::vector<Arrival> arrivals;
    Duration behind{};
    while (!play.atEnd()) {
        const Step& step = play.next();
        if (step.which == 7) { // one in eight
            const Duration jump = Duration(*rc::gen::inRange<std::int64_t>(0, 2 * Story::window.count()));
            play.shift(-jump);
            behind += jump;
        }
        if (play.perform(step)) grants.push_back(play.now() + behind);
    }
    for (std::size_t i = 0; i < grants.size(); ++i)
        if (!play.sent()[i].takenBack) arrivals.push_back({grants[i], play.sent()[i].weight});
    RC_ASSERT(heaviestWindow(arrivals) <= story.requests);
}

RC_BOOST_PROP(burst_decides_as_enumeration_does, ())
{
    const Story story = *stories({Shape::Burst});
    Play play(story);
    while (!play.atEnd()) {
        const Step& step = play.next();
        if (step.kind == Step::Kind::Ask) {
            const bool room = logHasRoom(play.sent(), play.now(), story.requests, step.weight);
            RC_ASSERT((play.limit().decide(play.state(), play.now(), step.weight, 0) == 0ns) == room);
        }
        play.perform(step);
    }
}

RC_BOOST_PROP(adaptive_passes_only_what_every_phase_has_room_for, ())
{
    const Story story = *stories({Shape::Adaptive, Shape::Paced}, 2);
    Play play(story);
    while (!play.atEnd()) {
        const Step& step = play.next();
        if (step.kind == Step::Kind::Ask && play.limit().decide(play.state(), play.now(), step.weight, 0) == 0ns) {
            RC_ASSERT(logHasRoom(play.sent(), play.now(), story.requests, step.weight));
            RC_ASSERT(everyPhaseHasRoom(play.sent(), play.now(), story.requests, step.weight, 0ns));
        }
        play.perform(step);
    }
}

RC_BOOST_PROP(adaptive_refuses_only_what_some_phase_or_the_bucket_has_no_room_for, ())
{
    const Story story = *stories({Shape::Adaptive}, 2);
    Play play(story);
    const unsigned size = std::max(1U, story.requests / 7);
    const Duration interval = Story::hold / story.requests;
    TimePoint full{}; // when the bucket is full again
    while (!play.atEnd()) {
        const Step& step = play.next();
        if (step.kind == Step::Kind::Ask) {
            const unsigned room = size - std::min(size, step.weight);
            const bool bucket = full <= play.now() + room * interval;
            const bool should = bucket && logHasRoom(play.sent(), play.now(), story.requests, step.weight) &&
                                everyPhaseHasRoom(play.sent(), play.now(), story.requests, step.weight, Story::cell);
            if (should) RC_ASSERT(play.limit().decide(play.state(), play.now(), step.weight, 0) == 0ns);
        }
        if (play.perform(step)) full = std::max(full, play.now()) + step.weight * interval;
    }
}

BOOST_AUTO_TEST_SUITE_END()
