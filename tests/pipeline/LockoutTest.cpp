#include "pipeline/Fixture.h"

#include <boost/test/unit_test.hpp>

#include <atomic>

using namespace tollgate;
using namespace tollgate::tests;
using namespace std::chrono_literals;

namespace {

/// A server that locks the account after `tolerance` bad attempts, as seed 003 describes it.
struct LockingServer : Fixture
{
    std::string goodKey = "good-key";
    int tolerance = 5;
    Duration lockFor = 5min;
    int bad = 0;
    int whileLocked = 0;
    TimePoint lockedUntil{};
    std::mutex mutex;

    LockingServer()
    {
        transport->otherwise([this](Exchange& exchange) {
            clock->parker()->park(clock->now() + 50ms);
            const std::lock_guard<std::mutex> lock(mutex);
            ResponseHead head;
            if (clock->now() < lockedUntil) {
                ++whileLocked;
                head.status = 403;
            } else if (exchange.headers.get("Authorization", "") == "Bearer " + goodKey) {
                head.status = 200;
            } else {
                head.status = 401;
                if (++bad >= tolerance) lockedUntil = clock->now() + lockFor;
            }
            return Response(head, std::string());
        });
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(LockoutTest, LockingServer)

BOOST_AUTO_TEST_CASE(the_first_401_stops_everything_with_that_key)
{
    const Client api = to().auth(bearer(Secret("bad-key"))).limit(lockout()).build();
    const auto first = thrown<CredentialRejected>([&] { api.get("/x").send(); });
    BOOST_TEST((first->delivery() == Delivery::Answered));
    BOOST_TEST(first->status() == 401);
    BOOST_TEST(first->nextTry().has_value());
    for (int i = 0; i < 100; ++i) {
        const auto local = thrown<CredentialRejected>([&] { api.get("/x").send(); });
        BOOST_REQUIRE((local->delivery() == Delivery::NotSent));
    }
    BOOST_TEST(bad == 1);
    BOOST_TEST(whileLocked == 0);
}

BOOST_AUTO_TEST_CASE(many_threads_with_a_bad_key_make_one_bad_attempt)
{
    const Client api = to().auth(bearer(Secret("bad-key"))).limit(lockout()).build();
    std::atomic<int> rejected{0};
    clock->run(std::vector<std::function<void()>>(16, [&] {
        for (int i = 0; i < 10; ++i) {
            const auto result = api.get("/x").trySend();
            if (!result && dynamic_cast<const CredentialRejected*>(&result.error())) ++rejected;
        }
    }));
    BOOST_TEST(rejected.load() == 160);
    BOOST_TEST(bad == 1);
}

BOOST_AUTO_TEST_CASE(without_lockout_a_bad_key_is_tried_every_30_seconds_doubling)
{
    const Client api = to().auth(bearer(Secret("bad-key"))).build();
    const TimePoint start = clock->now();
    while (clock->now() < start + 10min) {
        BOOST_CHECK_THROW(api.get("/x").send(), CredentialRejected);
        clock->advance(1s);
    }
    BOOST_TEST(bad == 5); // at once, and after 30 s, 1.5, 3.5 and 7.5 min
}

BOOST_AUTO_TEST_CASE(a_new_key_is_used_at_once)
{
    std::string key = "bad-key";
    const Client api = to().auth(bearer(callbackSource("vault", [&key] { return Secret(key); }))).limit(lockout()).build();
    BOOST_CHECK_THROW(api.get("/x").send(), CredentialRejected);
    key = goodKey;
    BOOST_TEST(api.get("/x").send().status() == 200);
    BOOST_TEST(bad == 1);
}

BOOST_AUTO_TEST_CASE(a_key_rotated_while_the_call_was_on_its_way_cures_the_401)
{
    std::atomic<int> asked{0};
    const auto source = callbackSource("vault", [&] { return Secret(asked++ == 0 ? "old-key" : goodKey); });
    const Client api = to().auth(bearer(source)).limit(lockout()).build();
    const Response response = api.get("/x").send();
    BOOST_TEST(response.status() == 200);
    BOOST_TEST(response.attempts().size() == 2U);
    BOOST_TEST(bad == 1);
}

BOOST_AUTO_TEST_CASE(a_source_that_fails_after_a_401_does_not_hide_it)
{
    int failure = 0;
    const auto next = [&]() -> Secret {
        if (failure == 1) return Secret("two\nlines");
        if (failure == 2) throw std::runtime_error("the vault is sealed");
        if (failure == 3) throw 42;
        return Secret("bad-key");
    };
    for (const int kind : {1, 2, 3}) {
        failure = 0;
        bad = 0;
        const Fixture other;
        other.transport->otherwise([&](Exchange&) {
            failure = kind;
            ResponseHead head;
            head.status = 401;
            return Response(head, std::string("no"));
        });
        const auto error = thrown<CredentialRejected>(
            [&] { other.to().auth(bearer(callbackSource("vault", next))).limit(lockout()).build().get("/x").send(); });
        BOOST_TEST((error->delivery() == Delivery::Answered));
        BOOST_TEST(other.transport->sent().size() == 1U);
    }
}

BOOST_AUTO_TEST_CASE(a_lock_stops_everything_until_it_ends_and_then_one_probe_goes)
{
    const Client good = to().auth(bearer(callbackSource("account", [this] { return Secret(goodKey); }))).limit(lockout()).build();
    const Client bad1 = to().auth(bearer(callbackSource("account", [] { return Secret("bad-key"); }))).limit(lockout()).build();
    good.get("/x").send();
    BOOST_CHECK_THROW(bad1.get("/x").send(), CredentialRejected);
    lockedUntil = clock->now() + lockFor; // somebody else's tries
    const auto locked = thrown<LockedOut>([&] { good.get("/x").send(); });
    BOOST_TEST((locked->delivery() == Delivery::Answered));
    BOOST_TEST(contains(locked->cause(), "401"));
    BOOST_TEST((locked->until() > clock->wallNow() + 4min));
    const auto sentSoFar = transport->sent().size();
    for (int i = 0; i < 50; ++i) BOOST_CHECK_THROW(good.get("/x").send(), LockedOut);
    BOOST_CHECK_THROW(bad1.get("/x").send(), LockedOut);
    BOOST_TEST(transport->sent().size() == sentSoFar);

    clock->advance(5min);
    std::atomic<int> fine{0};
    clock->run(std::vector<std::function<void()>>(8, [&] { fine += good.get("/x").send().status() == 200; }));
    BOOST_TEST(fine.load() == 8);
    BOOST_TEST(whileLocked == 1);
    // The probe went alone: the others were sent after its answer.
    const auto sent = transport->sent();
    BOOST_TEST((sent.at(sentSoFar + 1).at >= sent.at(sentSoFar).at + 50ms));
}

BOOST_AUTO_TEST_CASE(a_403_without_a_401_before_is_permission)
{
    lockedUntil = clock->now() + lockFor;
    const Client api = to().auth(bearer(Secret(goodKey))).limit(lockout()).build();
    thrown<PermissionDenied>([&] { api.get("/x").send(); });
}

BOOST_AUTO_TEST_CASE(a_client_without_lockout_does_not_weaken_one_with_it)
{
    const auto account = [](const char* key) { return bearer(callbackSource("account", [key] { return Secret(key); })); };
    const Client careful = to().auth(account("good-key")).limit(lockout()).build();
    const Client plain = to().auth(account("good-key")).build();
    const Client bad1 = to().auth(account("bad-key")).build();
    careful.get("/x").send();
    BOOST_CHECK_THROW(bad1.get("/x").send(), CredentialRejected);
    lockedUntil = clock->now() + lockFor;
    BOOST_CHECK_THROW(plain.get("/x").send(), LockedOut);
    for (int i = 0; i < 20; ++i) BOOST_CHECK_THROW(plain.get("/x").send(), LockedOut);
    BOOST_TEST(whileLocked == 1);
}

BOOST_AUTO_TEST_CASE(a_source_of_ever_new_bad_keys_is_stopped_before_the_server_locks)
{
    int number = 0;
    const Client api = to().auth(bearer(callbackSource("vault", [&] { return Secret("bad-" + std::to_string(++number)); })))
                           .limit(lockout())
                           .build();
    for (int i = 0; i < 50; ++i) BOOST_CHECK_THROW(api.get("/x").send(), Error);
    BOOST_TEST(bad <= 4);
    BOOST_TEST(whileLocked == 0);
}

BOOST_AUTO_TEST_CASE(a_corrected_site_is_used_at_once)
{
    std::string site = "site-wrong";
    transport->otherwise([](Exchange& exchange) {
        ResponseHead head;
        head.status = contains(exchange.url.text(), "site-right") ? 200 : 401;
        return Response(head, std::string());
    });
    const auto keys = fixedSource(Secret("pk_12345"));
    const Client api =
        to().auth(basicWithSite(keys, fixedSource(Secret("sk_12345")), callbackSource("site", [&] { return Secret(site); })))
            .limit(lockout())
            .build();
    BOOST_CHECK_THROW(api.get("/x").send(), CredentialRejected);
    BOOST_CHECK_THROW(api.get("/x").send(), CredentialRejected);
    site = "site-right";
    BOOST_TEST(api.get("/x").send().status() == 200);
}

BOOST_AUTO_TEST_CASE(a_stage_that_throws_on_errors_does_not_blind_the_gate)
{
    struct Thrower : AttemptStage
    {
        Response run(Exchange& exchange, const Next& next) override
        {
            Response response = next(exchange);
            if (response.status() >= 400) throw std::runtime_error("refused");
            return response;
        }
    };
    const Client api = to().auth(bearer(Secret("bad-key"))).limit(lockout()).stage(std::make_shared<Thrower>()).build();
    for (int i = 0; i < 20; ++i) BOOST_CHECK_THROW(api.get("/x").send(), Error);
    BOOST_TEST(bad == 1);
}

BOOST_AUTO_TEST_CASE(anonymous_calls_pass_the_gate)
{
    const Client api = to().limit(lockout()).build();
    for (int i = 0; i < 3; ++i) BOOST_CHECK_THROW(api.get("/x").send(), CredentialRejected);
    BOOST_TEST(bad == 3);
}

BOOST_AUTO_TEST_CASE(revoking_a_good_key_costs_no_more_401s_than_may_be_under_way)
{
    const Client api = to().auth(bearer(callbackSource("account", [] { return Secret("good-key"); }))).limit(lockout()).build();
    api.get("/x").send();
    goodKey = "another-key"; // revoked
    std::atomic<int> rejected{0};
    clock->run(std::vector<std::function<void()>>(16, [&] { rejected += !api.get("/x").trySend(); }));
    BOOST_TEST(rejected.load() == 16);
    BOOST_TEST(bad == 3); // one less than this server forgives
    BOOST_TEST(whileLocked == 0);
}

BOOST_AUTO_TEST_CASE(a_body_that_names_the_lock_is_believed_and_one_that_does_not_is_a_permission)
{
    transport->answer(200)
        .answer(403, R"({"message":"You may not see this"})")
        .answer(403, R"({"message":"Maximum number of login attempts exceeded. Try later."})");
    const Client api = to().auth(bearer(Secret(goodKey))).limit(lockout()).build();
    api.get("/x").send();
    thrown<PermissionDenied>([&] { api.get("/x").send(); });
    const auto locked = thrown<LockedOut>([&] { api.get("/x").send(); });
    BOOST_TEST(contains(locked->cause(), "says"));
    thrown<LockedOut>([&] { api.get("/x").send(); });
    BOOST_TEST(transport->sent().size() == 3U);
    BOOST_TEST((api.quota().gate == GateStanding::Locked));
    BOOST_TEST((api.quota().lockedFor > 4min));
}

BOOST_AUTO_TEST_CASE(a_403_that_means_the_quota_is_a_limit_and_is_waited_for)
{
    Headers spent = field("X-RateLimit-Remaining", "0");
    spent.add("X-RateLimit-Reset", "20");
    transport->answer(200).answer(403, {}, spent).answer(200);
    const Client api = to().auth(bearer(Secret(goodKey))).limit(lockout()).build();
    api.get("/x").send();
    const TimePoint start = clock->now();
    BOOST_TEST(api.get("/x").send().status() == 200);
    BOOST_TEST((clock->now() - start >= 20s));
    transport->answer(403, {}, spent);
    const auto limited = thrown<RateLimited>([&] { api.get("/x").timeout(5s).send(); });
    BOOST_TEST((limited->retryIn() >= 20s));
}

BOOST_AUTO_TEST_CASE(a_reset_lets_calls_go_again)
{
    const Client api = to().auth(bearer(callbackSource("account", [] { return Secret("good-key"); }))).limit(lockout()).build();
    goodKey = "not yet";
    BOOST_CHECK_THROW(api.get("/x").send(), CredentialRejected);
    BOOST_TEST((api.quota().gate == GateStanding::Rejected));
    BOOST_TEST((api.quota().lockedFor == 15min));
    goodKey = "good-key"; // put right at the provider's
    BOOST_CHECK_THROW(api.get("/x").send(), CredentialRejected);
    api.reset();
    BOOST_TEST(api.get("/x").send().status() == 200);
    BOOST_TEST((api.quota().gate == GateStanding::Open));
}

BOOST_AUTO_TEST_CASE(an_observer_is_told_of_every_turn_once)
{
    struct Listener : Observer
    {
        std::vector<Transition> heard;
        void onTransition(const Transition& transition) override { heard.push_back(transition); }
    };
    const auto listener = std::make_shared<Listener>();
    std::string key = "good-key";
    const Client api =
        to().auth(bearer(callbackSource("account", [&key] { return Secret(key); }))).limit(lockout()).observer(listener).build();
    api.get("/x").send();
    key = "bad-key-number-1";
    BOOST_CHECK_THROW(api.get("/x").send(), CredentialRejected);
    lockedUntil = clock->now() + lockFor;
    key = goodKey;
    BOOST_CHECK_THROW(api.get("/x").send(), LockedOut);
    BOOST_CHECK_THROW(api.get("/x").send(), LockedOut);
    clock->advance(lockFor);
    api.get("/x").send();
    using Kind = Transition::Kind;
    std::vector<Kind> kinds;
    for (const Transition& one : listener->heard) {
        kinds.push_back(one.kind);
        BOOST_TEST(!one.text.empty());
        BOOST_TEST(!contains(one.text, "key-number"));
    }
    BOOST_TEST((kinds == std::vector<Kind>{Kind::CredentialRejected, Kind::Locked, Kind::Unlocked}));
    BOOST_TEST((*listener->heard.at(1).wait == 5min));
}

BOOST_AUTO_TEST_CASE(absurd_times_protect_as_well_as_sound_ones)
{
    LockoutPolicy absurd = lockout();
    absurd.quiet = absurd.maxQuiet = absurd.lockFor = absurd.maxLock = absurd.suspicion = Duration::max();
    absurd.pause = absurd.fresh = Duration::min();
    absurd.tolerance = 0;
    const Client api = to().auth(bearer(Secret("bad-key"))).limit(absurd).build();
    for (int i = 0; i < 20; ++i) {
        BOOST_CHECK_THROW(api.get("/x").send(), Error);
        clock->advance(24h);
    }
    BOOST_TEST(bad == 1);
}

BOOST_AUTO_TEST_CASE(a_401_without_a_credential_says_that_none_was_sent)
{
    const Client api = to().build();
    const auto error = thrown<CredentialRejected>([&] { api.get("/x").send(); });
    BOOST_TEST(contains(error->hint(), "No credential was sent"));
}

BOOST_AUTO_TEST_SUITE_END()
