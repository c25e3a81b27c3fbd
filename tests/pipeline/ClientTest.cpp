#include "pipeline/Fixture.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace tollgate;
using namespace tollgate::tests;
using namespace std::chrono_literals;

BOOST_FIXTURE_TEST_SUITE(ClientTest, Fixture)

BOOST_AUTO_TEST_CASE(sends_what_the_request_says)
{
    transport->answer(200, "hello", field("X-Request-Id", "id-7"));
    const Client api = to().userAgent("AcmeCRM/1.0").header("Accept", "application/json").auth(bearer(Secret("token-1"))).build();
    const Response response = api.post("/bots").query("page", "2 3").header("X-A", "b").json("{}").send();
    BOOST_TEST(response.body() == "hello");
    BOOST_TEST(response.requestId() == "id-7");
    BOOST_TEST(response.attempts().size() == 1U);

    const auto sent = transport->sent().at(0);
    BOOST_TEST(sent.method == "POST");
    BOOST_TEST(sent.url == "https://api.example.com/v1/bots?page=2%203");
    BOOST_TEST(sent.body == "{}");
    BOOST_TEST(sent.headers.get("Authorization", "") == "Bearer token-1");
    BOOST_TEST(sent.headers.get("User-Agent", "") == "AcmeCRM/1.0");
    BOOST_TEST(sent.headers.get("Accept", "") == "application/json");
    BOOST_TEST(sent.headers.get("Content-Type", "") == "application/json");
    BOOST_TEST(sent.headers.get("X-A", "") == "b");
}

BOOST_AUTO_TEST_CASE(a_user_agent_is_never_missing)
{
    transport->answer(200);
    to().build().get("/").send();
    BOOST_TEST(std::string(transport->sent()[0].headers.get("User-Agent", "")) == std::string("tollgate/") + version());
}

BOOST_AUTO_TEST_CASE(a_request_is_a_value_that_may_be_sent_again)
{
    always(200);
    const Client api = to().build();
    const Request request = api.post("/x").json("[1]");
    request.send();
    request.send();
    api.send(Request("GET", "/y"));
    BOOST_TEST(transport->sent().size() == 3U);
    BOOST_TEST(transport->sent()[1].body == "[1]");
    thrown<InvalidRequest>([] { Request("GET", "/").send(); });
}

struct Case
{
    int status;
    const char* type;
};
std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.status; }
const Case cases[] = {{400, "BadRequest"},  {401, "CredentialRejected"}, {402, "HttpError"},   {403, "PermissionDenied"},
                      {404, "NotFound"},    {405, "HttpError"},          {410, "NotFound"},    {422, "BadRequest"},
                      {429, "RateLimited"}, {500, "ServerError"},        {503, "ServerError"}, {599, "ServerError"}};

BOOST_DATA_TEST_CASE(every_error_status_has_its_type, boost::unit_test::data::make(cases), one)
{
    transport->answer(one.status, "{\"error\":\"no\"}", field("X-Request-Id", "r1"));
    const auto result = to().retry({1}).build().get("/x").trySend();
    BOOST_REQUIRE(!result);
    BOOST_TEST(std::string(result.error().name()) == one.type);
    BOOST_TEST(result.error().status() == one.status);
    BOOST_TEST(result.error().requestId() == "r1");
    BOOST_TEST(result.error().response()->body() == "{\"error\":\"no\"}");
    BOOST_TEST((result.error().delivery() == Delivery::Answered));
    BOOST_TEST(contains(result.error().what(), "{\"error\":\"no\"}"));
    BOOST_TEST(result.error().attempts().size() == 1U);
}

BOOST_AUTO_TEST_CASE(redirects_and_not_modified_are_answers)
{
    transport->answer(304).answer(302);
    const Client api = to().build();
    BOOST_TEST(api.get("/").send().status() == 304);
    BOOST_TEST(api.get("/").send().status() == 302);
}

BOOST_AUTO_TEST_CASE(a_server_that_echoes_the_secret_does_not_get_it_into_the_error)
{
    transport->answer(400,
                      "bad header Basic dXNlcjpwYXNzd29yZC0xMjM= or password-123 or site%2Fone or site%2fone or site\\/one or "
                      "site/one");
    const auto error = thrown<BadRequest>(
        [&] { to().auth(basicWithSite(Secret("user"), Secret("password-123"), Secret("site/one"))).build().get("/x").send(); });
    BOOST_TEST(!contains(error->what(), "password-123"));
    BOOST_TEST(!contains(error->what(), "dXNlcjpwYXNzd29yZC0xMjM="));
    BOOST_TEST(!contains(error->what(), "site/one"));
    BOOST_TEST(!contains(error->what(), "one"));
    BOOST_TEST(contains(error->what(), "bad header Basic ***"));
}

BOOST_AUTO_TEST_CASE(a_secret_across_the_cut_is_not_shown_by_half)
{
    transport->answer(400, std::string(190, 'x') + "secret-token-0123456789");
    const auto error = thrown<BadRequest>([&] { to().auth(bearer(Secret("secret-token-0123456789"))).build().get("/x").send(); });
    BOOST_TEST(!contains(error->what(), "secret-tok"));
    BOOST_TEST(contains(error->what(), "xxx***"));
}

BOOST_AUTO_TEST_CASE(long_bodies_are_cut_and_control_characters_taken_out)
{
    transport->answer(500, std::string(150, 'a') + "\x1b[31m\r\n" + std::string(300, 'b'));
    const auto error = thrown<ServerError>([&] { to().retry({1}).build().get("/x").send(); });
    const std::string text = error->what();
    BOOST_TEST(text.find('\x1b') == std::string::npos);
    BOOST_TEST(text.find('\n') == std::string::npos);
    BOOST_TEST(!contains(text, std::string(60, 'b')));
}

BOOST_AUTO_TEST_CASE(a_review_puts_the_provider_s_words_and_may_object_to_a_200)
{
    always(200);
    const Client api = to().review([](const Response&) {
                               Finding finding;
                               finding.kind = Finding::Kind::Blocked;
                               finding.message = "a page instead of the API";
                               finding.hint = "Set a User-Agent.";
                               finding.support = "Ask support@example.com.";
                               return std::optional<Finding>(finding);
                           })
                           .build();
    const auto error = thrown<Blocked>([&] { api.get("/x").send(); });
    BOOST_TEST(std::string(error->what()) == "a page instead of the API. Set a User-Agent. Ask support@example.com.");
    BOOST_TEST(error->status() == 200);
}

BOOST_AUTO_TEST_CASE(a_review_that_quotes_the_key_is_redacted)
{
    always(200);
    const Client api = to().auth(bearer(Secret("secret-token-0123456789")))
                           .review([](const Response&) {
                               Finding finding;
                               finding.kind = Finding::Kind::Blocked;
                               finding.message = finding.hint = finding.support = "It says secret-token-0123456789.";
                               return std::optional<Finding>(finding);
                           })
                           .build();
    const auto error = thrown<Blocked>([&] { api.get("/x").send(); });
    BOOST_TEST(std::string(error->what()) == "It says ***. It says ***. It says ***.");
}

BOOST_AUTO_TEST_CASE(the_url_is_shown_without_the_site)
{
    struct Recorder : Observer
    {
        std::vector<std::string> urls;
        void onAttempt(const AttemptRecord& record) override { urls.push_back(record.method + ' ' + record.url); }
    };
    const auto recorder = std::make_shared<Recorder>();
    always(404);
    const Client api =
        to().auth(basicWithSite(Secret("pk_12345"), Secret("sk_12345"), Secret("site-uuid-12345"))).observer(recorder).build();
    const auto error = thrown<NotFound>([&] { api.get("/x?a=1&b=site-uuid-12345").send(); });
    BOOST_TEST(recorder->urls.at(0) == "GET https://api.example.com/v1/x?a=1&b=***&site_uuid=***");
    BOOST_TEST(!contains(error->what(), "site-uuid-12345"));
}

BOOST_AUTO_TEST_CASE(a_foreign_url_gets_no_credential)
{
    always(200);
    const Client api =
        to().auth(basicWithSite(Secret("pk_12345"), Secret("sk_12345"), Secret("site-uuid"))).header("X-Api-Key", "k").build();
    api.get("https://elsewhere.example.com/x").send();
    api.get("https://api.example.com:8443/x").send();
    for (const auto& sent : transport->sent()) {
        BOOST_TEST(!sent.headers.has("Authorization"));
        BOOST_TEST(!sent.headers.has("X-Api-Key"));
        BOOST_TEST(!contains(sent.url, "site_uuid"));
    }
}

BOOST_AUTO_TEST_CASE(counters_and_quota)
{
    always(200);
    const Client api = to().limit(perMinute(5), perHour(100).forPath("/a")).build();
    api.get("/a").send();
    api.get("/b").send();
    BOOST_TEST(api.stats().calls == 2U);
    BOOST_TEST(api.stats().attempts == 2U);
    const auto quota = api.quota().limits;
    BOOST_TEST(quota.at(0).remaining == 3U);
    BOOST_TEST(quota.at(1).remaining == 99U);
    BOOST_TEST(quota.at(1).limit == "100 requests per 3600 s on /a");
    BOOST_TEST((quota.at(0).nextFree == 0s));
}

BOOST_AUTO_TEST_CASE(open_leaves_the_body_to_the_caller)
{
    struct Pieces : BodySource
    {
        int left = 3;
        std::size_t read(char* buffer, std::size_t) override
        {
            if (left == 0) return 0;
            --left;
            buffer[0] = 'x';
            return 1;
        }
    };
    transport->otherwise([](Exchange& exchange) {
        ResponseHead head;
        head.status = contains(exchange.url.text(), "bad") ? 500 : 200;
        return Response(head, std::make_shared<Pieces>());
    });
    const Client api = to().retry({1}).build();
    Response response = api.get("/x").open();
    BOOST_TEST(response.body().empty());
    char piece[8];
    int count = 0;
    while (response.read(piece, sizeof piece) > 0) ++count;
    BOOST_TEST(count == 3);
    // An error's body is taken in at once.
    const auto error = thrown<ServerError>([&] { api.get("/bad").open(); });
    BOOST_TEST(error->response()->body() == "xxx");
    BOOST_TEST(api.get("/x").send().body() == "xxx");
    // A review judges complete answers only.
    const Client reviewed = to().review([](const Response& complete) {
                                    Finding finding;
                                    finding.kind = Finding::Kind::Content;
                                    return complete.body().empty() ? std::optional<Finding>(finding) : std::nullopt;
                                })
                                .build();
    BOOST_TEST(reviewed.get("/x").open().status() == 200);
}

BOOST_AUTO_TEST_SUITE_END()
