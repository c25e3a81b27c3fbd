#include "properties/History.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <ostream>

namespace tollgate::properties {

namespace {

/// The same cases each time, unless somebody asks for others: RC_PARAMS="seed=1 max_success=10000".
struct FixedSeed
{
    FixedSeed() { ::setenv("RC_PARAMS", "seed=20261122 max_success=4000 max_size=100", 0); }
};
BOOST_TEST_GLOBAL_FIXTURE(FixedSeed);

const char* nameOf(Step::Kind kind)
{
    switch (kind) {
    case Step::Kind::Ask: return "ask";
    case Step::Kind::Answer: return "answer";
    case Step::Kind::Lose: return "lose";
    case Step::Kind::TakeBack: return "take back";
    }
    return "?";
}

/// Moments at which something changes, and anything between.
rc::Gen<Duration> pauses()
{
    const auto window = Story::window.count();
    const auto hold = Story::hold.count();
    return rc::gen::map(rc::gen::weightedOneOf<std::int64_t>({
                            {6, rc::gen::just<std::int64_t>(0)},
                            {2, rc::gen::inRange<std::int64_t>(1, 3)},
                            {6, rc::gen::inRange<std::int64_t>(1, window / 5)},
                            {3, rc::gen::inRange<std::int64_t>(1, 3 * window)},
                            {1, rc::gen::inRange<std::int64_t>(hold - 2, hold + 3)},
                        }),
                        [](std::int64_t nanos) { return Duration(nanos); });
}

rc::Gen<Step> stepsOf(unsigned maxWeight)
{
    return rc::gen::build<Step>(
        rc::gen::set(&Step::pause, pauses()),
        rc::gen::set(&Step::kind,
                     rc::gen::weightedElement<Step::Kind>(
                         {{6, Step::Kind::Ask}, {5, Step::Kind::Answer}, {1, Step::Kind::Lose}, {1, Step::Kind::TakeBack}})),
        rc::gen::set(&Step::weight, rc::gen::inRange(1U, maxWeight + 1)), rc::gen::set(&Step::which, rc::gen::inRange(0U, 8U)));
}

} // namespace

std::ostream& operator<<(std::ostream& stream, const Step& step)
{
    stream << "+" << step.pause.count() << " ns: " << nameOf(step.kind);
    return step.kind == Step::Kind::Ask ? stream << " " << step.weight : stream << " #" << step.which;
}

std::ostream& operator<<(std::ostream& stream, const Story& story)
{
    stream << story.requests << " per 10 s, shape " << static_cast<int>(story.shape) << ":";
    for (const Step& step : story.steps) stream << "\n  " << step;
    return stream;
}

rc::Gen<Story> stories(std::vector<Shape> shapes, unsigned maxWeight)
{
    return rc::gen::build<Story>(rc::gen::set(&Story::requests, rc::gen::inRange(1U, 25U)),
                                 rc::gen::set(&Story::shape, rc::gen::elementOf(std::move(shapes))),
                                 rc::gen::set(&Story::steps, rc::gen::container<std::vector<Step>>(stepsOf(maxWeight))));
}

Play::Play(const Story& story, TimePoint start) : _story(story), _limit(story.limit()), _now(start) { _limit->declare(_state); }

const Step& Play::next()
{
    const Step& step = _story.steps[_next++];
    _now += step.pause;
    return step;
}

bool Play::perform(const Step& step)
{
    if (step.kind == Step::Kind::Ask) {
        if (_limit->decide(_state, _now, step.weight, 0) != Duration::zero()) return false;
        const PermitId permit = _sent.size() + 1;
        _limit->take(_state, _now, {permit, step.weight, Story::patience});
        Sent sent;
        sent.permit = permit;
        sent.weight = step.weight;
        sent.granted = _now;
        _sent.push_back(sent);
        return true;
    }
    std::vector<Sent*> flying;
    for (Sent& sent : _sent)
        if (sent.flies()) flying.push_back(&sent);
    if (flying.empty()) return false;
    Sent& sent = *flying[step.which % flying.size()];
    sent.landed = _now;
    sent.lost = step.kind == Step::Kind::Lose;
    sent.takenBack = step.kind == Step::Kind::TakeBack;
    if (step.kind == Step::Kind::Answer)
        _limit->answered(_state, _now, sent.permit, {200, {}, false});
    else
        _limit->abandoned(_state, _now, sent.permit, sent.lost ? Delivery::MaybeProcessed : Delivery::NotSent);
    return false;
}

void Play::toEnd()
{
    while (!atEnd()) perform(next());
}

bool logHasRoom(const std::vector<Sent>& sent, TimePoint now, unsigned capacity, unsigned weight)
{
    std::uint64_t busy = 0;
    for (const Sent& one : sent)
        if (!one.takenBack && (one.flies() || one.latest() + Story::hold > now)) busy += one.weight;
    return busy + weight <= capacity;
}

bool everyPhaseHasRoom(const std::vector<Sent>& sent, TimePoint now, unsigned capacity, unsigned weight, Duration blur)
{
    struct Arrival
    {
        TimePoint at;
        unsigned weight;
    };
    std::vector<Arrival> arrivals;
    std::vector<TimePoint> phases{now};
    for (const Sent& one : sent) {
        if (one.takenBack) continue;
        TimePoint at = one.flies() ? now : one.latest();
        if (at + Story::hold <= now) at += blur;
        arrivals.push_back({at, one.weight});
        for (const TimePoint phase : {at, at + Story::hold})
            for (const Duration by : {Duration(-1), Duration(0), Duration(1), Duration(Story::hold / 3)})
                phases.push_back(phase + by);
    }
    for (const TimePoint phase : phases) {
        if (phase > now || phase + Story::hold <= now) continue;
        std::uint64_t current = 0, previous = 0;
        for (const Arrival& arrival : arrivals) {
            if (arrival.at >= phase)
                current += arrival.weight;
            else if (arrival.at >= phase - Story::hold)
                previous += arrival.weight;
        }
        const long double elapsed =
            static_cast<long double>((now - phase).count()) / static_cast<long double>(Story::hold.count());
        if (static_cast<long double>(current + weight) + static_cast<long double>(previous) * (1 - elapsed) > capacity + 1e-12L)
            return false;
    }
    return true;
}

} // namespace tollgate::properties
