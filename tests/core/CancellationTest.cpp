#include "tollgate/Cancellation.h"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

using namespace tollgate;

BOOST_AUTO_TEST_SUITE(CancellationTest)

BOOST_AUTO_TEST_CASE(an_empty_token_is_never_cancelled)
{
    const CancellationToken token;
    BOOST_TEST(!token.canBeCancelled());
    BOOST_TEST(!token.isCancelled());
    const auto registration = token.onCancel([] { BOOST_ERROR("ran"); });
}

BOOST_AUTO_TEST_CASE(callbacks_run_once_and_only_while_registered)
{
    CancellationSource source;
    int kept = 0;
    int dropped = 0;
    const auto registration = source.token().onCancel([&] { ++kept; });
    {
        const auto gone = source.token().onCancel([&] { ++dropped; });
    }
    source.cancel();
    source.cancel();
    BOOST_TEST(source.token().isCancelled());
    BOOST_TEST(kept == 1);
    BOOST_TEST(dropped == 0);
    int late = 0;
    const auto after = source.token().onCancel([&] { ++late; });
    BOOST_TEST(late == 1);
}

BOOST_AUTO_TEST_CASE(a_token_may_stand_for_two)
{
    for (const bool first : {false, true}) {
        CancellationSource one, other;
        const CancellationToken both = CancellationToken::either(one.token(), other.token());
        int told = 0;
        const auto registration = both.onCancel([&] { ++told; });
        BOOST_TEST(!both.isCancelled());
        (first ? one : other).cancel();
        BOOST_TEST(both.isCancelled());
        BOOST_TEST((first ? other : one).token().isCancelled() == false);
        (first ? other : one).cancel();
        BOOST_TEST(told == 1);
        BOOST_TEST(CancellationToken::either(one.token(), CancellationToken()).isCancelled()); // cancelled before
    }
    const CancellationToken nobody = CancellationToken::either(CancellationToken(), CancellationToken());
    BOOST_TEST(!nobody.canBeCancelled());
    CancellationSource outlives;
    CancellationToken::either(outlives.token(), CancellationSource().token()); // gone again
    outlives.cancel();
}

BOOST_AUTO_TEST_CASE(a_registration_that_goes_waits_for_its_callback)
{
    for (int round = 0; round < 200; ++round) {
        CancellationSource source;
        auto touched = std::make_unique<std::atomic<int>>(0);
        std::thread canceller;
        {
            const auto registration = source.token().onCancel([&] { ++*touched; });
            canceller = std::thread([source]() mutable { source.cancel(); });
        }
        touched.reset(); // a callback that still ran would touch freed memory: the sanitizers would tell
        canceller.join();
        BOOST_TEST(source.token().isCancelled());
    }
}

BOOST_AUTO_TEST_CASE(a_callback_may_take_back_its_own_registration)
{
    CancellationSource source;
    auto registration = std::make_unique<CancellationRegistration>();
    *registration = source.token().onCancel([&] { registration.reset(); });
    source.cancel();
    BOOST_TEST(!registration);
}

BOOST_AUTO_TEST_SUITE_END()
