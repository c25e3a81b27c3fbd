#include "limits/Gate.h"
#include "tollgate/QuotaStore.h"
#include "tollgate/WindowLimit.h"
#include "tollgate/testing/VirtualClock.h"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace tollgate;
using namespace std::chrono_literals;

namespace {

struct Fixture
{
    std::shared_ptr<testing::VirtualClock> clock = testing::VirtualClock::create();
    QuotaStorePtr store = QuotaStore::inProcess(clock);
    RateLimitPolicyPtr limit = perMinute(10);

    /// One request of that account, answered.
    void use(const std::string& principal, int status) const
    {
        store->update({"realm", principal}, [&](QuotaState& state, TimePoint now) {
            LimitState& count = state.limits[limit->id()];
            limit->declare(count);
            const PermitId permit = ++state.lastPermit;
            limit->take(count, now, {permit, 1, 1min});
            ServerAnswer answer;
            answer.status = status;
            limit->answered(count, now, permit, answer);
            limits::gateAnswered(state.gate, "version", permit, answer, 1, now);
        });
    }
    PermitId permitsOf(const std::string& principal) const
    {
        PermitId last = 0;
        store->update({"realm", principal}, [&last](QuotaState& state, TimePoint) { last = state.lastPermit; });
        return last;
    }
    void touchMany(const std::string& name) const
    {
        for (int i = 0; i < 5000; ++i) permitsOf(name + std::to_string(i));
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(InProcessStoreTest, Fixture)

BOOST_AUTO_TEST_CASE(accounts_that_hold_nothing_worth_knowing_are_forgotten)
{
    use("idle", 200);
    BOOST_TEST(permitsOf("idle") == 1U);
    touchMany("soon");
    BOOST_TEST(permitsOf("idle") == 1U); // its window still runs
    clock->advance(25h);
    touchMany("later");
    touchMany("and later");
    BOOST_TEST(permitsOf("idle") == 0U);
}

BOOST_AUTO_TEST_CASE(a_rejected_credential_and_a_stepped_down_limit_are_never_forgotten)
{
    use("rejected", 401);
    use("contradicted", 429);
    clock->advance(25h);
    touchMany("a");
    touchMany("b");
    BOOST_TEST(permitsOf("rejected") == 1U);
    BOOST_TEST(permitsOf("contradicted") == 1U);
}

BOOST_AUTO_TEST_CASE(each_store_names_secrets_in_its_own_way)
{
    const auto other = QuotaStore::inProcess(clock);
    BOOST_TEST(!store->namingKey().empty());
    BOOST_TEST((store->namingKey() == store->namingKey()));
    BOOST_TEST((store->namingKey() != other->namingKey()));
    BOOST_TEST(store->trouble().empty());
}

BOOST_AUTO_TEST_SUITE_END()
