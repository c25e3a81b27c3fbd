#include "pipeline/Fixture.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>

using namespace tollgate;
using namespace tollgate::tests;
using namespace std::chrono_literals;

namespace {

/// A server whose keys come and go, and a source that gives the newest one, as a rotation without downtime needs it (seed 002).
struct Rotation : Fixture
{
    std::mutex mutex;
    std::set<std::string> valid{"btoo_key_number_old1"};
    std::string key = "btoo_key_number_old1";
    std::vector<std::string> sent; ///< the keys that arrived
    int rejected = 0;
    CredentialSourcePtr source = callbackSource("vault", [this] {
        const std::lock_guard<std::mutex> lock(mutex);
        return Secret(key);
    });

    Rotation()
    {
        transport->otherwise([this](Exchange& exchange) {
            clock->parker()->park(clock->now() + 100ms);
            const std::lock_guard<std::mutex> lock(mutex);
            sent.emplace_back(exchange.headers.get("Authorization", "").substr(7));
            ResponseHead head;
            head.status = valid.count(sent.back()) ? 200 : 401;
            rejected += head.status == 401;
            return Response(head, std::string());
        });
    }

    void rotate(const std::string& to)
    {
        const std::lock_guard<std::mutex> lock(mutex);
        key = to;
    }
};

const CredentialUse* useOf(const std::vector<CredentialUse>& uses, const std::string& lastFour)
{
    const auto found = std::find_if(uses.begin(), uses.end(), [&lastFour](const auto& one) { return one.lastFour == lastFour; });
    return found == uses.end() ? nullptr : &*found;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(RotationTest, Rotation)

BOOST_AUTO_TEST_CASE(calls_go_on_with_the_old_key_while_the_new_one_proves_itself)
{
    const Client api = to().auth(bearer(source)).limit(lockout().atOnce(16)).build();
    api.get("/x").send();
    valid.insert("btoo_key_number_new2");
    rotate("btoo_key_number_new2");
    const TimePoint start = clock->now();
    clock->run(std::vector<std::function<void()>>(8, [&] { api.get("/x").send(); }));
    // Nobody waited for the canary: all eight took one round trip.
    BOOST_TEST((clock->now() - start == 100ms));
    BOOST_TEST(std::count(sent.begin(), sent.end(), "btoo_key_number_new2") == 1);
    api.get("/x").send();
    BOOST_TEST(sent.back() == "btoo_key_number_new2");
    BOOST_TEST(rejected == 0);
}

BOOST_AUTO_TEST_CASE(a_bad_new_key_costs_one_401_and_the_good_old_one_carries_on)
{
    const Client api = to().auth(bearer(source)).limit(lockout()).build();
    api.get("/x").send();
    rotate("btoo_key_with_a_slip3");
    BOOST_CHECK_THROW(api.get("/x").send(), CredentialRejected); // the canary
    for (int i = 0; i < 20; ++i) BOOST_TEST(api.get("/x").send().status() == 200);
    BOOST_TEST(rejected == 1);
    valid.insert("btoo_key_number_new2");
    rotate("btoo_key_number_new2");
    clock->advance(2s);
    api.get("/x").send();
    BOOST_TEST(sent.back() == "btoo_key_number_new2");
}

BOOST_AUTO_TEST_CASE(an_old_key_that_got_a_401_is_never_gone_back_to)
{
    const Client api = to().auth(bearer(source)).limit(lockout()).build();
    api.get("/x").send();
    valid.clear();
    BOOST_CHECK_THROW(api.get("/x").send(), CredentialRejected);
    rotate("btoo_key_number_bad2");
    clock->advance(2s);
    BOOST_CHECK_THROW(api.get("/x").send(), CredentialRejected);
    for (int i = 0; i < 20; ++i) BOOST_CHECK_THROW(api.get("/x").send(), CredentialRejected);
    BOOST_TEST(rejected == 2);
}

BOOST_AUTO_TEST_CASE(calls_that_wait_for_a_permit_go_out_with_the_newest_key)
{
    const Client api = to().auth(bearer(source)).limit(WindowLimit(1, 10s), lockout()).build();
    api.get("/x").send();
    valid.insert("btoo_key_number_new2");
    std::vector<std::function<void()>> both{[&] { api.get("/x").send(); },
                                            [&] {
                                                clock->parker()->park(clock->now() + 5s);
                                                rotate("btoo_key_number_new2");
                                            }};
    clock->run(both);
    BOOST_TEST(sent.back() == "btoo_key_number_new2");
}

BOOST_AUTO_TEST_CASE(usage_shows_the_old_key_s_traffic_come_to_its_end)
{
    const Client api = to().auth(bearer(source)).limit(lockout()).build();
    for (int i = 0; i < 3; ++i) api.get("/x").send();
    const WallTime lastOld = clock->wallNow() - 100ms;
    valid.insert("btoo_key_number_new2");
    rotate("btoo_key_number_new2");
    clock->advance(1h);
    for (int i = 0; i < 5; ++i) api.get("/x").send();

    const auto uses = api.credentialUsage();
    BOOST_REQUIRE(uses.size() == 2U);
    BOOST_TEST(uses.front().lastFour == "new2"); // newest use first
    const CredentialUse* old = useOf(uses, "old1");
    BOOST_REQUIRE(old);
    BOOST_TEST(old->uses == 3U);
    BOOST_TEST(!old->current);
    BOOST_TEST((old->verdict == CredentialUse::Verdict::Good));
    const auto off = std::chrono::abs(*old->lastUsed - lastOld);
    BOOST_TEST((off <= 1ms));
    const CredentialUse* now = useOf(uses, "new2");
    BOOST_REQUIRE(now);
    BOOST_TEST(now->uses == 5U);
    BOOST_TEST(now->current);
    BOOST_TEST(now->fingerprint != old->fingerprint);
    for (const CredentialUse& use : uses) BOOST_TEST(!contains(use.fingerprint, "btoo"));
}

BOOST_AUTO_TEST_CASE(a_key_of_few_characters_shows_none_of_them)
{
    valid.insert("short-key");
    rotate("short-key");
    const Client api = to().auth(bearer(source)).limit(lockout()).build();
    api.get("/x").send();
    BOOST_TEST(api.credentialUsage().at(0).lastFour.empty());
}

BOOST_AUTO_TEST_CASE(one_secret_is_one_account_for_all_clients_of_a_shared_store)
{
    const auto store = QuotaStore::inProcess(clock);
    const auto other = testing::ScriptedTransport::create(clock); // as another process would have it
    other->otherwise([](Exchange&) { return Response(ResponseHead{200, {}, {}, 11}, std::string()); });
    valid.insert("btoo_the_same_key");
    const Client a = to().auth(bearer(Secret("btoo_the_same_key"))).limit(perMinute(10)).quotaStore(store).build();
    ClientBuilder builder = to();
    const Client b =
        builder.transport(other).auth(bearer(Secret("btoo_the_same_key"))).limit(perMinute(10)).quotaStore(store).build();
    const Client c = builder.auth(bearer(Secret("btoo_another_key"))).build();
    for (int i = 0; i < 3; ++i) a.get("/x").send();
    BOOST_TEST(b.quota().limits.at(0).remaining == 7U);
    BOOST_TEST(c.quota().limits.at(0).remaining == 10U);
    BOOST_TEST(b.credentialUsage().at(0).uses == 3U);
    BOOST_TEST(b.credentialUsage().at(0).current);
}

BOOST_AUTO_TEST_SUITE_END()
