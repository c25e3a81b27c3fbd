#include "pipeline/Fixture.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <future>

using namespace tollgate;
using namespace tollgate::tests;
using namespace std::chrono_literals;

BOOST_FIXTURE_TEST_SUITE(RetryTest, Fixture)

BOOST_AUTO_TEST_CASE(a_get_is_repeated_after_a_passing_fault)
{
    transport->answer(503).fail(transportError<ConnectionLost>(Delivery::MaybeProcessed)).answer(200);
    const Response response = to().build().get("/x").send();
    BOOST_TEST(response.attempts().size() == 3U);
    BOOST_TEST(response.attempts()[0].status == 503);
    BOOST_TEST(response.attempts()[1].error == "ConnectionLost");
}

BOOST_AUTO_TEST_CASE(three_attempts_at_most_and_the_last_error_counts)
{
    always(502);
    const auto error = thrown<ServerError>([&] { to().build().get("/x").send(); });
    BOOST_TEST(error->attempts().size() == 3U);
    BOOST_TEST(transport->sent().size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_post_that_may_have_been_processed_is_not_repeated)
{
    transport->fail(transportError<ConnectionLost>(Delivery::MaybeProcessed)).answer(200);
    const auto error = thrown<ConnectionLost>([&] { to().build().post("/x").json("{}").send(); });
    BOOST_TEST((error->delivery() == Delivery::MaybeProcessed));
    BOOST_TEST(transport->sent().size() == 1U);
    for (const int status : {408, 500, 502, 503, 504}) {
        const Fixture other;
        other.transport->answer(status).answer(200);
        BOOST_CHECK_THROW(other.to().build().post("/x").json("{}").send(), Error);
        BOOST_TEST(other.transport->sent().size() == 1U);
    }
}

BOOST_AUTO_TEST_CASE(a_post_that_was_not_sent_or_was_refused_is_repeated)
{
    transport->fail(transportError<ConnectError>(Delivery::NotSent)).answer(429, {}, field("Retry-After", "1")).answer(200);
    BOOST_TEST(to().build().post("/x").json("{\"a\":1}").send().status() == 200);
    for (const auto& sent : transport->sent()) BOOST_TEST(sent.body == "{\"a\":1}");
}

BOOST_AUTO_TEST_CASE(the_caller_may_say_that_twice_is_as_good_or_that_it_never_is)
{
    transport->answer(500).answer(200).answer(500).answer(200).answer(500);
    const Client api = to().build();
    BOOST_TEST(api.post("/x").repeat(Repeat::Safe).send().status() == 200);
    BOOST_TEST(api.post("/x").idempotencyKey("k1").send().status() == 200);
    BOOST_TEST(transport->sent().at(3).headers.get("Idempotency-Key", "") == "k1");
    BOOST_CHECK_THROW(api.get("/x").repeat(Repeat::Never).send(), ServerError);
    BOOST_TEST(transport->sent().size() == 5U);
}

BOOST_AUTO_TEST_CASE(never_means_never_unless_nothing_was_sent)
{
    transport->fail(transportError<ConnectionLost>(Delivery::MaybeProcessed, true)).answer(200);
    BOOST_CHECK_THROW(to().build().del("/x").repeat(Repeat::Never).send(), ConnectionLost);
    const Fixture other;
    other.transport->fail(transportError<ConnectionLost>(Delivery::NotSent, true)).answer(200);
    BOOST_TEST(other.to().build().del("/x").repeat(Repeat::Never).send().status() == 200);
}

BOOST_AUTO_TEST_CASE(a_503_with_a_hint_repeats_a_post_but_not_what_must_never_run_twice)
{
    transport->answer(503, {}, field("Retry-After", "1")).answer(200);
    BOOST_TEST(to().build().post("/x").json("{}").send().status() == 200);
    const Fixture other;
    other.transport->answer(503, {}, field("Retry-After", "1")).answer(200);
    BOOST_CHECK_THROW(other.to().build().del("/x").repeat(Repeat::Never).send(), ServerError);
    BOOST_TEST(other.transport->sent().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_stale_connection_costs_neither_time_nor_budget)
{
    for (int i = 0; i < 3; ++i) transport->fail(transportError<ConnectionLost>(Delivery::NotSent, true));
    transport->answer(200);
    const TimePoint start = clock->now();
    const Response response = to().retry({2, 50ms, 1s, 20s, 60s, 0.0}).build().get("/x").send();
    BOOST_TEST(response.attempts().size() == 4U);
    BOOST_TEST((clock->now() == start));
}

BOOST_AUTO_TEST_CASE(a_stale_connection_takes_a_new_permit_and_gives_the_old_one_back)
{
    transport->fail(transportError<ConnectionLost>(Delivery::NotSent, true)).answer(200);
    const Client api = to().limit(perMinute(2)).build();
    api.get("/x").send();
    BOOST_TEST(api.quota().limits.at(0).remaining == 1U);
}

BOOST_AUTO_TEST_CASE(failures_of_trust_and_form_are_never_repeated)
{
    transport->fail(transportError<TlsError>(Delivery::NotSent));
    BOOST_CHECK_THROW(to().build().get("/x").send(), TlsError);
    transport->fail(transportError<ProtocolError>(Delivery::MaybeProcessed));
    BOOST_CHECK_THROW(to().build().get("/x").send(), ProtocolError);
    transport->fail(transportError<ResponseTooLarge>(Delivery::Answered));
    BOOST_CHECK_THROW(to().build().get("/x").send(), ResponseTooLarge);
    BOOST_TEST(transport->sent().size() == 3U);
}

BOOST_DATA_TEST_CASE_F(Fixture, errors_of_the_request_are_never_repeated,
                       boost::unit_test::data::make({400, 401, 403, 404, 405, 409, 410, 422, 501, 505}), status)
{
    always(status);
    BOOST_CHECK_THROW(to().build().get("/x").send(), Error);
    BOOST_TEST(transport->sent().size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_server_s_hint_is_waited_for)
{
    transport->answer(503, {}, field("Retry-After", "20")).answer(200);
    const TimePoint start = clock->now();
    const Response response = to().build().get("/x").send();
    BOOST_TEST((clock->now() - start >= 20s));
    BOOST_TEST((clock->now() - start <= 21s));
    BOOST_TEST(response.attempts().at(1).waitedFor == "backoff");
}

BOOST_AUTO_TEST_CASE(a_hint_beyond_the_deadline_or_a_minute_is_not_slept_through)
{
    transport->answer(429, {}, field("Retry-After", "30")).answer(503, {}, field("Retry-After", "61"));
    const TimePoint start = clock->now();
    const Client api = to().build();
    const auto error = thrown<RateLimited>([&] { api.get("/x").timeout(20s).send(); });
    BOOST_TEST((error->retryIn() == 30s));
    BOOST_TEST((clock->now() == start));
    // The limiter stays shut for everybody until then, also for a client without limits.
    const auto later = thrown<ServerError>([&] { api.get("/x").timeout(1h).send(); });
    BOOST_TEST((clock->now() - start == 30s));
    BOOST_TEST((*later->details().retryIn == 61s));
}

BOOST_AUTO_TEST_CASE(the_budget_bounds_what_repeats_add)
{
    always(503);
    const Client api = to().build();
    for (int i = 0; i < 100; ++i) BOOST_CHECK_THROW(api.get("/x").send(), ServerError);
    BOOST_TEST(transport->sent().size() == 110U);
}

BOOST_AUTO_TEST_CASE(a_body_that_cannot_be_produced_twice_is_sent_once)
{
    struct OneShot : RequestBody
    {
        bool given = false;
        std::optional<std::uint64_t> length() const override { return std::nullopt; }
        bool replayable() const override { return false; }
        void rewind() override { BOOST_ERROR("rewound"); }
        std::size_t read(char* buffer, std::size_t) override
        {
            if (std::exchange(given, true)) return 0;
            buffer[0] = 'x';
            return 1;
        }
    };
    transport->answer(503).answer(200);
    BOOST_CHECK_THROW(to().build().put("/x").body(std::make_shared<OneShot>(), "text/plain").send(), ServerError);
    BOOST_TEST(transport->sent().size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_worst_delivery_of_all_attempts_is_reported)
{
    transport->fail(transportError<ConnectionLost>(Delivery::MaybeProcessed));
    transport->fail(transportError<ConnectError>(Delivery::NotSent));
    transport->fail(transportError<ConnectError>(Delivery::NotSent));
    const auto error = thrown<ConnectError>([&] { to().build().put("/x").send(); });
    BOOST_TEST((error->delivery() == Delivery::MaybeProcessed));
    BOOST_TEST((error->attempts().at(2).delivery == Delivery::NotSent));
}

BOOST_AUTO_TEST_CASE(what_the_server_answered_once_is_never_called_not_sent)
{
    // Answered by a 502 first, then nobody was there: a caller who requeues on NotSent would repeat what was done.
    transport->answer(502)
        .fail(transportError<ConnectError>(Delivery::NotSent))
        .fail(transportError<ConnectError>(Delivery::NotSent));
    const auto error = thrown<ConnectError>([&] { to().build().put("/x").send(); });
    BOOST_TEST((error->delivery() == Delivery::MaybeProcessed));

    struct Thrower : AttemptStage
    {
        Response run(Exchange& exchange, const Next& next) override
        {
            next(exchange);
            throw std::runtime_error("after the answer");
        }
    };
    const Fixture other;
    other.always(200);
    const auto stage = thrown<Error>([&] { other.to().stage(std::make_shared<Thrower>()).build().post("/x").send(); });
    BOOST_TEST((stage->delivery() == Delivery::MaybeProcessed));
}

BOOST_AUTO_TEST_CASE(a_body_that_fails_half_way_has_been_sent)
{
    struct Failing : RequestBody
    {
        std::optional<std::uint64_t> length() const override { return std::nullopt; }
        bool replayable() const override { return false; }
        void rewind() override {}
        std::size_t read(char*, std::size_t) override { throw std::runtime_error("disk gone"); }
    };
    transport->otherwise([](Exchange& exchange) -> Response {
        exchange.attempt.delivery = Delivery::MaybeProcessed; // as the real one leaves it after the first byte
        throw std::runtime_error("disk gone");
    });
    const Client api = to().limit(perMinute(1)).retry({1}).build();
    const auto error = thrown<Error>([&] { api.post("/x").send(); });
    BOOST_TEST((error->delivery() == Delivery::MaybeProcessed));
    BOOST_TEST(error->attempts().size() == 1U);
    BOOST_TEST(api.quota().limits.at(0).remaining == 0U);
}

BOOST_AUTO_TEST_CASE(what_was_answered_is_not_repeated_because_a_stage_calls_it_lost)
{
    struct Gloomy : AttemptStage
    {
        ErrorPtr error;
        Response run(Exchange& exchange, const Next& next) override
        {
            next(exchange);
            error->rethrow();
            return {};
        }
    };
    for (const ErrorPtr& error :
         {transportError<ConnectionLost>(Delivery::NotSent), transportError<ConnectError>(Delivery::NotSent),
          transportError<Timeout>(Delivery::MaybeProcessed)})
    {
        const Fixture other;
        other.always(200);
        const auto stage = std::make_shared<Gloomy>();
        stage->error = error;
        const auto result = other.to().stage(stage).build().post("/x").json("{}").trySend();
        BOOST_REQUIRE(!result);
        BOOST_TEST((result.error().delivery() != Delivery::NotSent));
        BOOST_TEST(other.transport->sent().size() == 1U);
        BOOST_TEST(!other.to().stage(stage).build().get("/x").trySend());
        BOOST_TEST(other.transport->sent().size() == 4U); // a GET may run twice, as after any loss
    }
}

BOOST_AUTO_TEST_CASE(whatever_is_thrown_becomes_an_error)
{
    transport->otherwise([](Exchange&) -> Response { throw 42; });
    const Client api = to().limit(perMinute(5), lockout()).auth(bearer(Secret("token"))).build();
    for (int i = 0; i < 3; ++i) BOOST_CHECK_THROW(api.get("/x").timeout(1s).send(), Error); // and no canary is left behind
    const Client reviewed = to().review([](const Response&) -> std::optional<Finding> { throw std::out_of_range("at"); }).build();
    always(200);
    const auto result = reviewed.get("/x").trySend();
    BOOST_REQUIRE(!result);
    BOOST_TEST((result.error().delivery() == Delivery::Answered));

    const Client strange = to().review([](const Response&) -> std::optional<Finding> { throw 42; }).build();
    BOOST_TEST((strange.get("/x").trySend().error().delivery() == Delivery::Answered));
    std::promise<bool> failed; // and the thread that ran it goes on
    strange.get("/x").sendAsync([&failed](const Result<Response>& end) { failed.set_value(!end); });
    BOOST_TEST(failed.get_future().get());
}

BOOST_AUTO_TEST_CASE(a_produced_body_is_produced_anew_each_time)
{
    struct Produced : RequestBody
    {
        int left = 3;
        std::optional<std::uint64_t> length() const override { return std::nullopt; }
        bool replayable() const override { return true; }
        void rewind() override { left = 3; }
        std::size_t read(char* buffer, std::size_t) override
        {
            if (left == 0) return 0;
            --left;
            buffer[0] = 'x';
            return 1;
        }
    };
    transport->answer(200).answer(503).answer(200);
    const Request request = to().build().put("/x").body(std::make_shared<Produced>(), "text/plain");
    request.send();
    request.send();
    for (const auto& sent : transport->sent()) BOOST_TEST(sent.body == "xxx");
    BOOST_TEST(transport->sent().size() == 3U);
}

BOOST_AUTO_TEST_CASE(the_whole_call_ends_at_its_deadline)
{
    always(503, 10s);
    const TimePoint start = clock->now();
    BOOST_CHECK_THROW(to().build().get("/x").timeout(25s).send(), Error);
    BOOST_TEST((clock->now() - start <= 40s)); // the scripted transport heeds no deadline of its own
    thrown<Timeout>([&] { to().build().get("/x").timeout(0s).send(); });
    thrown<Timeout>([&] { to().build().get("/x").deadline(clock->now() - 1s).send(); });
}

BOOST_AUTO_TEST_CASE(a_back_off_can_be_cancelled)
{
    always(503);
    CancellationSource source;
    const Client api = to().retry({5, 20s, 20s}).build();
    clock->run({[&] {
                    const auto result = api.get("/x").cancellation(source.token()).timeout(1h).trySend();
                    BOOST_CHECK(!result && dynamic_cast<const Cancelled*>(&result.error()));
                    BOOST_CHECK(result.error().attempts().size() >= 1U);
                },
                [&] {
                    clock->parker()->park(clock->now() + 1ms); // the first attempt takes no time, its back-off does
                    source.cancel();
                }});
    source.cancel();
    BOOST_CHECK_THROW(api.get("/x").cancellation(source.token()).send(), Cancelled);
}

BOOST_AUTO_TEST_CASE(a_misdirected_request_goes_again_whatever_its_method)
{
    transport->answer(421).answer(200);
    BOOST_TEST(to().build().post("/x").json("{}").send().status() == 200);
    transport->answer(421).answer(200);
    BOOST_CHECK_THROW(to().build().post("/x").repeat(Repeat::Never).send(), HttpError);
}

BOOST_AUTO_TEST_CASE(too_large_is_repeated_only_if_the_server_says_when)
{
    transport->answer(413, {}, field("Retry-After", "3")).answer(200);
    BOOST_TEST(to().build().get("/x").send().status() == 200);
    const Fixture other;
    other.transport->answer(413).answer(200);
    BOOST_CHECK_THROW(other.to().build().get("/x").send(), HttpError);
}

BOOST_AUTO_TEST_CASE(further_statuses_are_repeated_if_asked_for_and_the_method_allows)
{
    RetryPolicy policy;
    policy.alsoOn = {423, 522};
    for (const int status : {423, 522}) {
        transport->answer(status).answer(200);
        BOOST_TEST(to().retry(policy).build().get("/x").send().status() == 200);
    }
    const Fixture other;
    other.transport->answer(522).answer(200);
    BOOST_CHECK_THROW(other.to().retry(policy).build().post("/x").send(), ServerError);
    const Fixture plain;
    plain.transport->answer(522).answer(200);
    BOOST_CHECK_THROW(plain.to().build().get("/x").send(), ServerError);
}

BOOST_AUTO_TEST_CASE(hints_in_milliseconds_and_in_the_quota_s_reset_are_waited_for)
{
    transport->answer(429, {}, field("retry-after-ms", "1500")).answer(200);
    const TimePoint start = clock->now();
    to().build().get("/x").send();
    BOOST_TEST((clock->now() - start >= 1500ms));
    BOOST_TEST((clock->now() - start < 2700ms));
    const Fixture other;
    Headers spent = field("RateLimit", "\"default\";r=0;t=7");
    other.transport->answer(429, {}, spent).answer(200);
    const TimePoint then = other.clock->now();
    other.to().build().get("/x").send();
    BOOST_TEST((other.clock->now() - then >= 7s));
    BOOST_TEST((other.clock->now() - then < 9s));
}

BOOST_AUTO_TEST_CASE(clients_of_one_origin_share_the_retry_budget)
{
    always(503);
    const Client a = to().build();
    const Client b = to().build();
    for (int i = 0; i < 50; ++i) {
        BOOST_CHECK_THROW(a.get("/x").send(), ServerError);
        BOOST_CHECK_THROW(b.get("/x").send(), ServerError);
    }
    BOOST_TEST(transport->sent().size() == 110U);
}

BOOST_AUTO_TEST_CASE(our_own_wait_is_no_word_of_the_server)
{
    always(503); // without Retry-After: it does not say that nobody acted on the POST
    const Client api = to().limit(WindowLimit(1, 2s)).build();
    BOOST_CHECK_THROW(api.post("/orders").json("{}").send(), ServerError);
    BOOST_TEST(transport->sent().size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
