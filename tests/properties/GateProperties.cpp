// What holds at an account's gate after any history: P10 of docs/limits.md. The model keeps its own books of what is in flight.

#include "limits/Gate.h"

#include <rapidcheck/boost_test.h>

#include <algorithm>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

using namespace tollgate;
using namespace std::chrono_literals;
using limits::GateAnswer;

namespace {

struct Step
{
    enum class Kind
    {
        Ask,
        Land
    };
    Duration pause{};
    Kind kind{};
    unsigned version = 0; ///< Ask
    unsigned which = 0;   ///< Land: of those in flight
    int status = 0;       ///< Land; 0: no answer
    bool marked = false;  ///< Land: says that the account is locked
    unsigned wait = 0;    ///< Land: seconds of Retry-After; 0: none
};

std::ostream& operator<<(std::ostream& stream, const Step& step)
{
    stream << "\n  +" << std::chrono::duration<double>(step.pause).count() << " s: ";
    if (step.kind == Step::Kind::Ask) return stream << "ask, version " << step.version;
    return stream << "#" << step.which << " answered " << step.status << (step.marked ? " marked" : "") << " retry after "
                  << step.wait;
}

rc::Gen<Step> steps()
{
    return rc::gen::build<Step>(
        rc::gen::set(&Step::pause, rc::gen::element<Duration>(0s, 0s, 0s, 1s, 2s, 3s, 20s, 1min, 5min, 10min, 16min, 1h)),
        rc::gen::set(&Step::kind, rc::gen::element(Step::Kind::Ask, Step::Kind::Ask, Step::Kind::Land)),
        rc::gen::set(&Step::version, rc::gen::inRange(0U, 3U)), rc::gen::set(&Step::which, rc::gen::inRange(0U, 6U)),
        rc::gen::set(&Step::status, rc::gen::element(200, 200, 200, 401, 401, 403, 403, 404, 429, 500, 0)),
        rc::gen::set(&Step::marked, rc::gen::map(rc::gen::inRange(0, 6), [](int number) { return number == 0; })),
        rc::gen::set(&Step::wait, rc::gen::element(0U, 0U, 0U, 30U, 900U)));
}

rc::Gen<LockoutPolicy> policies()
{
    return rc::gen::element(lockout(), lockout().strictly(), lockout().atOnce(1), lockout().atOnce(0), lockout().freshFor(5min),
                            lockout().lasting(1min), LockoutPolicy());
}

struct Flight
{
    PermitId permit;
    std::string version;
    GateAnswer::Kind kind;
    TimePoint lapse;
};

} // namespace

namespace tollgate {

std::ostream& operator<<(std::ostream& stream, const LockoutPolicy& policy)
{
    return stream << (policy.declared ? "lockout" : "none") << (policy.strict ? " strict" : "") << ", " << policy.inFlight
                  << " in flight, fresh for " << policy.fresh.count() << ", lock for " << policy.lockFor.count();
}

} // namespace tollgate

BOOST_AUTO_TEST_SUITE(GateProperties)

// P10
RC_BOOST_PROP(nothing_goes_while_locked_one_probe_one_canary_and_no_more_than_the_cap, ())
{
    const LockoutPolicy policy = *policies();
    const auto story = *rc::gen::container<std::vector<Step>>(steps());
    constexpr Duration patience = 30min; // longer than the usual pause, shorter than the longest

    GateState gate;
    limits::gateDeclares(gate, policy);
    TimePoint now(1000h);
    PermitId last = 0;
    std::vector<Flight> flights;
    std::map<std::string, TimePoint> rejectedAt;
    std::map<std::string, TimePoint> goodAt;
    std::optional<TimePoint> lastRejection;
    PermitId rejectedPermit = 0;

    for (const Step& step : story) {
        now += step.pause;
        flights.erase(std::remove_if(flights.begin(), flights.end(), [now](const Flight& one) { return one.lapse <= now; }),
                      flights.end());
        if (step.kind == Step::Kind::Land) {
            if (flights.empty()) continue;
            const auto at = flights.begin() + static_cast<std::ptrdiff_t>(step.which % flights.size());
            const Flight flight = *at;
            flights.erase(at);
            if (step.status == 0) {
                limits::gateAbandoned(gate, flight.version, flight.permit, now);
                continue;
            }
            ServerAnswer answer;
            answer.status = step.status;
            answer.saysLocked = step.marked && (step.status == 403 || step.status == 429);
            if (step.wait > 0) answer.hint.retryAfter = std::chrono::seconds(step.wait);
            const limits::GateVerdict verdict =
                limits::gateAnswered(gate, flight.version, flight.permit, answer, step.which, now);
            if (step.status == 401) {
                lastRejection = now;
                rejectedPermit = std::max(rejectedPermit, flight.permit);
                rejectedAt[flight.version] = now;
                goodAt.erase(flight.version);
            }
            if (step.status == 200 || step.status == 404) { // both only with a good credential
                goodAt[flight.version] = now;
                if (flight.permit > rejectedPermit) lastRejection.reset(); // servers forgive after a success
            }
            if (verdict == limits::GateVerdict::Locked) {
                // What is known to be locked is shut at once, and for as long as the server said.
                RC_ASSERT(gate.lockedUntil.has_value());
                RC_ASSERT(*gate.lockedUntil > now);
            }
            if (answer.saysLocked && policy.declared) RC_ASSERT(verdict == limits::GateVerdict::Locked);
            continue;
        }

        const std::string version = "v" + std::to_string(step.version);
        const GateAnswer answer = limits::gateAsks(gate, version, now);
        const bool goes = answer.kind == GateAnswer::Kind::Open || answer.kind == GateAnswer::Kind::Canary ||
                          answer.kind == GateAnswer::Kind::Probe;
        if (!goes) {
            if (answer.wait) RC_ASSERT(*answer.wait > 0s);
            if (answer.kind == GateAnswer::Kind::Busy) RC_ASSERT(answer.wait.has_value()); // else one could wait for ever
            continue;
        }
        RC_ASSERT(!(gate.lockedUntil && now < *gate.lockedUntil));
        unsigned probes = 0, canaries = 0;
        for (const Flight& flight : flights) {
            probes += flight.kind == GateAnswer::Kind::Probe ? 1U : 0U;
            canaries += flight.kind == GateAnswer::Kind::Canary && flight.version == version ? 1U : 0U;
        }
        if (gate.lockedUntil) RC_ASSERT(answer.kind == GateAnswer::Kind::Probe); // half open: nobody else
        if (answer.kind == GateAnswer::Kind::Probe) RC_ASSERT(probes == 0U);
        if (answer.kind == GateAnswer::Kind::Canary) RC_ASSERT(canaries == 0U);
        const auto rejected = rejectedAt.find(version);
        const auto good = goodAt.find(version);
        if (policy.declared && rejected != rejectedAt.end() && good == goodAt.end()) {
            RC_ASSERT(!policy.strict);
            RC_ASSERT(answer.kind != GateAnswer::Kind::Open);
            RC_ASSERT(now - rejected->second >= 15min);
        }
        if (policy.declared && answer.kind == GateAnswer::Kind::Canary && lastRejection) RC_ASSERT(now - *lastRejection >= 2s);
        const bool fresh = policy.fresh > 0s && good != goodAt.end() && now - good->second < policy.fresh;
        if (policy.inFlight > 0 && !fresh && answer.kind != GateAnswer::Kind::Probe) RC_ASSERT(flights.size() < policy.inFlight);

        const TimePoint lapse = now + patience;
        limits::gatePasses(gate, answer, version, ++last, now, lapse);
        flights.push_back({last, version, answer.kind, lapse});
    }
}

// However it came to it, somebody may go again some day, but a credential that strict rules keep out.
RC_BOOST_PROP(an_account_never_stays_shut_for_ever, ())
{
    const LockoutPolicy policy = *policies();
    const auto story = *rc::gen::container<std::vector<Step>>(steps());
    GateState gate;
    limits::gateDeclares(gate, policy);
    TimePoint now(1000h);
    PermitId last = 0;
    std::vector<Flight> flights;
    for (const Step& step : story) {
        now += step.pause;
        const std::string version = "v" + std::to_string(step.version);
        if (step.kind == Step::Kind::Land && !flights.empty()) {
            const Flight flight = flights.back();
            flights.pop_back();
            ServerAnswer answer;
            answer.status = step.status;
            if (step.wait > 0) answer.hint.retryAfter = std::chrono::seconds(step.wait);
            if (step.status == 0)
                limits::gateAbandoned(gate, flight.version, flight.permit, now);
            else
                limits::gateAnswered(gate, flight.version, flight.permit, answer, 1, now);
            continue;
        }
        const GateAnswer answer = limits::gateAsks(gate, version, now);
        if (answer.kind != GateAnswer::Kind::Open && answer.kind != GateAnswer::Kind::Canary &&
            answer.kind != GateAnswer::Kind::Probe)
            continue;
        limits::gatePasses(gate, answer, version, ++last, now, now + 1min);
        flights.push_back({last, version, answer.kind, now + 1min});
    }
    // Nobody reports any more; a new version is tried as soon as it is told that it may.
    for (int i = 0; i < 20; ++i) {
        const GateAnswer answer = limits::gateAsks(gate, "new", now);
        if (answer.kind == GateAnswer::Kind::Canary || answer.kind == GateAnswer::Kind::Probe ||
            answer.kind == GateAnswer::Kind::Open)
            return;
        RC_ASSERT(answer.wait.has_value());
        RC_ASSERT(*answer.wait > 0s);
        now += *answer.wait;
    }
    RC_FAIL("still shut");
}

BOOST_AUTO_TEST_SUITE_END()
