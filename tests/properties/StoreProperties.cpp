// What holds for the states that shared stores keep: P8 and P9 of docs/limits.md.

#include "properties/History.h"

#include "limits/Admission.h"
#include "stores/Merge.h"
#include "stores/StateCodec.h"

#include <rapidcheck/boost_test.h>

#include <algorithm>
#include <string>

using namespace tollgate;
using namespace tollgate::properties;
using namespace std::chrono_literals;

namespace {

const TimePoint start(1000h);

/// Two limits, one account.
struct Setting
{
    std::vector<RateLimitPolicyPtr> limits{WindowLimit(8, 10s), WindowLimit(20, 30s).shape(Shape::Adaptive)};
    LockoutPolicy lockout = tollgate::lockout().atOnce(0);
};

/// What one process does to the account, from `state` on; its permits are none of anybody else's.
TimePoint live(const Setting& setting, QuotaState& state, const std::vector<Step>& steps, TimePoint now, bool hints = true)
{
    std::vector<std::pair<PermitId, std::string>> flying;
    for (const Step& step : steps) {
        now += step.pause;
        const std::string version = "v" + std::to_string(step.which % 3);
        if (step.kind == Step::Kind::Ask) {
            const limits::Ask ask{setting.limits, setting.lockout, version, step.weight, 0, 1min, step.which, "abcd"};
            const limits::Admission admission = limits::admit(state, ask, now);
            if (admission.kind == limits::Admission::Kind::Granted) flying.emplace_back(admission.permit, version);
            continue;
        }
        if (flying.empty()) continue;
        const auto at = flying.begin() + static_cast<std::ptrdiff_t>(step.which % flying.size());
        const auto [permit, of] = *at;
        flying.erase(at);
        const limits::Ask ask{setting.limits, setting.lockout, of, 1, 0, 1min, step.which, "abcd"};
        ServerAnswer answer;
        answer.status = step.weight == 1 ? 200 : step.which == 3 ? 429 : step.which == 4 ? 401 : step.which == 5 ? 403 : 200;
        if (hints && step.which == 2) {
            ServerHint::Quota quota;
            quota.remaining = step.weight;
            quota.reset = Duration(3s);
            answer.hint.quotas.push_back(quota);
        }
        if (step.kind == Step::Kind::Answer)
            limits::settleAnswered(state, ask, permit, answer, now);
        else
            limits::settleAbandoned(state, ask, permit,
                                    step.kind == Step::Kind::Lose ? Delivery::MaybeProcessed : Delivery::NotSent, now);
    }
    return now;
}

std::vector<Step> anySteps() { return (*stories({Shape::Burst})).steps; }

/// Order says nothing among those in flight, slots of one release, and markers.
std::string canonical(QuotaState state)
{
    for (auto& entry : state.limits) {
        auto& limit = entry.second;
        std::sort(limit.inFlight.begin(), limit.inFlight.end(), [](const auto& a, const auto& b) { return a.permit < b.permit; });
        const auto order = [](const auto& a, const auto& b) {
            return a.release != b.release ? a.release < b.release : a.permit < b.permit;
        };
        std::sort(limit.cooling.begin(), limit.cooling.end(), order);
        std::sort(limit.past.begin(), limit.past.end(), order);
    }
    std::sort(state.gate.inFlight.begin(), state.gate.inFlight.end(),
              [](const auto& a, const auto& b) { return a.permit < b.permit; });
    std::sort(state.gate.policy.markers.begin(), state.gate.policy.markers.end());
    for (auto& version : state.gate.versions) std::sort(version.second.goodPaths.begin(), version.second.goodPaths.end());
    return stores::encodeBody(state);
}

QuotaState merged(const QuotaState& a, const QuotaState& b)
{
    QuotaState result = a;
    stores::mergeStates(result, b);
    return result;
}

/// Two processes that knew the same and then lost sight of each other. Each draws its permits from its own range.
struct Islands
{
    Setting setting;
    QuotaState base, left, right;
    TimePoint now;

    explicit Islands(bool hints)
    {
        now = live(setting, base, anySteps(), start, hints);
        left = right = base;
        right.lastPermit += 1'000'000;
        const TimePoint leftEnd = live(setting, left, anySteps(), now, hints);
        const TimePoint rightEnd = live(setting, right, anySteps(), now, hints);
        now = std::max(leftEnd, rightEnd);
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(StoreProperties)

// P8
RC_BOOST_PROP(what_is_kept_comes_back_as_it_was, ())
{
    const Setting setting;
    QuotaState state;
    const TimePoint now = live(setting, state, anySteps(), start);
    const std::string body = stores::encodeBody(state);
    QuotaState back = stores::decodeBody(body);
    RC_ASSERT(stores::encodeBody(back) == body);
    // Not only the bytes: every decision, too.
    RC_ASSERT(back.lastPermit == state.lastPermit);
    RC_ASSERT(back.limits.size() == state.limits.size());
    for (const RateLimitPolicyPtr& limit : setting.limits) {
        if (state.limits.count(limit->id()) == 0) continue;
        for (const Duration later : {0ns, Duration(1ns), Duration(1s), Duration(11s), Duration(1min)})
            for (const unsigned weight : {1U, 4U})
                RC_ASSERT(limit->decide(state.limits.at(limit->id()), now + later, weight, 0) ==
                          limit->decide(back.limits.at(limit->id()), now + later, weight, 0));
    }
    for (const char* version : {"v0", "v1", "v2", "v3"}) {
        for (const Duration later : {0ns, Duration(2s), Duration(16min), Duration(10h)}) {
            const limits::GateAnswer before = limits::gateAsks(state.gate, version, now + later);
            const limits::GateAnswer after = limits::gateAsks(back.gate, version, now + later);
            RC_ASSERT(before.kind == after.kind);
            RC_ASSERT(before.wait == after.wait);
        }
    }
}

RC_BOOST_PROP(damaged_bytes_are_a_clear_failure, ())
{
    QuotaState state;
    live(Setting(), state, anySteps(), start);
    std::string body = stores::encodeBody(state);
    const auto flips = *rc::gen::container<std::vector<std::pair<std::size_t, char>>>(
        rc::gen::pair(rc::gen::inRange<std::size_t>(0, body.size() + 1), rc::gen::arbitrary<char>()));
    for (const auto& [at, byte] : flips) {
        if (at >= body.size())
            body.resize(body.size() * 2 / 3);
        else
            body[at] = byte;
    }
    try {
        (void)stores::decodeBody(body); // some other state, or
    } catch (const stores::SpoiledDocument&) {
        RC_SUCCEED("said so");
    }
}

// P9
RC_BOOST_PROP(a_merge_is_commutative_and_idempotent, ())
{
    const Islands islands(true);
    const QuotaState once = merged(islands.left, islands.right);
    RC_ASSERT(canonical(once) == canonical(merged(islands.right, islands.left)));
    RC_ASSERT(canonical(merged(once, islands.right)) == canonical(once));
    RC_ASSERT(canonical(merged(once, islands.left)) == canonical(once));
    RC_ASSERT(canonical(merged(islands.left, islands.left)) == canonical(islands.left));
}

RC_BOOST_PROP(a_merge_is_as_careful_as_either, ())
{
    // The server's own words are another matter: of two, the newer one holds.
    const Islands islands(false);
    const QuotaState once = merged(islands.left, islands.right);
    const auto wait = [](const QuotaState& state, const RateLimitPolicyPtr& limit, TimePoint now) {
        LimitState one = state.limits.at(limit->id());
        limit->tidy(one, now); // what lapsed is known to have lapsed
        return limit->decide(one, now, 1, 0);
    };
    for (const RateLimitPolicyPtr& limit : islands.setting.limits) {
        for (const QuotaState* one : {&islands.left, &islands.right}) {
            if (one->limits.count(limit->id()) == 0) continue;
            for (const Duration later : {0ns, Duration(1s), Duration(5s), Duration(11s)})
                RC_ASSERT(wait(once, limit, islands.now + later) >= wait(*one, limit, islands.now + later));
        }
    }
    for (const QuotaState* one : {&islands.left, &islands.right})
        if (one->gate.lockedUntil && *one->gate.lockedUntil > islands.now)
            RC_ASSERT(limits::gateAsks(once.gate, "v0", islands.now).kind == limits::GateAnswer::Kind::Locked);
}

BOOST_AUTO_TEST_SUITE_END()
