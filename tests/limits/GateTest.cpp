#include "limits/Gate.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace tollgate;
using namespace tollgate::limits;
using namespace std::chrono_literals;

namespace {

using Kind = GateAnswer::Kind;
using Is = GateVerdict;

struct Fixture
{
    GateState gate;
    TimePoint now{std::chrono::hours(1000)};
    PermitId last = 0;

    Fixture() { gateDeclares(gate, lockout()); }

    Kind ask(const std::string& version) const { return gateAsks(gate, version, now).kind; }
    std::optional<Duration> wait(const std::string& version) const { return gateAsks(gate, version, now).wait; }
    PermitId send(const std::string& version)
    {
        gatePasses(gate, gateAsks(gate, version, now), version, ++last, now, now + 65s);
        return last;
    }
    GateVerdict answer(const std::string& version, PermitId permit, int status, const char* retryAfter = nullptr)
    {
        ServerAnswer said;
        said.status = status;
        if (retryAfter) said.hint.retryAfter = std::chrono::seconds(std::stoi(retryAfter));
        return gateAnswered(gate, version, permit, said, path, now);
    }
    std::uint32_t path = 1;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(GateTest, Fixture)

BOOST_AUTO_TEST_CASE(a_new_version_goes_out_as_one_canary)
{
    BOOST_TEST((ask("k1") == Kind::Canary));
    const PermitId canary = send("k1");
    BOOST_TEST((ask("k1") == Kind::Busy));
    BOOST_TEST(gateWaitsFor(gate, "k1", canary));
    BOOST_TEST((answer("k1", canary, 200) == Is::Fine));
    BOOST_TEST((ask("k1") == Kind::Open));
    BOOST_TEST((ask("k2") == Kind::Canary));
}

BOOST_AUTO_TEST_CASE(a_canary_that_came_back_without_an_answer_is_replaced)
{
    const PermitId canary = send("k1");
    gateAbandoned(gate, "k1", canary, now);
    BOOST_TEST((ask("k1") == Kind::Canary));
    const PermitId second = send("k1");
    BOOST_TEST((answer("k1", second, 503) == Is::Fine)); // says nothing about the credential
    BOOST_TEST((ask("k1") == Kind::Canary));
}

BOOST_AUTO_TEST_CASE(without_lockout_nobody_waits_for_a_canary)
{
    gate.policy = LockoutPolicy();
    BOOST_TEST((ask("k1") == Kind::Open));
    send("k1");
    BOOST_TEST((ask("k1") == Kind::Open));
}

BOOST_AUTO_TEST_CASE(the_first_401_condemns_the_version_and_no_other)
{
    answer("good", send("good"), 200);
    BOOST_TEST((answer("bad", send("bad"), 401) == Is::Rejected));
    BOOST_TEST((ask("bad") == Kind::Rejected));
    BOOST_TEST((*wait("bad") == 15min));
    BOOST_TEST((ask("good") == Kind::Open));
    BOOST_TEST((ask("fresh") == Kind::Busy)); // some servers lock on two failures in a second
    BOOST_TEST((*wait("fresh") == 2s));
    now += 2s;
    BOOST_TEST((ask("fresh") == Kind::Canary));
}

BOOST_AUTO_TEST_CASE(a_condemned_version_is_tried_again_after_a_quiet_time_that_doubles)
{
    gate.policy.tolerance = 100;
    answer("k", send("k"), 401);
    for (const auto quiet : {15min, 30min, 60min, 120min, 240min, 360min, 360min}) {
        BOOST_TEST((*wait("k") == quiet));
        now += quiet - 1ns;
        BOOST_TEST((ask("k") == Kind::Rejected));
        now += 1ns;
        BOOST_TEST((ask("k") == Kind::Canary));
        const PermitId canary = send("k");
        BOOST_TEST((ask("k") == Kind::Busy));
        answer("k", canary, 401);
    }
    now += 360min;
    answer("k", send("k"), 200);
    BOOST_TEST((ask("k") == Kind::Open));
}

BOOST_AUTO_TEST_CASE(strict_never_tries_it_again)
{
    gateDeclares(gate, lockout().strictly());
    answer("k", send("k"), 401);
    now += std::chrono::hours(24 * 365);
    BOOST_TEST((ask("k") == Kind::Rejected));
    BOOST_TEST(!wait("k").has_value());
}

BOOST_AUTO_TEST_CASE(stragglers_of_one_revocation_are_one_strike_and_an_old_200_does_not_acquit)
{
    answer("k", send("k"), 200);
    const PermitId a = send("k"), b = send("k"), c = send("k");
    answer("k", a, 401);
    answer("k", b, 401);
    BOOST_TEST((*wait("k") == 15min));
    answer("k", c, 200);
    BOOST_TEST((ask("k") == Kind::Rejected));
}

BOOST_AUTO_TEST_CASE(a_403_after_a_401_locks_the_account_for_every_version)
{
    answer("good", send("good"), 200);
    answer("bad", send("bad"), 401);
    now += 1min;
    BOOST_TEST((answer("good", send("good"), 403) == Is::Locked));
    for (const char* version : {"good", "bad", "new"}) BOOST_TEST((ask(version) == Kind::Locked));
    BOOST_TEST((*wait("good") == 5min));
    BOOST_TEST(!gate.cause.empty());
}

BOOST_AUTO_TEST_CASE(a_403_without_suspicion_is_a_matter_of_permission)
{
    answer("k", send("k"), 200);
    BOOST_TEST((answer("k", send("k"), 403) == Is::Fine));
    BOOST_TEST((ask("k") == Kind::Open));
    answer("bad", send("bad"), 401);
    now += 16min; // the suspicion has gone
    BOOST_TEST((answer("k", send("k"), 403) == Is::Fine));
    gate.policy = LockoutPolicy();
    answer("bad2", send("bad2"), 401);
    BOOST_TEST((answer("k", send("k"), 403) == Is::Fine)); // nobody said that this server locks
}

BOOST_AUTO_TEST_CASE(after_the_lock_one_probe_goes_and_the_others_wait_for_it)
{
    answer("k", send("k"), 200);
    answer("bad", send("bad"), 401);
    answer("k", send("k"), 403);
    now += 5min;
    BOOST_TEST((ask("k") == Kind::Probe));
    const PermitId probe = send("k");
    BOOST_TEST((ask("k") == Kind::Busy));
    BOOST_TEST((ask("new") == Kind::Busy));
    BOOST_TEST((ask("bad") == Kind::Rejected)); // a bad version is no probe
    answer("k", probe, 200);
    BOOST_TEST((ask("k") == Kind::Open));
    BOOST_TEST(!gate.lockedUntil.has_value());
    BOOST_TEST(!gate.lastRejected.has_value());
}

BOOST_AUTO_TEST_CASE(a_lock_that_goes_on_is_waited_for_twice_as_long_and_a_hint_wins)
{
    answer("k", send("k"), 200);
    answer("bad", send("bad"), 401);
    answer("k", send("k"), 403);
    now += 5min;
    BOOST_TEST((answer("k", send("k"), 403) == Is::Locked));
    BOOST_TEST((*wait("k") == 10min));
    now += 10min;
    BOOST_TEST((answer("k", send("k"), 403, "90") == Is::Locked));
    BOOST_TEST((*wait("k") == 90s));
}

BOOST_AUTO_TEST_CASE(stragglers_of_one_lock_count_as_attempts_and_not_as_further_locks)
{
    answer("k", send("k"), 200);
    const PermitId a = send("k"), b = send("k");
    answer("bad", send("bad"), 401);
    answer("k", a, 403);
    now += 3s;
    answer("k", b, 403); // it may have prolonged the lock, as some servers do
    BOOST_TEST((*wait("k") == 5min));
    BOOST_TEST(gate.locks == 1U);
    // And an old success does not open it.
    answer("k", send("k"), 200);
    BOOST_TEST((ask("k") == Kind::Locked));
}

BOOST_AUTO_TEST_CASE(a_probe_that_finds_nothing_out_is_replaced_a_little_later_each_time)
{
    answer("k", send("k"), 200);
    answer("bad", send("bad"), 401);
    answer("k", send("k"), 403);
    now += 5min;
    gateAbandoned(gate, "k", send("k"), now);
    for (const auto pause : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
        BOOST_TEST((ask("k") == Kind::Locked));
        BOOST_TEST((*wait("k") == pause));
        now += pause;
        BOOST_TEST((ask("k") == Kind::Probe));
        answer("k", send("k"), 503);
    }
    now += 60s;
    answer("k", send("k"), 200);
    BOOST_TEST((ask("k") == Kind::Open));
}

BOOST_AUTO_TEST_CASE(a_lock_lasts_a_second_whatever_the_hint)
{
    answer("bad", send("bad"), 401);
    answer("k", send("k"), 403, "0");
    BOOST_TEST((*wait("k") == 1s));
}

BOOST_AUTO_TEST_CASE(three_bad_credentials_in_a_row_and_the_account_is_left_alone)
{
    for (const char* version : {"bad1", "bad2", "bad3"}) {
        BOOST_TEST((ask(version) == Kind::Canary));
        answer(version, send(version), 401);
        now += 10s;
    }
    BOOST_TEST((ask("bad4") == Kind::Locked));
    BOOST_TEST((*wait("bad4") == 15min - 10s));
    now += 15min;
    BOOST_TEST((ask("good") == Kind::Probe));
    answer("good", send("good"), 200);
    BOOST_TEST((ask("other") == Kind::Canary));
}

BOOST_AUTO_TEST_CASE(an_answer_to_an_older_request_does_not_lift_the_suspicion)
{
    answer("k", send("k"), 200);
    const PermitId older = send("k");
    answer("bad", send("bad"), 401);
    answer("k", older, 200);
    BOOST_TEST((answer("k", send("k"), 403) == Is::Locked));
    GateState fresh;
    gate = fresh;
    gateDeclares(gate, lockout());
    answer("bad", send("bad"), 401);
    answer("k", send("k"), 200);
    BOOST_TEST((answer("k", send("k"), 403) == Is::Fine));
}

BOOST_AUTO_TEST_CASE(a_spent_quota_is_no_lock)
{
    answer("bad", send("bad"), 401);
    now += 2s;
    ServerAnswer said;
    said.status = 403;
    said.hint.quotas.push_back({"", 100, 0, 60s, {}});
    BOOST_TEST((gateAnswered(gate, "k", send("k"), said, path, now) == Is::Fine));
    BOOST_TEST((ask("k") == Kind::Canary));
}

BOOST_AUTO_TEST_CASE(the_strictest_rules_hold_for_all_clients_of_an_account)
{
    gateDeclares(gate, LockoutPolicy()); // one without lockout() changes nothing
    answer("bad", send("bad"), 401);
    BOOST_TEST((*wait("bad") == 15min));
    gateDeclares(gate, lockout().strictly().lasting(20min));
    gateDeclares(gate, lockout());
    BOOST_TEST(!wait("bad").has_value());
    answer("k", send("k"), 403);
    BOOST_TEST((*wait("k") == 20min));
}

BOOST_AUTO_TEST_CASE(short_lived_tokens_are_forgotten)
{
    for (int i = 0; i < 1000; ++i) {
        const std::string version = "token" + std::to_string(i);
        answer(version, send(version), 200);
    }
    BOOST_TEST(gate.versions.size() <= 65U);
}

BOOST_DATA_TEST_CASE(only_answers_that_need_a_credential_prove_it,
                     boost::unit_test::data::make({200, 204, 302, 400, 404, 409, 422}) ^
                         boost::unit_test::data::make({1, 2, 3, 4, 5, 6, 7}),
                     status, index)
{
    (void)index;
    answer("k", send("k"), status);
    BOOST_TEST((ask("k") == Kind::Open));
    answer("j", send("j"), 429);
    BOOST_TEST((ask("j") == Kind::Canary));
}

BOOST_AUTO_TEST_CASE(no_more_requests_fly_than_the_cap_allows)
{
    answer("k", send("k"), 200);
    const PermitId first = send("k");
    send("k");
    send("k");
    BOOST_TEST((ask("k") == Kind::Busy));
    BOOST_TEST(gateWaitsFor(gate, "k", first));
    answer("k", first, 200);
    BOOST_TEST((ask("k") == Kind::Open));
}

BOOST_AUTO_TEST_CASE(what_was_never_reported_lapses)
{
    answer("k", send("k"), 200);
    for (int i = 0; i < 3; ++i) send("k");
    BOOST_TEST((ask("k") == Kind::Busy));
    BOOST_TEST((*wait("k") == 65s));
    now += 65s;
    BOOST_TEST((ask("k") == Kind::Open));
    send("new"); // a canary whose process dies
    BOOST_TEST((ask("new") == Kind::Busy));
    now += 65s;
    BOOST_TEST((ask("new") == Kind::Canary));
}

BOOST_AUTO_TEST_CASE(the_cap_is_lifted_while_a_good_answer_is_fresh_if_asked_for)
{
    gate.policy.fresh = 10s;
    answer("k", send("k"), 200);
    for (int i = 0; i < 10; ++i) {
        BOOST_TEST((ask("k") == Kind::Open));
        send("k");
    }
    now += 10s;
    BOOST_TEST((ask("k") == Kind::Busy));
}

BOOST_AUTO_TEST_CASE(a_server_that_names_the_lock_is_believed_at_once)
{
    answer("k", send("k"), 200);
    ServerAnswer said;
    said.status = 403;
    said.saysLocked = true;
    BOOST_TEST((gateAnswered(gate, "k", send("k"), said, path, now) == Is::Locked));
    BOOST_TEST((ask("k") == Kind::Locked));
    gateResets(gate);
    said.status = 429;
    BOOST_TEST((gateAnswered(gate, "k", send("k"), said, path, now) == Is::Locked));
    gateResets(gate);
    gate.policy = LockoutPolicy();
    BOOST_TEST((gateAnswered(gate, "k", send("k"), said, path, now) == Is::Fine));
}

BOOST_AUTO_TEST_CASE(a_403_with_a_wait_and_without_suspicion_is_a_limit)
{
    answer("k", send("k"), 200);
    BOOST_TEST((answer("k", send("k"), 403, "30") == Is::Fine));
    BOOST_TEST((ask("k") == Kind::Open));
}

BOOST_AUTO_TEST_CASE(two_endpoints_that_refuse_what_they_took_before_mean_a_lock)
{
    answer("k", send("k"), 200);
    path = 2;
    answer("k", send("k"), 200);
    BOOST_TEST((answer("k", send("k"), 403) == Is::Fine));
    BOOST_TEST((answer("k", send("k"), 403) == Is::Fine)); // the same endpoint again: a permission
    now += 11s;
    path = 1;
    BOOST_TEST((answer("k", send("k"), 403) == Is::Fine)); // too late to belong together
    path = 2;
    BOOST_TEST((answer("k", send("k"), 403) == Is::Locked));
    gateResets(gate);
    path = 3; // never took it
    BOOST_TEST((answer("k", send("k"), 403) == Is::Fine));
    path = 1;
    BOOST_TEST((answer("k", send("k"), 403) == Is::Fine));
    BOOST_TEST((ask("k") == Kind::Open));
}

BOOST_AUTO_TEST_CASE(a_lock_that_hides_behind_401s_is_waited_out)
{
    gate.policy.hidesLock = true;
    answer("good", send("good"), 200);
    answer("bad", send("bad"), 401);
    answer("good", send("good"), 403);
    now += 5min;
    BOOST_TEST((answer("good", send("good"), 401) == Is::Rejected));
    BOOST_TEST((ask("good") == Kind::Locked));
    BOOST_TEST((*wait("good") == 10min));
    now += 10min;
    BOOST_TEST((ask("good") == Kind::Probe)); // and the version is not condemned
}

BOOST_AUTO_TEST_CASE(a_reset_forgets_lock_and_verdicts)
{
    answer("good", send("good"), 200);
    answer("bad", send("bad"), 401);
    answer("good", send("good"), 403);
    BOOST_TEST((gateStands(gate, now) == GateStanding::Locked));
    gateResets(gate);
    BOOST_TEST((gateStands(gate, now) == GateStanding::Open));
    BOOST_TEST((ask("good") == Kind::Open));
    BOOST_TEST((ask("bad") == Kind::Canary));
}

BOOST_AUTO_TEST_CASE(how_the_account_stands)
{
    BOOST_TEST((gateStands(gate, now) == GateStanding::Open));
    answer("bad", send("bad"), 401);
    BOOST_TEST((gateStands(gate, now) == GateStanding::Suspicious));
    answer("k", send("k"), 403);
    BOOST_TEST((gateStands(gate, now) == GateStanding::Locked));
    now += 5min;
    BOOST_TEST((gateStands(gate, now) == GateStanding::HalfOpen));
    now += 2s;
    answer("k", send("k"), 200);
    BOOST_TEST((gateStands(gate, now) == GateStanding::Open));
}

BOOST_AUTO_TEST_CASE(a_403_that_overtook_the_401_of_the_same_revocation_means_a_lock_after_all)
{
    answer("k", send("k"), 200);
    const PermitId a = send("k"), b = send("k");
    BOOST_TEST((answer("k", b, 403) == Is::Fine));
    now += 3s;
    answer("k", a, 401);
    BOOST_TEST((ask("new") == Kind::Locked));
    gateResets(gate);
    answer("j", send("j"), 200);
    answer("j", send("j"), 403);
    now += 11s;
    answer("j", send("j"), 401);
    now += 2s;
    BOOST_TEST((ask("new") == Kind::Canary));
}

BOOST_AUTO_TEST_SUITE_END()
