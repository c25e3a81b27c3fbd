#include "pipeline/Fixture.h"

#include <boost/test/unit_test.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>

using namespace tollgate;
using namespace tollgate::tests;
using namespace std::chrono_literals;

namespace {

struct Trace
{
    std::vector<std::string> lines;
};

struct TracingCallStage : CallStage
{
    TracingCallStage(std::string name, Trace& trace) : _name(std::move(name)), _trace(trace) {}
    Verdict before(Call&) override
    {
        _trace.lines.push_back("before " + _name);
        return Verdict::proceed();
    }
    Verdict after(Call&, Outcome& outcome) override
    {
        _trace.lines.push_back("after " + _name + (outcome ? " " + std::to_string(outcome->status()) : std::string(" error")));
        return Verdict::proceed();
    }
    std::string _name;
    Trace& _trace;
};

struct TracingAttemptStage : AttemptStage
{
    explicit TracingAttemptStage(Trace& trace) : _trace(trace) {}
    Response run(Exchange& exchange, const Next& next) override
    {
        _trace.lines.push_back("in");
        BOOST_CHECK(!exchange.headers.has("Authorization"));
        exchange.headers.set("X-Stage", "was here");
        Response response = next(exchange);
        BOOST_CHECK(!exchange.headers.has("Authorization"));
        _trace.lines.push_back("out");
        return response;
    }
    Trace& _trace;
};

/// Fetches a token by password before the first call, as OAuth's client credentials do.
struct TokenAuth : AuthStrategy
{
    std::mutex mutex;
    Secret token;
    std::atomic<int> learned{0};
    bool refuse = false;
    std::function<void()> beforeLearning;
    CancellationToken own; ///< of the token request

    Identity identity() const override { return {{}, "token account", {}}; }
    Carriers carriers() const override { return {{"Authorization"}, {}}; }
    Acquired acquire(const AuthContext& context) override
    {
        const std::lock_guard<std::mutex> lock(mutex);
        if (token.empty()) return Request("POST", "/token").cancellation(own);
        return std::get<CredentialPtr>(bearer(token)->acquire(context));
    }
    void learn(const Result<Response>& outcome) override
    {
        ++learned;
        if (beforeLearning) beforeLearning();
        const std::lock_guard<std::mutex> lock(mutex);
        if (refuse || !outcome || outcome->status() != 200) throw InvalidCredential("the token endpoint refused");
        token = Secret(outcome->body());
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(StageTest, Fixture)

BOOST_AUTO_TEST_CASE(user_stages_stand_where_the_design_says)
{
    Trace trace;
    transport->answer(503).answer(200);
    const Client api = to().auth(bearer(Secret("token")))
                           .stage(std::make_shared<TracingCallStage>("one", trace))
                           .stage(std::make_shared<TracingCallStage>("two", trace))
                           .stage(std::make_shared<TracingAttemptStage>(trace))
                           .build();
    api.get("/x").send();
    // Call stages once a call, attempt stages once an attempt.
    const std::vector<std::string> expected{"before one", "before two",    "in",           "out", "in",
                                            "out",        "after two 200", "after one 200"};
    BOOST_TEST(trace.lines == expected, boost::test_tools::per_element());
    BOOST_TEST(transport->sent().at(1).headers.get("X-Stage", "") == "was here");
    BOOST_TEST(transport->sent().at(1).headers.get("Authorization", "") == "Bearer token");
}

BOOST_AUTO_TEST_CASE(a_call_stage_may_answer_by_itself)
{
    struct Canned : CallStage
    {
        Verdict before(Call& call) override
        {
            if (call.request().target() != "/canned") return Verdict::proceed();
            ResponseHead head;
            head.status = 200;
            return Verdict::answer(Response(head, std::string("from the stage")));
        }
    };
    always(404);
    const Client api = to().stage(std::make_shared<Canned>()).build();
    BOOST_TEST(api.get("/canned").send().body() == "from the stage");
    BOOST_TEST(transport->sent().empty());
    BOOST_CHECK_THROW(api.get("/x").send(), NotFound);
}

BOOST_AUTO_TEST_CASE(a_call_stage_may_wait_and_replace_the_outcome)
{
    struct Patient : CallStage
    {
        Verdict before(Call& call) override
        {
            TimePoint& until = call.slot<TimePoint>(*this);
            if (until == TimePoint{}) until = call.clock().now() + 7s;
            return call.clock().now() < until ? Verdict::wait(until, "tea") : Verdict::proceed();
        }
        Verdict after(Call&, Outcome& outcome) override
        {
            if (outcome && outcome->status() == 404) return Verdict::answer(ErrorPtr(std::make_shared<Error>("replaced")));
            return Verdict::proceed();
        }
    };
    transport->answer(200).answer(404);
    const Client api = to().stage(std::make_shared<Patient>()).build();
    const Response response = api.get("/x").send();
    BOOST_TEST(response.attempts().at(0).waitedFor == "tea");
    BOOST_TEST((response.attempts().at(0).waited == 7s));
    BOOST_TEST(std::string(thrown<Error>([&] { api.get("/x").send(); })->what()) == "replaced");
}

BOOST_AUTO_TEST_CASE(what_a_stage_throws_becomes_an_error_and_the_permit_comes_back)
{
    struct Broken : AttemptStage
    {
        Response run(Exchange&, const Next&) override { throw std::runtime_error("broken stage"); }
    };
    const Client api = to().limit(perMinute(1)).stage(std::make_shared<Broken>()).build();
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(contains(thrown<Error>([&] { api.get("/x").timeout(1s).send(); })->what(), "broken stage"));
    BOOST_TEST(transport->sent().empty());
}

BOOST_AUTO_TEST_CASE(a_strategy_may_have_a_request_answered_first)
{
    transport->answer(200, "fetched-token").answer(200);
    const auto auth = std::make_shared<TokenAuth>();
    const Client api = to().auth(auth).build();
    api.get("/x").send();
    const auto sent = transport->sent();
    BOOST_REQUIRE(sent.size() == 2U);
    BOOST_TEST(sent[0].url == "https://api.example.com/v1/token");
    BOOST_TEST(!sent[0].headers.has("Authorization"));
    BOOST_TEST(sent[1].headers.get("Authorization", "") == "Bearer fetched-token");
}

BOOST_AUTO_TEST_CASE(many_calls_share_one_token_request)
{
    transport->otherwise([this](Exchange& exchange) {
        clock->parker()->park(clock->now() + 100ms);
        ResponseHead head;
        head.status = 200;
        return Response(head, std::string(contains(exchange.url.text(), "/token") ? "fetched-token" : ""));
    });
    const auto auth = std::make_shared<TokenAuth>();
    const Client api = to().auth(auth).build();
    std::atomic<int> fine{0}, async{0};
    std::mutex mutex;
    std::condition_variable all;
    for (int i = 0; i < 8; ++i)
        api.get("/y").sendAsync([&](Result<Response> result) {
            const std::lock_guard<std::mutex> lock(mutex);
            async += static_cast<bool>(result);
            all.notify_all();
        });
    clock->run(std::vector<std::function<void()>>(8, [&] { fine += api.get("/x").send().status() == 200; }));
    clock->leave();
    {
        std::unique_lock<std::mutex> lock(mutex);
        all.wait(lock, [&] { return async == 8; });
    }
    clock->enter();
    BOOST_TEST(fine.load() == 8);
    BOOST_TEST(auth->learned.load() == 1);
}

BOOST_AUTO_TEST_CASE(a_strategy_that_throws_anything_leaves_no_flight_behind)
{
    transport->otherwise([](Exchange&) {
        ResponseHead head;
        head.status = 200;
        return Response(head, std::string("fetched-token"));
    });
    const auto auth = std::make_shared<TokenAuth>();
    auth->beforeLearning = [] { throw 42; };
    const Client api = to().auth(auth).build();
    for (int i = 1; i <= 3; ++i) {
        BOOST_TEST(contains(api.get("/x").timeout(2s).trySend().error().what(), "could not use the token answer"));
        BOOST_TEST(auth->learned == i);
    }
    auth->beforeLearning = {};
    BOOST_TEST(api.get("/x").timeout(2s).send().status() == 200);
}

BOOST_AUTO_TEST_CASE(a_token_request_with_a_token_of_its_own_ends_with_its_call_too)
{
    for (const bool own : {false, true}) {
        CancellationSource ours, theirs;
        const Fixture other;
        other.transport->otherwise([&](Exchange& exchange) -> Response {
            BOOST_TEST(!exchange.cancellation.isCancelled());
            (own ? theirs : ours).cancel();
            BOOST_TEST(exchange.cancellation.isCancelled());
            throw Cancelled("scripted");
        });
        const auto auth = std::make_shared<TokenAuth>();
        auth->own = theirs.token();
        const Client api = other.to().auth(auth).build();
        BOOST_TEST(!api.get("/x").cancellation(ours.token()).timeout(1h).trySend());
    }
}

BOOST_AUTO_TEST_CASE(a_stage_may_cancel_a_call_in_mid_exchange)
{
    struct Watchful : CallStage
    {
        Call* call = nullptr;
        Verdict before(Call& each) override
        {
            call = &each;
            return Verdict::proceed();
        }
    };
    for (const bool byStage : {false, true}) {
        const Fixture other;
        const auto stage = std::make_shared<Watchful>();
        CancellationSource source;
        other.transport->otherwise([&](Exchange& exchange) -> Response {
            BOOST_TEST(!exchange.cancellation.isCancelled());
            byStage ? stage->call->cancel() : source.cancel();
            BOOST_TEST(exchange.cancellation.isCancelled());
            throw Cancelled("scripted");
        });
        const Client api = other.to().stage(stage).build();
        thrown<Cancelled>([&] { api.get("/x").cancellation(source.token()).send(); });
        BOOST_TEST(other.transport->sent().size() == 1U);

        const Client fetching = other.to().stage(stage).auth(std::make_shared<TokenAuth>()).build(); // in mid token request
        CancellationSource another;
        std::swap(source, another);
        thrown<Cancelled>([&] { fetching.get("/x").cancellation(source.token()).send(); });
        BOOST_TEST(other.transport->sent().size() == 2U);
    }
}

BOOST_AUTO_TEST_CASE(a_token_request_that_is_lost_behind_an_answer_is_tried_again)
{
    struct Forgiving : TokenAuth
    {
        Acquired acquire(const AuthContext&) override
        {
            return ++asked == 2 || asked == 3 ? Acquired(Request("POST", "/token"))
                                              : bearer(Secret("a-token"))->acquire({Request("GET", "/"), {}, {}});
        }
        void learn(const Result<Response>& outcome) override
        {
            if (!outcome) outcome.error().rethrow();
        }
        int asked = 0;
    };
    transport->answer(503, {}, field("Retry-After", "1"))
        .fail(transportError<ConnectError>(Delivery::NotSent))
        .fail(transportError<ConnectError>(Delivery::NotSent))
        .fail(transportError<ConnectError>(Delivery::NotSent))
        .answer(200)
        .answer(200);
    const Client api = to().auth(std::make_shared<Forgiving>()).build();
    BOOST_TEST(api.post("/x").json("{}").send().status() == 200);
}

BOOST_AUTO_TEST_CASE(a_token_request_that_fails_fails_those_who_wait)
{
    always(500);
    const auto auth = std::make_shared<TokenAuth>();
    const Client api = to().auth(auth).retry({1}).build();
    thrown<InvalidCredential>([&] { api.get("/x").send(); });
    BOOST_TEST(auth->learned.load() == 1);
    BOOST_TEST(transport->sent().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_strategy_that_is_never_satisfied_is_told_so)
{
    struct Insatiable : TokenAuth
    {
        Acquired acquire(const AuthContext&) override { return Request("POST", "/token"); }
        void learn(const Result<Response>&) override { ++learned; }
    };
    always(200);
    const auto auth = std::make_shared<Insatiable>();
    const Client api = to().auth(auth).build();
    thrown<ConfigurationError>([&] { api.get("/x").send(); });
    BOOST_TEST(auth->learned.load() == 3);
}

// Tokens that are good for one call: others may be quicker many times over, and that is nobody's error. But it has an end.
BOOST_AUTO_TEST_CASE(a_call_whose_tokens_others_took_asks_again)
{
    struct OneUse : TokenAuth
    {
        std::optional<Client> api;
        int stock = 0, taken = 0, quicker = 0;
        Acquired acquire(const AuthContext& context) override
        {
            if (stock > 0 && context.request.target() == "/slow" && taken < quicker) {
                ++taken;
                api->get("/quick").send();
            }
            if (stock == 0) return Request("POST", "/token");
            --stock;
            return std::get<CredentialPtr>(bearer(Secret("one-use-token"))->acquire(context));
        }
        void learn(const Result<Response>&) override { ++stock; }
    };
    always(200);
    const auto auth = std::make_shared<OneUse>();
    auth->api = to().auth(auth).build();
    auth->quicker = 99;
    BOOST_TEST(auth->api->get("/slow").send().status() == 200);
    auth->quicker = 1000;
    auth->taken = 0;
    thrown<ConfigurationError>([&] { auth->api->get("/slow").send(); });
    BOOST_TEST(auth->taken == 100);
    auth->api.reset(); // a client holds its strategy
}

BOOST_AUTO_TEST_CASE(a_leader_that_is_cancelled_is_replaced)
{
    transport->otherwise([this](Exchange& exchange) {
        clock->parker()->park(clock->now() + 10s);
        if (exchange.cancellation.isCancelled()) throw Cancelled("cancelled");
        ResponseHead head;
        head.status = 200;
        return Response(head, std::string(contains(exchange.url.text(), "/token") ? "fetched-token" : ""));
    });
    const auto auth = std::make_shared<TokenAuth>();
    const Client api = to().auth(auth).build();
    CancellationSource source;
    clock->run({[&] {
                    const auto result = api.get("/leader").cancellation(source.token()).trySend();
                    BOOST_CHECK(!result);
                },
                [&] {
                    clock->parker()->park(clock->now() + 1s);
                    source.cancel();
                },
                [&] {
                    clock->parker()->park(clock->now() + 2s);
                    const auto result = api.get("/follower").timeout(1min).trySend();
                    if (!result) BOOST_ERROR(result.error().what());
                }});
    BOOST_TEST(auth->learned.load() >= 1);
}

BOOST_AUTO_TEST_CASE(a_token_flight_may_outlive_its_client)
{
    transport->otherwise([this](Exchange& exchange) {
        const bool token = contains(exchange.url.text(), "/token");
        if (token) clock->parker()->park(clock->now() + 10s);
        ResponseHead head;
        head.status = 200;
        return Response(head, std::string("fetched-token"));
    });
    const auto auth = std::make_shared<TokenAuth>();
    std::promise<bool> answered;
    {
        const Client api = to().auth(auth).build();
        api.get("/x").timeout(1s).sendAsync(
            [&answered](Result<Response> result) { answered.set_value(static_cast<bool>(result)); });
    } // the call held the last reference to the client's core; its token request flies on
    clock->leave();
    BOOST_TEST(!answered.get_future().get());
    const auto idle = clock->parker();
    clock->enter();
    idle->park(clock->now() + 60s);
    BOOST_TEST(auth->learned.load() == 1);
}

BOOST_AUTO_TEST_CASE(asynchronous_calls_work_in_a_forked_child)
{
    const auto real = testing::ScriptedTransport::create();
    real->otherwise([](Exchange&) {
        ResponseHead head;
        head.status = 200;
        return Response(head, std::string());
    });
    const Client api = Client::to("https://api.example.com").transport(real).build();
    const auto call = [&api] {
        std::promise<bool> answered;
        api.get("/x").sendAsync([&answered](Result<Response> result) { answered.set_value(static_cast<bool>(result)); });
        auto future = answered.get_future();
        return future.wait_for(20s) == std::future_status::ready && future.get(); // a hang is what would be wrong
    };
    BOOST_TEST(call());
    const pid_t child = ::fork();
    if (child == 0) ::_exit(call() ? 0 : 1);
    int status = -1;
    ::waitpid(child, &status, 0);
    BOOST_TEST(WIFEXITED(status));
    BOOST_TEST(WEXITSTATUS(status) == 0);
}

BOOST_AUTO_TEST_CASE(a_callback_may_drop_the_last_reference_to_everything)
{
    auto real = testing::ScriptedTransport::create();
    real->otherwise([](Exchange&) {
        ResponseHead head;
        head.status = 200;
        return Response(head, std::string());
    });
    std::mutex mutex;
    std::condition_variable all;
    bool done = false;
    {
        auto api = std::make_shared<Client>(Client::to("https://api.example.com").transport(real).build());
        real.reset();
        Client copy = *api;
        copy.get("/x").sendAsync([api = std::move(api), &mutex, &all, &done](Result<Response>) mutable {
            api.reset();
            const std::lock_guard<std::mutex> lock(mutex);
            done = true;
            all.notify_all();
        });
    }
    std::unique_lock<std::mutex> lock(mutex);
    all.wait(lock, [&] { return done; });
    BOOST_TEST(done);
}

BOOST_AUTO_TEST_SUITE_END()
