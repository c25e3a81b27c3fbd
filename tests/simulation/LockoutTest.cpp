// Never a lockout by our fault: a credential is revoked while requests are in flight, and two more a second want to go. Five
// kinds of server; the table is the one of docs/limits.md.

#include "simulation/LockoutServers.h"
#include "simulation/Simulation.h"

#include "limits/Admission.h"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <iomanip>
#include <optional>
#include <queue>
#include <sstream>

using namespace tollgate;
using namespace tollgate::simulation;
using namespace std::chrono_literals;

namespace {

struct Story
{
    LockoutServerPtr (*server)() = githubLike;
    unsigned inFlight = 3;
    LockoutPolicy policy = lockout();
    Nanos newKeyAt = 10 * minute;
    Nanos end = hour;
    Nanos slowest = 250 * millisecond; ///< one way
    std::uint64_t seed = 1;
};

struct Ending
{
    unsigned locks = 0;
    unsigned bad = 0;              ///< attempts with the revoked key that the server saw
    unsigned whileLocked = 0;      ///< attempts that it saw while it was locked
    unsigned sentKnowingly = 0;    ///< of them, those that were sent after the client had seen both a 401 and a 403
    std::optional<Nanos> recovery; ///< from the new key or the end of the lock, whichever is later, to the first good answer
    Nanos lockLasted = 0;
    bool lockKnown = false; ///< a 403 told of it before the new key came
    Nanos roundTrip = 0;
};

/// Warm from a minute before the revocation at 0. Those who may not go at once because a request in flight will tell wait; those
/// who are told that the credential is bad or the account locked give up, as callers of the library do.
class Play
{
public:
    explicit Play(const Story& story) : _story(story), _server(story.server()), _random(story.seed) {}

    Ending operator()()
    {
        for (Nanos at = -minute; at < _story.end; at += second / 2) _events.push({at, Event::Kind::Offer, 0});
        // A crowd just before the revocation, so that as many are in flight as may be.
        for (unsigned i = 0; i < 4 * _story.inFlight; ++i) _events.push({-10 * millisecond, Event::Kind::Offer, 0});
        while (!_events.empty()) {
            const Event event = _events.top();
            _events.pop();
            _now = event.at;
            handle(event);
        }
        _ending.locks = _server->locks();
        _ending.bad = _server->bad();
        _ending.whileLocked = _server->whileLocked();
        _ending.roundTrip = 2 * _story.slowest;
        simulation::count(_flights.size());
        return _ending;
    }

private:
    struct Flight
    {
        PermitId permit;
        const std::string* version;
        Nanos sentAt;
        int status;
    };
    struct Event
    {
        enum class Kind
        {
            Offer,
            Ask,
            Arrival,
            Answer
        };
        Nanos at;
        Kind kind;
        std::size_t flight;
        bool operator<(const Event& other) const { return at > other.at; }
    };

    TimePoint shown() const { return TimePoint(1000h) + Duration(_now); }
    limits::Ask askOf(const std::string& version) const { return {_limits, _story.policy, version, 1, 0, 30s, 1, {}}; }

    void handle(const Event& event)
    {
        switch (event.kind) {
        case Event::Kind::Offer: ++_waiting; break;
        case Event::Kind::Ask: break;
        case Event::Kind::Arrival: arrive(_flights[event.flight]); return;
        case Event::Kind::Answer: settle(_flights[event.flight]); break;
        }
        ask();
    }

    void ask()
    {
        while (_waiting > 0) {
            const std::string& version = _now < _story.newKeyAt ? _old : _new;
            const limits::Admission admission = limits::admit(_state, askOf(version), shown());
            if (admission.kind == limits::Admission::Kind::Busy || admission.kind == limits::Admission::Kind::Wait) {
                _events.push({_now + std::min<Nanos>(admission.wait.value_or(500ms).count(), second / 2), Event::Kind::Ask, 0});
                return;
            }
            --_waiting;
            if (admission.kind == limits::Admission::Kind::Granted) send(admission.permit, version);
        }
    }

    void send(PermitId permit, const std::string& version)
    {
        if (_now >= 0 && _now < _server->lockedUntil() && _forbiddenSeen && _rejectionSeen) ++_ending.sentKnowingly;
        const Nanos there = _random.between(_story.slowest / 5, _story.slowest);
        const Nanos back = _random.between(_story.slowest / 5, _story.slowest);
        _flights.push_back({permit, &version, _now, 0});
        _events.push({_now + there, Event::Kind::Arrival, _flights.size() - 1});
        _events.push({_now + there + back, Event::Kind::Answer, _flights.size() - 1});
    }

    void arrive(Flight& flight)
    {
        const bool good = _now < 0 || flight.version == &_new;
        flight.status = _server->answer(_now, good);
        if (_server->locks() > 0) _ending.lockLasted = std::max(_ending.lockLasted, _server->lockedUntil());
    }

    void settle(const Flight& flight)
    {
        _forbiddenSeen = _forbiddenSeen || flight.status == 403;
        _ending.lockKnown = _ending.lockKnown || (flight.status == 403 && _now < _story.newKeyAt);
        _rejectionSeen = _rejectionSeen || flight.status == 401;
        limits::settleAnswered(_state, askOf(*flight.version), flight.permit, {flight.status, {}, false}, shown());
        if (flight.status == 200 && flight.version == &_new && !_ending.recovery)
            _ending.recovery = _now - std::max(_story.newKeyAt, _server->lockedUntil());
    }

    Story _story;
    LockoutServerPtr _server;
    Random _random;
    std::priority_queue<Event> _events;
    std::deque<Flight> _flights;
    Nanos _now = 0;
    unsigned _waiting = 0;
    bool _forbiddenSeen = false;
    bool _rejectionSeen = false;
    const std::string _old = "old", _new = "new";
    const std::vector<RateLimitPolicyPtr> _limits;
    QuotaState _state;
    Ending _ending;
};

Ending play(const Story& story) { return Play(story)(); }

std::string nameOf(const Story& story) { return story.server()->name() + ", " + std::to_string(story.inFlight) + " in flight"; }

void tell(const Story& story, const Ending& ending)
{
    std::ostringstream recovery;
    recovery << std::fixed << std::setprecision(2);
    if (ending.recovery)
        recovery << "recovery " << static_cast<double>(*ending.recovery) / second << " s";
    else
        recovery << "no new key";
    BOOST_TEST_MESSAGE(std::left << std::setw(26) << nameOf(story) << std::right << ending.locks << " locks, " << std::setw(2)
                                 << ending.bad << " bad attempts, " << ending.whileLocked << " attempts while locked, "
                                 << recovery.str());
}

/// Lockout rules as they come, with so many at once.
Story storyOf(LockoutServerPtr (*server)(), unsigned inFlight)
{
    Story story;
    story.server = server;
    story.inFlight = inFlight;
    story.policy = lockout().atOnce(inFlight);
    return story;
}

} // namespace

BOOST_AUTO_TEST_SUITE(LockoutTest)

BOOST_AUTO_TEST_CASE(the_servers_lock_those_who_go_on)
{
    const auto attempts = [](const LockoutServerPtr& server, Nanos gap) {
        for (Nanos at = 0; at < hour; at += gap) server->answer(at, false);
        return server->locks();
    };
    BOOST_TEST(attempts(githubLike(), 500 * millisecond) >= 11U);
    BOOST_TEST(attempts(extending(), 500 * millisecond) == 1U); // it never ends
    BOOST_TEST(attempts(vaultLike(), 500 * millisecond) == 4U);
    BOOST_TEST(attempts(keycloakLike(), 500 * millisecond) >= 50U);
    BOOST_TEST(attempts(keycloakLike(), 2 * second) == 0U);
    BOOST_TEST(attempts(entraLike(), 500 * millisecond) == 6U); // 1 + 2 + 4 + 8 + 16 minutes, then 32
}

BOOST_AUTO_TEST_CASE(a_revoked_key_costs_what_was_in_flight)
{
    struct Row
    {
        LockoutServerPtr (*server)();
        unsigned inFlight;
        unsigned locks;
    };
    for (const Row& row : {Row{githubLike, 3, 0}, Row{githubLike, 4, 0}, Row{githubLike, 8, 1}, Row{extending, 3, 0},
                           Row{extending, 8, 1}, Row{vaultLike, 4, 0}, Row{vaultLike, 8, 1}, Row{keycloakLike, 1, 0},
                           Row{keycloakLike, 4, 1}, Row{entraLike, 4, 0}, Row{entraLike, 12, 1}})
    {
        for (std::uint64_t seed = 1; seed <= scaled(20); ++seed) {
            Story story = storyOf(row.server, row.inFlight);
            story.seed = seed;
            if (row.server == vaultLike) story.policy = story.policy.lasting(15min); // it says nowhere how long
            const Ending ending = play(story);
            if (seed == 1) tell(story, ending);
            const std::string name = nameOf(story) + ", seed " + std::to_string(seed);
            BOOST_TEST(ending.locks <= row.locks, name << ": " << ending.locks << " locks");
            BOOST_TEST(ending.bad <= row.inFlight + 1, name << ": " << ending.bad << " bad attempts");
            BOOST_TEST(ending.bad >= 1U, name);
            BOOST_TEST(ending.sentKnowingly == 0U, name);
            BOOST_REQUIRE_MESSAGE(ending.recovery, name << ": no recovery");
            BOOST_TEST(*ending.recovery <= story.newKeyAt / 10 + ending.roundTrip,
                       name << ": " << *ending.recovery / second << " s");
            // No lock is left at 10 minutes but Vault's, so nobody waits for more than the canary's round trip and the next
            // offer.
            if (ending.locks == 0) BOOST_TEST(*ending.recovery <= ending.roundTrip + second, name);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_good_new_key_is_kept_back_while_the_lock_lasts)
{
    struct Row
    {
        LockoutServerPtr (*server)();
        unsigned inFlight;
        Duration lockFor;
    };
    for (const Row& row : {Row{githubLike, 8, 5min}, Row{extending, 8, 5min}, Row{vaultLike, 8, 15min}, Row{vaultLike, 8, 5min},
                           Row{entraLike, 13, 1min}})
    {
        for (std::uint64_t seed = 1; seed <= scaled(40); ++seed) {
            for (const Nanos slowest : {250 * millisecond, 3 * second}) {
                Story story = storyOf(row.server, row.inFlight);
                story.policy = story.policy.lasting(row.lockFor);
                story.newKeyAt = 20 * second;
                story.seed = seed;
                story.slowest = slowest;
                const Ending ending = play(story);
                if (seed == 1) tell(story, ending);
                const std::string name = nameOf(story) + ", seed " + std::to_string(seed) + ", " + std::to_string(slowest);
                BOOST_TEST(ending.locks == 1U, name << ": " << ending.locks << " locks");
                BOOST_TEST(ending.bad <= row.inFlight + 1, name << ": " << ending.bad << " bad attempts");
                // Only probes go, when the lock is thought to be over: one, or one more where it lasts longer than one thinks.
                const unsigned probes = row.server == vaultLike && row.lockFor == 5min ? 2U : 0U;
                BOOST_TEST(ending.sentKnowingly <= probes, name << ": " << ending.sentKnowingly << " sent while locked");
                BOOST_REQUIRE_MESSAGE(ending.recovery, name << ": no recovery");
                // Where the last 401 locked, no answer told of it: the new key finds out, and waits as long as a lock is thought
                // to last.
                const Nanos unknown = ending.lockKnown ? 0 : story.newKeyAt + ending.roundTrip;
                BOOST_TEST(*ending.recovery <= ending.lockLasted / 10 + ending.roundTrip + unknown,
                           name << ": " << *ending.recovery / second << " s after the lock");
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(without_a_new_key_a_canary_now_and_then_locks_nobody)
{
    for (auto* server : {githubLike, extending, vaultLike, entraLike}) {
        Story story = storyOf(server, 3);
        story.newKeyAt = 100 * hour;
        story.end = 12 * hour;
        const Ending ending = play(story);
        tell(story, ending);
        BOOST_TEST(ending.locks == 0U, nameOf(story));
        BOOST_TEST(ending.bad == 3U + 5, nameOf(story) << ": " << ending.bad); // after 15 minutes, 30 more, 1 h, 2 h, 4 h
    }
}

BOOST_AUTO_TEST_CASE(strictly_means_never_again)
{
    for (auto* server : {githubLike, extending, vaultLike, entraLike, keycloakLike}) {
        Story story = storyOf(server, 1);
        story.policy = lockout().strictly();
        story.newKeyAt = 100 * hour;
        story.end = 24 * hour;
        const Ending ending = play(story);
        BOOST_TEST(ending.locks == 0U, nameOf(story));
        BOOST_TEST(ending.bad == 1U, nameOf(story) << ": " << ending.bad);
    }
}

BOOST_AUTO_TEST_SUITE_END()
