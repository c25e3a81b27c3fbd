#pragma once

#include "tollgate/RateLimitPolicy.h"
#include "tollgate/WindowLimit.h"

#include <rapidcheck.h>

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <vector>

namespace tollgate::properties {

/// One thing that happens to a limit.
struct Step
{
    enum class Kind
    {
        Ask,     ///< goes if it may
        Answer,  ///< the head of one in flight arrives
        Lose,    ///< one in flight is given up, its bytes may still arrive
        TakeBack ///< one in flight turns out not to have been sent
    };
    Duration pause{}; ///< before it
    Kind kind{};
    unsigned weight = 1; ///< Ask
    unsigned which = 0;  ///< the others: of those in flight, modulo their number
};
std::ostream& operator<<(std::ostream& stream, const Step& step);

/// A limit with a small window, so that histories are short, and what happens to it.
struct Story
{
    unsigned requests = 1;
    Shape shape = Shape::Burst;
    std::vector<Step> steps;

    static constexpr Duration window = std::chrono::seconds(10);
    /// What a slot is kept beyond the answer: the window, clock rates and a timer's grain.
    static constexpr Duration hold = window + window / 1000 + std::chrono::milliseconds(1);
    static constexpr Duration cell = hold / 1024 + Duration(1);   ///< slots that are free again are remembered that finely
    static constexpr Duration late = std::chrono::seconds(5);     ///< bytes of a lost request arrive for so long at most
    static constexpr Duration patience = std::chrono::hours(100); ///< no permit lapses within a story

    RateLimitPolicyPtr limit() const { return WindowLimit(requests, window).shape(shape); }
};
std::ostream& operator<<(std::ostream& stream, const Story& story);

rc::Gen<Story> stories(std::vector<Shape> shapes, unsigned maxWeight = 3);

/// A request that was granted, as somebody who sees everything knows it.
struct Sent
{
    PermitId permit = 0;
    unsigned weight = 1;
    TimePoint granted{};
    TimePoint landed = never; ///< answered or given up
    bool lost = false;        ///< given up
    bool takenBack = false;   ///< was not sent after all
    bool flies() const { return landed == never; }
    /// The latest moment at which the server can have counted it.
    TimePoint latest() const { return lost ? landed + Story::late : landed; }
};

/// Plays a story on a limit, step by step.
class Play
{
public:
    Play(const Story& story, TimePoint start = TimePoint(std::chrono::hours(1000)));

    bool atEnd() const { return _next == _story.steps.size(); }
    /// Lets the time of the next step come, and answers the step.
    const Step& next();
    /// Does what the step says; true if it was an Ask and was granted.
    bool perform(const Step& step);
    /// The same for all that are left.
    void toEnd();

    TimePoint now() const { return _now; }
    void shift(Duration by) { _now += by; }
    const RateLimitPolicy& limit() const { return *_limit; }
    LimitState& state() { return _state; }
    const std::vector<Sent>& sent() const { return _sent; }

private:
    const Story& _story;
    RateLimitPolicyPtr _limit;
    LimitState _state;
    TimePoint _now;
    std::size_t _next = 0;
    std::vector<Sent> _sent;
};

/// The same decision by enumeration, from what was sent alone.
/// Burst: the weight of those in flight, or landed less than a hold ago, leaves room.
bool logHasRoom(const std::vector<Sent>& sent, TimePoint now, unsigned capacity, unsigned weight);
/// Adaptive: for each start of a counter's window that makes a difference, its estimate leaves room. `blur`: by how much later
/// the requests that are free again may count.
bool everyPhaseHasRoom(const std::vector<Sent>& sent, TimePoint now, unsigned capacity, unsigned weight, Duration blur);

} // namespace tollgate::properties
