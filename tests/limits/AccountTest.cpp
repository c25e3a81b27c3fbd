#include "limits/Account.h"
#include "tollgate/Error.h"
#include "tollgate/testing/VirtualClock.h"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

namespace tollgate::limits {

namespace {

/// One that may be out of reach.
struct Store final : QuotaStore
{
    QuotaStorePtr inner = QuotaStore::inProcess(testing::VirtualClock::create());
    bool away = false;
    std::function<void()> meanwhile = [] {};

    void update(const QuotaKey& key, const Change& change, const Patience& patience) override
    {
        meanwhile();
        if (away) throw StoreUnavailable("it is away", "wait");
        inner->update(key, change, patience);
    }
    Secret namingKey(const Patience& patience) override { return inner->namingKey(patience); }
};

struct Fixture
{
    std::shared_ptr<Store> store = std::make_shared<Store>();
    std::unique_ptr<Account> account = std::make_unique<Account>(store, QuotaKey("realm", "somebody"));
    std::vector<int> made;

    void putOff(int number, bool weighty = false)
    {
        account->putOff([this, number](QuotaState&, TimePoint) { made.push_back(number); }, weighty);
    }
    void update()
    {
        account->update([this](QuotaState&, TimePoint) { made.push_back(-1); });
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(AccountTest, Fixture)

BOOST_AUTO_TEST_CASE(what_was_put_off_is_made_once_in_its_order_before_the_next_change)
{
    putOff(1);
    putOff(2);
    store->away = true;
    store->meanwhile = [this] { putOff(3); }; // by another thread
    BOOST_CHECK_THROW(update(), StoreUnavailable);
    store->meanwhile = [] {};
    BOOST_CHECK_THROW(update(), StoreUnavailable);
    store->away = false;
    update();
    update();
    BOOST_TEST(made == (std::vector<int>{1, 2, 3, -1, -1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(of_very_many_the_oldest_that_are_not_weighty_are_dropped)
{
    putOff(-401, true);
    for (int i = 0; i < 300; ++i) putOff(i);
    update();
    BOOST_REQUIRE_EQUAL(made.size(), 257U);
    BOOST_TEST(made.front() == -401);
    BOOST_TEST(made[1] == 45);
    BOOST_TEST(made[255] == 299);
}

BOOST_AUTO_TEST_CASE(one_that_throws_stands_in_the_way_of_none_and_changes_nothing)
{
    account->putOff(
        [](QuotaState& state, TimePoint) {
            state.lastPermit = 99;
            throw std::runtime_error("a policy of the user's");
        },
        false);
    putOff(1);
    PermitId last = 0;
    account->update([&](QuotaState& state, TimePoint) { last = state.lastPermit; });
    BOOST_TEST(last == 0U);
    BOOST_TEST(made == std::vector<int>{1}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_last_client_makes_it_when_it_goes)
{
    putOff(1);
    account.reset();
    BOOST_TEST(made == std::vector<int>{1}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace tollgate::limits
