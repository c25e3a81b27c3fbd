#include "pipeline/Fixture.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

using namespace tollgate;
using namespace tollgate::tests;
using namespace std::chrono_literals;

namespace {

/// No window of this length holds more than `limit` of the times.
void checkWindows(std::vector<TimePoint> times, std::size_t limit, Duration window)
{
    std::sort(times.begin(), times.end());
    for (std::size_t i = limit; i < times.size(); ++i) BOOST_REQUIRE((times[i] - times[i - limit] >= window));
}

std::vector<TimePoint> timesOf(const testing::ScriptedTransport& transport, const std::string& part = {})
{
    std::vector<TimePoint> times;
    for (const auto& sent : transport.sent())
        if (contains(sent.url, part)) times.push_back(sent.at);
    return times;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(LimitTest, Fixture)

BOOST_AUTO_TEST_CASE(waits_for_a_slot_in_simulated_time)
{
    always(200, 100ms);
    const Client api = to().limit(perMinute(3)).timeout(1h).build();
    const TimePoint start = clock->now();
    for (int i = 0; i < 10; ++i) api.get("/x").send();
    BOOST_TEST((clock->now() - start > 3min));
    checkWindows(timesOf(*transport), 3, 1min);
    BOOST_TEST(api.stats().waits == 3U);
    BOOST_TEST((api.stats().waited > 2min));
}

BOOST_AUTO_TEST_CASE(the_wait_is_reported_in_the_attempt)
{
    always(200);
    const Client api = to().limit(perMinute(1)).timeout(1h).build();
    api.get("/x").send();
    const Response response = api.get("/x").send();
    BOOST_TEST(response.attempts().at(0).waitedFor == "permit");
    BOOST_TEST((response.attempts().at(0).waited > 59s));
}

BOOST_AUTO_TEST_CASE(refuses_at_once_what_cannot_go_before_the_deadline)
{
    always(200);
    const Client api = to().limit(perMinute(1)).build();
    api.get("/x").send();
    const TimePoint before = clock->now();
    const WallTime wall = clock->wallNow();
    const auto error = thrown<RateLimited>([&] { api.get("/x").timeout(10s).send(); });
    BOOST_TEST((clock->now() == before));
    BOOST_TEST((error->delivery() == Delivery::NotSent));
    BOOST_TEST((error->retryIn() > 59s && error->retryIn() < 61s));
    BOOST_TEST((error->notBefore() > wall + 59s && error->notBefore() < wall + 61s));
    BOOST_TEST(contains(error->what(), "1 requests per 60 s"));
    BOOST_TEST(transport->sent().size() == 1U);
    // What it said is true.
    BOOST_TEST(api.get("/x").timeout(error->retryIn() + 1s).send().status() == 200);
}

BOOST_AUTO_TEST_CASE(families_do_not_hinder_each_other_but_share_the_common_limit)
{
    always(200);
    const Client api =
        to().limit(perMinute(2).forPath("/fetch"), perMinute(2).forPath("/batch"), perHour(5)).timeout(2min).build();
    const TimePoint start = clock->now();
    for (const char* path : {"/fetch/a", "/fetch/b", "/batch/a", "/batch/b"}) api.get(path).send();
    BOOST_TEST((clock->now() == start));
    api.get("/fetch/c").send();
    BOOST_TEST((clock->now() > start + 59s));
    // The hour is spent now, for all.
    BOOST_CHECK_THROW(api.get("/batch/c").timeout(1min).send(), RateLimited);
    BOOST_CHECK_THROW(api.get("/else").timeout(1min).send(), RateLimited);
}

BOOST_AUTO_TEST_CASE(all_limits_or_none_are_spent)
{
    always(200);
    const Client api = to().limit(perMinute(1), perHour(10)).build();
    api.get("/x").send();
    for (int i = 0; i < 5; ++i) BOOST_CHECK_THROW(api.get("/x").timeout(1s).send(), RateLimited);
    BOOST_TEST(api.quota().limits.at(1).remaining == 9U);
}

BOOST_AUTO_TEST_CASE(clients_with_one_credential_share_one_count_and_others_do_not)
{
    always(200);
    const auto a = to().auth(bearer(Secret("key-a"))).limit(perMinute(2)).build();
    const auto b = to().auth(bearer(Secret("key-a"))).limit(perMinute(2)).build();
    const auto other = to().auth(bearer(Secret("key-b"))).limit(perMinute(2)).build();
    const auto host = to("https://other.example.com").auth(bearer(Secret("key-a"))).limit(perMinute(2)).build();
    a.get("/x").send();
    b.get("/x").send();
    BOOST_CHECK_THROW(a.get("/x").timeout(1s).send(), RateLimited);
    BOOST_CHECK_THROW(b.get("/x").timeout(1s).send(), RateLimited);
    BOOST_TEST(other.get("/x").send().status() == 200);
    BOOST_TEST(host.get("/x").send().status() == 200);
}

BOOST_AUTO_TEST_CASE(different_declarations_are_noticed_and_the_stricter_one_counts)
{
    struct Recorder : Observer
    {
        std::vector<std::string> notices;
        void onNotice(const Notice& notice) override { notices.push_back(notice.text); }
    };
    const auto recorder = std::make_shared<Recorder>();
    always(200);
    const auto wide = to().auth(bearer(Secret("key"))).limit(perMinute(10)).observer(recorder).build();
    BOOST_TEST(recorder->notices.empty());
    const auto narrow = to().auth(bearer(Secret("key"))).limit(perMinute(1)).observer(recorder).build();
    BOOST_TEST(recorder->notices.size() == 1U);
    wide.get("/x").send();
    BOOST_CHECK_THROW(wide.get("/x").timeout(1s).send(), RateLimited);
}

BOOST_AUTO_TEST_CASE(what_was_not_sent_gives_its_slot_back)
{
    transport->fail(transportError<ConnectError>(Delivery::NotSent)).answer(200);
    const Client api = to().limit(perMinute(1)).retry({1}).build();
    BOOST_CHECK_THROW(api.get("/x").send(), ConnectError);
    BOOST_TEST(api.get("/x").timeout(1s).send().status() == 200);
}

BOOST_AUTO_TEST_CASE(what_may_have_arrived_does_not)
{
    transport->fail(transportError<ConnectionLost>(Delivery::MaybeProcessed)).answer(200);
    const Client api = to().limit(perMinute(1)).retry({1}).build();
    BOOST_CHECK_THROW(api.get("/x").send(), ConnectionLost);
    BOOST_CHECK_THROW(api.get("/x").timeout(62s).send(), RateLimited);
}

BOOST_AUTO_TEST_CASE(waiting_is_first_come_first_served_over_threads)
{
    always(200, 500ms); // longer than it takes all threads to join
    const Client api = to().limit(perMinute(4)).timeout(24h).build();
    std::mutex mutex;
    std::vector<std::pair<int, TimePoint>> served;
    std::vector<std::function<void()>> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&, i] {
            // One after the other joins the line, far quicker than slots come free.
            clock->parker()->park(clock->now() + std::chrono::milliseconds(10 * (i + 1)));
            for (int round = 0; round < 5; ++round) {
                api.get("/x" + std::to_string(i)).send();
                const std::lock_guard<std::mutex> lock(mutex);
                served.emplace_back(i, clock->now());
            }
        });
    clock->run(threads);
    checkWindows(timesOf(*transport), 4, 1min);
    BOOST_REQUIRE(served.size() == 40U);
    // Round robin follows from first come first served: nobody is a whole round ahead.
    std::vector<int> counts(8);
    for (const auto& entry : served) {
        ++counts[static_cast<std::size_t>(entry.first)];
        const auto [low, high] = std::minmax_element(counts.begin(), counts.end());
        BOOST_TEST(*high - *low <= 1);
    }
}

BOOST_AUTO_TEST_CASE(asynchronous_calls_hold_no_thread_while_they_wait)
{
    always(200);
    const Client api = to().limit(perMinute(100)).timeout(24h).build();
    constexpr int count = 1000;
    int done = 0;
    std::mutex mutex;
    std::condition_variable all;
    for (int i = 0; i < count; ++i)
        api.get("/x").sendAsync([&](Result<Response> result) {
            const std::lock_guard<std::mutex> lock(mutex);
            BOOST_CHECK(static_cast<bool>(result));
            if (++done == count) all.notify_one();
        });
    clock->leave();
    {
        std::unique_lock<std::mutex> lock(mutex);
        all.wait(lock, [&] { return done == count; });
    }
    clock->enter();
    BOOST_TEST(done == count);
    checkWindows(timesOf(*transport), 100, 1min);
}

BOOST_AUTO_TEST_CASE(threads_and_asynchronous_calls_together_stay_within_the_limits)
{
    always(200, 20ms);
    const Client api = to().auth(bearer(Secret("key"))).limit(perMinute(20), perHour(500), lockout()).timeout(24h).build();
    int done = 0;
    std::mutex mutex;
    std::condition_variable all;
    const auto finish = [&] {
        const std::lock_guard<std::mutex> lock(mutex);
        if (++done == 300) all.notify_all();
    };
    for (int i = 0; i < 150; ++i) api.get("/x").sendAsync([&](Result<Response>) { finish(); });
    std::vector<std::function<void()>> threads(6, [&] {
        for (int i = 0; i < 25; ++i) {
            api.get("/x").send();
            finish();
        }
    });
    clock->run(threads);
    clock->leave();
    {
        std::unique_lock<std::mutex> lock(mutex);
        all.wait(lock, [&] { return done == 300; });
    }
    clock->enter();
    BOOST_TEST(transport->sent().size() == 300U);
    checkWindows(timesOf(*transport), 20, 1min);
}

BOOST_AUTO_TEST_CASE(a_429_shuts_the_family_for_everybody)
{
    transport->answer(429, "slow down", field("Retry-After", "120")).answer(200).answer(200);
    const Client api = to().limit(perMinute(100)).build();
    const auto error = thrown<RateLimited>([&] { api.get("/x").send(); });
    BOOST_TEST((error->retryIn() == 120s));
    BOOST_TEST((error->delivery() == Delivery::Answered));
    BOOST_TEST(error->status() == 429);
    BOOST_TEST(transport->sent().size() == 1U);
    const auto local = thrown<RateLimited>([&] { api.get("/x").send(); });
    BOOST_TEST((local->delivery() == Delivery::NotSent));
    BOOST_TEST(api.get("/x").timeout(3min).send().status() == 200);
}

BOOST_AUTO_TEST_CASE(a_429_without_a_hint_is_the_answer_if_no_permit_can_come_in_time)
{
    transport->answer(429, "quota of the team is spent").answer(200);
    const Client api = to().limit(perMinute(100)).build();
    const TimePoint start = clock->now();
    const auto error = thrown<RateLimited>([&] { api.get("/x").timeout(30s).send(); });
    BOOST_TEST((clock->now() == start));
    BOOST_TEST(contains(error->what(), "quota of the team is spent"));
    BOOST_TEST(error->status() == 429);
    BOOST_TEST((error->retryIn() == 60s));
    BOOST_TEST(api.get("/x").timeout(2min).send().status() == 200);
}

BOOST_AUTO_TEST_CASE(a_weight_that_never_fits_is_refused)
{
    const Client api = to().limit(perMinute(5)).build();
    const auto error = thrown<InvalidRequest>([&] { api.get("/x").weight(6).send(); });
    BOOST_TEST(contains(error->what(), "weighs more"));
    always(200);
    api.get("/x").weight(5).send();
    BOOST_CHECK_THROW(api.get("/x").timeout(1s).send(), RateLimited);
}

BOOST_AUTO_TEST_CASE(one_limit_given_twice_counts_once)
{
    always(200);
    const Client api = to().limit(perMinute(6), perMinute(4), perMinute(5)).build();
    BOOST_TEST(api.quota().limits.size() == 1U);
    for (int i = 0; i < 4; ++i) api.get("/x").timeout(1s).send();
    BOOST_CHECK_THROW(api.get("/x").timeout(1s).send(), RateLimited);
}

BOOST_AUTO_TEST_CASE(transports_that_share_a_store_share_canary_and_count)
{
    const auto store = QuotaStore::inProcess(clock);
    const auto second = testing::ScriptedTransport::create(clock);
    for (const auto& each : {transport, second})
        each->otherwise([this](Exchange&) {
            clock->parker()->park(clock->now() + 1s);
            ResponseHead head;
            head.status = 200;
            return Response(head, std::string());
        });
    const auto client = [&](const auto& on) {
        return to().transport(on).quotaStore(store).auth(bearer(Secret("key"))).limit(perMinute(50), lockout()).build();
    };
    const Client a = client(transport), b = client(second);
    const TimePoint start = clock->now();
    clock->run({[&] { a.get("/x").send(); }, [&] { b.get("/x").send(); }});
    // The second one does not sleep until its deadline: nobody in its process can wake it.
    BOOST_TEST((clock->now() - start < 5s));
    BOOST_TEST(a.quota().limits.at(0).remaining == 48U);
}

BOOST_AUTO_TEST_CASE(a_wait_that_is_cancelled_leaves_the_line_to_the_next)
{
    always(200);
    const Client api = to().limit(perMinute(1)).timeout(1h).build();
    api.get("/x").send();
    CancellationSource source;
    bool cancelled = false;
    clock->run({[&] {
                    const auto result = api.get("/first").cancellation(source.token()).trySend();
                    cancelled = !result && dynamic_cast<const Cancelled*>(&result.error()) != nullptr;
                    BOOST_CHECK(result.error().delivery() == Delivery::NotSent);
                },
                [&] {
                    clock->parker()->park(clock->now() + 10s);
                    source.cancel();
                },
                [&] {
                    clock->parker()->park(clock->now() + 1s);
                    BOOST_CHECK(api.get("/second").send().status() == 200);
                }});
    BOOST_TEST(cancelled);
    BOOST_TEST(timesOf(*transport, "/first").empty());
    BOOST_TEST(timesOf(*transport, "/second").size() == 1U);
}

BOOST_AUTO_TEST_CASE(urgent_calls_go_before_those_that_came_earlier)
{
    always(200);
    const Client api = to().limit(WindowLimit(1, 10s)).timeout(1h).build();
    api.get("/first").send();
    std::vector<std::function<void()>> callers;
    const auto later = [&](Duration at, Priority priority, const char* path) {
        callers.emplace_back([this, &api, at, priority, path] {
            clock->parker()->park(clock->now() + at);
            api.get(path).priority(priority).send();
        });
    };
    later(1s, Priority::Low, "/low");
    later(2s, Priority::Normal, "/normal1");
    later(3s, Priority::Normal, "/normal2");
    later(4s, Priority::High, "/high");
    clock->run(callers);
    std::string order;
    for (const auto& sent : transport->sent()) order += sent.url.substr(sent.url.rfind('/'));
    BOOST_TEST(order == "/first/high/normal1/normal2/low");
}

BOOST_AUTO_TEST_CASE(a_line_that_is_full_refuses_at_once_and_keeps_those_in_it)
{
    always(200);
    const Client api = to().limit(WindowLimit(1, 10s)).timeout(1h).queueLimit(3).build();
    api.get("/x").send();
    std::atomic<int> sent{0}, refused{0};
    std::vector<std::function<void()>> callers(5, [&] {
        const auto result = api.get("/x").trySend();
        if (result)
            ++sent;
        else if (dynamic_cast<const RateLimited*>(&result.error()) && result.error().delivery() == Delivery::NotSent)
            ++refused;
    });
    clock->run(callers);
    BOOST_TEST(sent.load() == 3);
    BOOST_TEST(refused.load() == 2);
    thrown<ConfigurationError>([&] { to().queueLimit(0).build(); });
}

BOOST_AUTO_TEST_CASE(a_change_between_the_question_and_the_answer_is_not_slept_through)
{
    // The store's answer "wait a window" is old by the time it is heard: the one in flight came back unsent meanwhile.
    struct Store : QuotaStore
    {
        QuotaStorePtr inner;
        std::function<void()> after;
        void update(const QuotaKey& key, const Change& change, const Patience& patience) override
        {
            inner->update(key, change, patience);
            if (const auto once = std::exchange(after, nullptr)) once();
        }
        Secret namingKey(const Patience& patience) override { return inner->namingKey(patience); }
    };
    const auto store = std::make_shared<Store>();
    store->inner = QuotaStore::inProcess(clock);
    always(200);
    const Client api = to().limit(WindowLimit(1, 60s)).quotaStore(store).timeout(1h).build();
    api.get("/first").send();
    const TimePoint start = clock->now();
    store->after = [&api] { api.reset(); }; // wakes the line, as a NotSent does
    // reset() keeps the count, so the call waits a window; what matters is that it asks again and does not rely on the old
    // answer.
    int asked = 0;
    struct Counter : QuotaStore
    {
        QuotaStorePtr inner;
        int* asked;
        void update(const QuotaKey& key, const Change& change, const Patience& patience) override
        {
            ++*asked;
            inner->update(key, change, patience);
        }
        Secret namingKey(const Patience& patience) override { return inner->namingKey(patience); }
    };
    const auto counter = std::make_shared<Counter>();
    counter->inner = store->inner;
    counter->asked = &asked;
    store->inner = counter;
    api.get("/second").send();
    BOOST_TEST((clock->now() - start >= 59s));
    BOOST_TEST(asked >= 5); // asked, reset, asked again at once, asked after the window, settled
}

BOOST_AUTO_TEST_CASE(no_other_spelling_of_a_path_passes_its_limit_by)
{
    always(200);
    for (const char* path : {"/fetch/a", "/%66etch/a", "//fetch/a", "/./fetch/a", "/x/../fetch/a", "/fetch;v=1", "/fetch"}) {
        const Client api = to().limit(perMinute(5).forPath("/fetch")).auth(anonymous(path)).build();
        api.get(path).send();
        BOOST_TEST(api.quota().limits.at(0).remaining == 4U, path);
    }
    const Client api = to().limit(perMinute(5).forPath("/fetch")).auth(anonymous("others")).build();
    for (const char* path : {"/fetches", "/x/fetch", "/fetch/../x", "/"}) api.get(path).send();
    BOOST_TEST(api.quota().limits.at(0).remaining == 5U);
}

BOOST_AUTO_TEST_CASE(a_call_whose_time_runs_out_in_line_says_when_one_can_go)
{
    always(200);
    const Client api = to().limit(WindowLimit(1, 10s)).build();
    api.get("/x").send();
    std::atomic<bool> limited{false};
    clock->run({[&] { api.get("/high").timeout(1h).send(); }, [&] { api.get("/high").timeout(1h).send(); },
                [&] {
                    clock->parker()->park(clock->now() + 1s);
                    const auto result = api.get("/low").priority(Priority::Low).timeout(19500ms).trySend();
                    limited = !result && dynamic_cast<const RateLimited*>(&result.error()) != nullptr;
                }});
    BOOST_TEST(limited.load());
}

BOOST_AUTO_TEST_CASE(one_permit_is_for_one_request)
{
    struct Twice : AttemptStage
    {
        Response run(Exchange& exchange, const Next& next) override
        {
            next(exchange);
            return next(exchange);
        }
    };
    always(200);
    const Client api = to().stage(std::make_shared<Twice>()).build();
    const auto error = thrown<Error>([&] { api.get("/x").send(); });
    BOOST_TEST(contains(error->what(), "twice"));
    BOOST_TEST(transport->sent().size() == 1U);
}

BOOST_AUTO_TEST_CASE(two_shapes_for_one_window_are_refused)
{
    thrown<ConfigurationError>([&] { to().limit(perMinute(100), perMinute(100).shape(Shape::Paced)).build(); });
}

BOOST_AUTO_TEST_SUITE_END()
