#include "pipeline/Fixture.h"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <vector>

using namespace tollgate;
using namespace tollgate::tests;
using namespace std::chrono_literals;

/// What a server says of its quotas, and what a client makes of it.
BOOST_FIXTURE_TEST_SUITE(FeedbackTest, Fixture)

BOOST_AUTO_TEST_CASE(a_429_in_spite_of_room_is_told_and_shown)
{
    struct Listener : Observer
    {
        std::vector<Transition> heard;
        void onTransition(const Transition& transition) override { heard.push_back(transition); }
    };
    const auto listener = std::make_shared<Listener>();
    transport->answer(429).answer(429).answer(200);
    const Client api = to().limit(perMinute(100)).observer(listener).timeout(1h).build();
    BOOST_TEST(!api.quota().limits.at(0).steppedDown);
    api.get("/x").send();
    BOOST_REQUIRE(listener->heard.size() == 1U);
    BOOST_TEST((listener->heard.front().kind == Transition::Kind::SteppedDown));
    BOOST_TEST(contains(listener->heard.front().text, "100 requests per 60 s"));
    BOOST_TEST(api.quota().limits.at(0).steppedDown);
    api.reset();
    BOOST_TEST(!api.quota().limits.at(0).steppedDown);
}

BOOST_AUTO_TEST_CASE(hints_that_cannot_be_read_are_counted_and_change_nothing)
{
    Headers odd = field("X-RateLimit-Remaining", "-5");
    odd.add("Retry-After", "soon");
    transport->answer(200, {}, odd);
    const Client api = to().limit(perMinute(100)).build();
    api.get("/x").send();
    BOOST_TEST(api.stats().ignoredHints == 2U);
    BOOST_TEST(api.quota().limits.at(0).remaining == 99U);
}

BOOST_AUTO_TEST_CASE(a_client_without_limits_keeps_the_silence_that_a_server_asks_for)
{
    transport->answer(429, {}, field("Retry-After", "90")).answer(200);
    const Client api = to().build();
    BOOST_CHECK_THROW(api.get("/x").send(), RateLimited);
    const auto local = thrown<RateLimited>([&] { api.get("/y").timeout(60s).send(); });
    BOOST_TEST((local->delivery() == Delivery::NotSent));
    BOOST_TEST((local->retryIn() == 90s));
    BOOST_TEST(transport->sent().size() == 1U);
}

BOOST_AUTO_TEST_CASE(quotas_of_different_windows_are_kept_apart)
{
    Headers both = field("RateLimit-Policy", R"("perhr";q=1000;w=3600, "permin";q=100;w=60)");
    both.add("RateLimit", R"("perhr";r=500;t=3500, "permin";r=0;t=30)");
    Headers calm = field("RateLimit-Policy", R"("perhr";q=1000;w=3600, "permin";q=100;w=60)");
    calm.add("RateLimit", R"("perhr";r=499;t=3470, "permin";r=99;t=60)");
    transport->answer(200, {}, both).answer(200, {}, calm).answer(200, {}, calm);
    const Client api = to().limit(perMinute(100), perHour(1000)).timeout(1h).build();
    const TimePoint start = clock->now();
    api.get("/x").send();
    api.get("/x").send();
    BOOST_TEST((clock->now() - start >= 30s));
    BOOST_TEST((clock->now() - start < 32s)); // not the hour's reset
    api.get("/x").send();
    BOOST_TEST((clock->now() - start < 32s));
}

BOOST_AUTO_TEST_CASE(the_smallest_of_several_quotas_for_one_window_counts)
{
    transport->answer(200, {}, field("RateLimit-Policy", R"("user";q=50;w=60, "ip";q=1000;w=60)"));
    const Client api = to().limit(perMinute(100)).build();
    api.get("/x").send();
    BOOST_TEST(api.quota().limits.at(0).capacity == 50U);
}

BOOST_AUTO_TEST_CASE(a_permit_that_was_not_used_gives_back_all_that_it_took)
{
    transport->answer(200, {}, field("X-RateLimit-Remaining", "1"));
    transport->fail(transportError<ConnectionLost>(Delivery::NotSent, true)).answer(200);
    const Client api = to().limit(WindowLimit(20, 1h).shape(Shape::Adaptive)).timeout(10s).build();
    api.get("/x").send();
    BOOST_TEST(api.get("/x").send().attempts().size() == 2U); // the server's last one, and the bucket's
}

BOOST_AUTO_TEST_SUITE_END()
