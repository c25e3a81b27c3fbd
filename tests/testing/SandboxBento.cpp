// The promises N1 to N10 of Bento's pages, and what the sandbox's Bento does with what it is given.

#include "RawClient.h"

#include "tollgate/Json.h"
#include "tollgate/testing/Sandbox.h"
#include "tollgate/testing/VirtualClock.h"

#include <Poco/Base64Encoder.h>

#include <boost/test/unit_test.hpp>

#include <sstream>

using namespace tollgate::testing;
using namespace std::chrono_literals;
using tollgate::parseJson;

namespace {

std::string base64(const std::string& text)
{
    std::ostringstream out;
    Poco::Base64Encoder encoder(out);
    encoder.rdbuf()->setLineLength(0);
    encoder << text;
    encoder.close();
    return out.str();
}

struct Fixture
{
    explicit Fixture(SandboxOptions options = {}) : sandbox(prepared(std::move(options))) {}

    SandboxOptions prepared(SandboxOptions options)
    {
        options.clock = clock;
        return options;
    }

    std::string authorization() const
    {
        return "Authorization: Basic " + base64(sandbox.bento().publishableKey + ":" + sandbox.bento().secretKey);
    }

    std::string withSite(const std::string& path) const
    {
        return path + (path.find('?') == std::string::npos ? "?" : "&") + "site_uuid=" + sandbox.bento().siteUuid;
    }

    RawResponse send(const std::string& method, const std::string& path, const std::vector<std::string>& fields,
                     const std::string& body = {}) const
    {
        return once(sandbox.baseUrl(Provider::Bento), method, path, fields, body);
    }

    RawResponse get(const std::string& path) const
    {
        return send("GET", withSite(path), {authorization(), "User-Agent: AcmeCRM/1.0"});
    }

    RawResponse post(const std::string& path, const std::string& body, const std::string& method = "POST") const
    {
        return send(method, withSite(path), {authorization(), "User-Agent: AcmeCRM/1.0", "Content-Type: application/json"}, body);
    }

    std::shared_ptr<VirtualClock> clock = VirtualClock::create();
    Sandbox sandbox;
};

Poco::JSON::Object::Ptr object(const RawResponse& response)
{
    return parseJson(response.body).extract<Poco::JSON::Object::Ptr>();
}

Poco::JSON::Object::Ptr attributes(const RawResponse& response)
{
    return object(response)->getObject("data")->getObject("attributes");
}

std::string manySubscribers(int count, const std::string& rest = {})
{
    std::string rows;
    for (int i = 0; i < count; ++i)
        rows += (rows.empty() ? "" : ",") + std::string(R"({"email":"user)") + std::to_string(i) + R"(@example.com"})";
    return R"({"subscribers":[)" + rows + rest + "]}";
}

} // namespace

BOOST_AUTO_TEST_SUITE(SandboxBento)

BOOST_AUTO_TEST_CASE(N1_a_valid_pair_and_site_succeed)
{
    const Fixture f;
    BOOST_TEST(f.get("/fetch/tags").status == 200);
    BOOST_TEST(f.sandbox.bento().publishableKey.rfind("pk_", 0) == 0U);
    BOOST_TEST(f.sandbox.bento().secretKey.rfind("sk_", 0) == 0U);
    BOOST_TEST(f.sandbox.bento().siteUuid.size() == 36U);
}

BOOST_AUTO_TEST_CASE(N2_a_missing_site_uuid_is_401_for_every_method)
{
    const Fixture f;
    BOOST_TEST(f.send("GET", "/fetch/tags", {f.authorization(), "User-Agent: A/1"}).status == 401);
    const auto post = f.send("POST", "/fetch/tags", {f.authorization(), "User-Agent: A/1", "Content-Type: application/json"},
                             R"({"tag":{"name":"x"}})");
    BOOST_TEST(post.status == 401);
    BOOST_TEST(f.send("GET", "/experimental/validation", {f.authorization(), "User-Agent: A/1"}).status == 401);
}

BOOST_AUTO_TEST_CASE(N2_the_site_uuid_of_a_json_body_is_accepted_too)
{
    const Fixture f;
    const auto body = R"({"tag":{"name":"x"},"site_uuid":")" + f.sandbox.bento().siteUuid + "\"}";
    const auto answer =
        f.send("POST", "/fetch/tags", {f.authorization(), "User-Agent: A/1", "Content-Type: application/json"}, body);
    BOOST_TEST(answer.status == 201);
}

BOOST_AUTO_TEST_CASE(N3_wrong_credentials_and_a_wrong_site_are_401)
{
    const Fixture f;
    const auto wrongKeys =
        f.send("GET", f.withSite("/fetch/tags"), {"Authorization: Basic " + base64("pk_no:sk_no"), "User-Agent: A/1"});
    BOOST_TEST(wrongKeys.status == 401);
    BOOST_TEST(wrongKeys.headers.has("WWW-Authenticate"));
    BOOST_TEST(wrongKeys.body.find("Access denied") != std::string::npos);
    BOOST_TEST(f.send("GET", f.withSite("/fetch/tags"), {"User-Agent: A/1"}).status == 401);
    const auto wrongSite =
        f.send("GET", "/fetch/tags?site_uuid=11111111-2222-3333-4444-555555555555", {f.authorization(), "User-Agent: A/1"});
    BOOST_TEST(wrongSite.status == 401);
}

BOOST_AUTO_TEST_CASE(N4_a_missing_or_empty_user_agent_is_blocked_with_html)
{
    const Fixture f;
    for (const auto& fields : std::vector<std::vector<std::string>>{{f.authorization()}, {f.authorization(), "User-Agent: "}}) {
        const auto answer = f.send("GET", f.withSite("/fetch/tags"), fields);
        BOOST_TEST(answer.status == 403);
        BOOST_TEST(answer.headers.get("Content-Type", "").find("text/html") == 0U);
        BOOST_TEST(answer.body.find("BLOCKED") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(N5_a_blocked_account_is_403)
{
    Fixture f;
    f.sandbox.inject(Provider::Bento, Fault::answer(403));
    BOOST_TEST(f.get("/fetch/tags").status == 403);
    BOOST_TEST(f.get("/fetch/tags").status == 200);
}

BOOST_AUTO_TEST_CASE(N6_malformed_is_400_over_the_limit_429_and_a_fault_500)
{
    SandboxOptions options;
    options.bentoPerWindow = 2;
    Fixture f(options);
    BOOST_TEST(f.post("/batch/events", R"({"events":)").status == 400);
    f.sandbox.inject(Provider::Bento, Fault::answer(500));
    BOOST_TEST(f.get("/fetch/tags").status == 500);
    BOOST_TEST(f.get("/fetch/tags").status == 200);
    BOOST_TEST(f.get("/fetch/tags").status == 200);
    const auto refused = f.get("/fetch/tags");
    BOOST_TEST(refused.status == 429);
    BOOST_TEST(refused.headers.get("Retry-After", "") == "60");
    BOOST_TEST(f.sandbox.throttled() == 1U);
}

BOOST_AUTO_TEST_CASE(N6_json_that_nests_too_deep_is_400)
{
    const Fixture f;
    const auto nested = [](std::size_t depth) {
        return R"({"tag":{"name":"x"},"more":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
    };
    BOOST_TEST(f.post("/fetch/tags", nested(50)).status == 201);
    BOOST_TEST(f.post("/fetch/tags", nested(100'000)).status == 400);
}

BOOST_AUTO_TEST_CASE(N7_each_family_has_100_requests_a_minute_of_its_own)
{
    const Fixture f;
    RawClient client(f.sandbox.baseUrl(Provider::Bento));
    const auto statusOf = [&](const std::string& method, const std::string& path, const std::string& body) {
        return client
            .request(method, f.withSite(path), {f.authorization(), "User-Agent: A/1", "Content-Type: application/json"}, body)
            .status;
    };
    const auto email = std::string(R"({"email":"a@example.com"})");
    for (int i = 0; i < 100; ++i) {
        BOOST_REQUIRE(statusOf("GET", "/fetch/tags", "") == 200);
        BOOST_REQUIRE(statusOf("POST", "/batch/subscribers", R"({"subscribers":[{"email":"a@example.com"}]})") == 200);
        BOOST_REQUIRE(statusOf("POST", "/experimental/validation", email) == 200);
    }
    BOOST_TEST(statusOf("GET", "/fetch/fields", "") == 429);
    BOOST_TEST(statusOf("POST", "/batch/events", "{}") == 429);
    BOOST_TEST(statusOf("POST", "/experimental/validation", email) == 429);
    f.clock->advance(59s);
    BOOST_TEST(statusOf("GET", "/fetch/tags", "") == 429);
    f.clock->advance(1s);
    BOOST_TEST(statusOf("GET", "/fetch/tags", "") == 200);
}

BOOST_AUTO_TEST_CASE(a_limit_of_zero_is_none_and_stats_has_30_an_hour)
{
    SandboxOptions options;
    options.bentoPerWindow = 0;
    const Fixture unlimited(options);
    for (int i = 0; i < 150; ++i) BOOST_REQUIRE(unlimited.get("/stats/site").status == 200);
    const Fixture f;
    for (int i = 0; i < 30; ++i) BOOST_REQUIRE(f.get("/stats/site").status == 200);
    BOOST_TEST(f.get("/stats/site").status == 429);
    f.clock->advance(1h);
    BOOST_TEST(f.get("/stats/site").status == 200);
}

BOOST_AUTO_TEST_CASE(N8_userinfo_arrives_as_basic_and_is_not_recorded)
{
    const Fixture f;
    // What a client makes of https://pk:sk@host/...: the same Authorization field.
    BOOST_TEST(f.get("/fetch/tags").status == 200);
    const auto records = f.sandbox.requests(Provider::Bento);
    BOOST_REQUIRE(records.size() == 1U);
    BOOST_TEST(records[0].headers.get("Authorization", "") == "***");
    BOOST_TEST(records[0].target == "/api/v1/fetch/tags?site_uuid=***");
}

BOOST_AUTO_TEST_CASE(N9_content_type_is_required_for_post_only)
{
    const Fixture f;
    const auto without =
        f.send("POST", f.withSite("/fetch/tags"), {f.authorization(), "User-Agent: A/1"}, R"({"tag":{"name":"x"}})");
    BOOST_TEST(without.status == 400);
    const auto other = f.send("POST", f.withSite("/fetch/tags"),
                              {f.authorization(), "User-Agent: A/1", "Content-Type: text/plain"}, R"({"tag":{"name":"x"}})");
    BOOST_TEST(other.status == 400);
    const auto charset = f.send("POST", f.withSite("/fetch/tags"),
                                {f.authorization(), "User-Agent: A/1", "Content-Type: application/json; charset=utf-8"},
                                R"({"tag":{"name":"x"}})");
    BOOST_TEST(charset.status == 201);
    BOOST_TEST(f.get("/fetch/tags").status == 200);
}

BOOST_AUTO_TEST_CASE(N10_wrapped_base64_is_refused)
{
    const Fixture f;
    auto wrapped = f.authorization();
    wrapped.insert(wrapped.size() - 10, " ");
    BOOST_TEST(f.send("GET", f.withSite("/fetch/tags"), {wrapped, "User-Agent: A/1"}).status == 401);
    // A line break in the value folds it, which HTTP reads as a space.
    auto folded = f.authorization();
    folded.insert(folded.size() - 10, "\r\n ");
    BOOST_TEST(f.send("GET", f.withSite("/fetch/tags"), {folded, "User-Agent: A/1"}).status != 200);
}

BOOST_AUTO_TEST_CASE(imported_subscribers_can_be_fetched_with_fields_and_tags)
{
    const Fixture f;
    const auto report = object(f.post("/batch/subscribers", R"({"subscribers":[
        {"email":"Zoe@Example.com","first_name":"Zoë \"Z\"","visits":3,"vip":true,"tags":"lead, mql"},
        {"email":"not an address","first_name":"Nobody"}]})"));
    BOOST_TEST(report->getValue<int>("results") == 1);
    BOOST_TEST(report->getValue<int>("failed") == 1);
    const auto found = attributes(f.get("/fetch/subscribers?email=zoe%40example.com"));
    BOOST_TEST(found->getValue<std::string>("email") == "zoe@example.com");
    BOOST_TEST(found->getObject("fields")->getValue<std::string>("first_name") == "Zoë \"Z\"");
    BOOST_TEST(found->getObject("fields")->getValue<int>("visits") == 3);
    BOOST_TEST(found->getObject("fields")->getValue<bool>("vip"));
    BOOST_TEST(found->getArray("tags")->size() == 2U);
    const auto byUuid = f.get("/fetch/subscribers?uuid=" + found->getValue<std::string>("uuid"));
    BOOST_TEST(attributes(byUuid)->getValue<std::string>("email") == "zoe@example.com");
    BOOST_TEST(f.get("/fetch/subscribers?email=nobody@example.com").body == "{}");

    f.post("/batch/subscribers", R"({"subscribers":[{"email":"ZOE@example.com","visits":4,"remove_tags":"lead"}]})");
    const auto again = attributes(f.get("/fetch/subscribers?email=zoe%40example.com"));
    BOOST_TEST(again->getObject("fields")->getValue<int>("visits") == 4);
    BOOST_TEST(again->getArray("tags")->getElement<std::string>(0) == "mql");
    BOOST_TEST(again->getArray("tags")->size() == 1U);
    BOOST_TEST(f.sandbox.subscribers() == 1U);
}

BOOST_AUTO_TEST_CASE(a_batch_is_refused_whole_if_a_row_has_no_email_or_rows_are_too_many)
{
    const Fixture f;
    BOOST_TEST(f.post("/batch/subscribers", R"({"subscribers":[{"email":"a@example.com"},{"first_name":"B"}]})").status == 400);
    BOOST_TEST(f.post("/batch/subscribers", manySubscribers(1001)).status == 400);
    BOOST_TEST(f.post("/batch/subscribers", R"({"subscribers":[]})").status == 400);
    BOOST_TEST(f.post("/batch/subscribers", R"({"people":[]})").status == 400);
    BOOST_TEST(f.sandbox.subscribers() == 0U);
    BOOST_TEST(f.post("/batch/subscribers", manySubscribers(1000)).status == 200);
    BOOST_TEST(f.sandbox.subscribers() == 1000U);
}

BOOST_AUTO_TEST_CASE(imports_become_visible_late_if_asked_for)
{
    SandboxOptions options;
    options.bentoImportDelay = 5s;
    const Fixture f(options);
    BOOST_TEST(f.post("/batch/subscribers", manySubscribers(1)).status == 200);
    BOOST_TEST(f.get("/fetch/subscribers?email=user0@example.com").body == "{}");
    BOOST_TEST(f.sandbox.subscribers() == 0U);
    f.clock->advance(5s);
    BOOST_TEST(f.get("/fetch/subscribers?email=user0@example.com").body != "{}");
    BOOST_TEST(f.sandbox.subscribers() == 1U);
}

BOOST_AUTO_TEST_CASE(events_fail_one_by_one_and_count_a_unique_key_once)
{
    const Fixture f;
    const auto mixed = f.post("/batch/events", R"({"events":[
        {"email":"a@example.com","type":"$purchase","details":{"unique":{"key":"order-1"},"value":{"amount":999,"currency":"USD"}}},
        {"email":"a@example.com","type":"$purchase","details":{"unique":{"key":"order-1"},"value":{"amount":999,"currency":"USD"}}},
        {"email":"a@example.com","type":"$purchase","details":{"value":{"amount":999}}},
        {"email":"a@example.com","type":"$tag","details":{"tag":"buyer"}}]})");
    BOOST_TEST(mixed.status == 200);
    BOOST_TEST(object(mixed)->getValue<int>("results") == 3);
    BOOST_TEST(object(mixed)->getValue<int>("failed") == 1);
    BOOST_TEST(object(mixed)->getArray("errors")->getObject(0)->getValue<int>("index") == 2);
    BOOST_TEST(f.sandbox.events() == 2U);
    BOOST_TEST(attributes(f.get("/fetch/subscribers?email=a@example.com"))->getArray("tags")->size() == 1U);

    const auto none = f.post("/batch/events", R"({"events":[{"email":"a@example.com"}]})");
    BOOST_TEST(none.status == 422);
    BOOST_TEST(object(none)->getValue<int>("failed") == 1);
    BOOST_TEST(f.post("/batch/events", R"({"events":[{"type":"x"}]})").status == 400);
}

BOOST_AUTO_TEST_CASE(a_deleted_tag_comes_back_when_it_is_deleted_again)
{
    const Fixture f;
    BOOST_TEST(f.post("/fetch/tags", R"({"tag":{"name":"vip"}})").status == 201);
    BOOST_TEST(f.post("/fetch/tags", R"({"tag":{}})").status == 422);
    const auto discardedAt = [&] {
        const auto tag = object(f.get("/fetch/tags"))->getArray("data")->getObject(0);
        return tag->getObject("attributes")->get("discarded_at");
    };
    BOOST_TEST(discardedAt().isEmpty());
    BOOST_TEST(f.post("/fetch/tags/1", R"({"tag":{"name":"vip"}})", "DELETE").status == 200);
    BOOST_TEST(!discardedAt().isEmpty());
    BOOST_TEST(f.post("/fetch/tags/1", R"({"tag":{"name":"vip"}})", "DELETE").status == 200);
    BOOST_TEST(discardedAt().isEmpty());
    BOOST_TEST(f.post("/fetch/tags/1", R"({"tag":{"name":"other"}})", "DELETE").status == 404);
}

BOOST_AUTO_TEST_CASE(fields_are_made_with_a_name_of_their_key)
{
    const Fixture f;
    const auto field = attributes(f.post("/fetch/fields", R"({"field":{"key":"loyalty points"}})"));
    BOOST_TEST(field->getValue<std::string>("key") == "loyalty_points");
    BOOST_TEST(field->getValue<std::string>("name") == "Loyalty Points");
    BOOST_TEST(object(f.get("/fetch/fields"))->getArray("data")->size() == 1U);
    BOOST_TEST(f.post("/fetch/fields", R"({"field":{}})").status == 422);
}

BOOST_AUTO_TEST_CASE(commands_change_a_subscriber)
{
    const Fixture f;
    const auto command = [&](const std::string& body) { return f.post("/fetch/commands", R"({"command":)" + body + "}"); };
    const auto person = [&](const std::string& email = "a@example.com") {
        return attributes(f.get("/fetch/subscribers?email=" + email));
    };
    BOOST_TEST(f.post("/fetch/subscribers", R"({"subscriber":{"email":"a@example.com"}})").status == 201);
    BOOST_TEST(command(R"({"command":"add_tag","email":"a@example.com","query":"VIP"})").body == R"({"results":1})");
    BOOST_TEST(command(R"([{"command":"add_field","email":"a@example.com","query":{"key":"city","value":"Ulm"}},
                           {"command":"unsubscribe","email":"a@example.com","query":null}])")
                   .body == R"({"results":2})");
    BOOST_TEST(person()->getArray("tags")->getElement<std::string>(0) == "VIP");
    BOOST_TEST(person()->getObject("fields")->getValue<std::string>("city") == "Ulm");
    BOOST_TEST(!person()->get("unsubscribed_at").isEmpty());
    BOOST_TEST(object(f.get("/stats/site"))->getValue<int>("unsubscriber_count") == 1);
    command(R"([{"command":"subscribe","email":"a@example.com"},{"command":"remove_tag","email":"a@example.com","query":"VIP"},
                {"command":"remove_field","email":"a@example.com","query":"city"}])");
    BOOST_TEST(person()->get("unsubscribed_at").isEmpty());
    BOOST_TEST(person()->getArray("tags")->size() == 0U);
    BOOST_TEST(person()->get("fields").isEmpty());
    command(R"({"command":"change_email","email":"a@example.com","query":"b@example.com"})");
    BOOST_TEST(person("b@example.com")->getValue<std::string>("email") == "b@example.com");
    BOOST_TEST(f.get("/fetch/subscribers?email=a@example.com").body == "{}");
    BOOST_TEST(command(R"({"command":"dance","email":"a@example.com","query":"x"})").status == 422);
    std::string many;
    for (int i = 0; i < 101; ++i) many += (i == 0 ? "" : ",") + std::string(R"({"command":"subscribe","email":"a@example.com"})");
    BOOST_TEST(command("[" + many + "]").status == 422);
}

BOOST_AUTO_TEST_CASE(emails_are_checked_and_at_most_60)
{
    const Fixture f;
    const std::string good = R"({"to":"a@example.com","from":"me@example.com","subject":"Hi","html_body":"<p>Hi</p>"})";
    BOOST_TEST(f.post("/batch/emails", R"({"emails":[)" + good + "]}").body == R"({"results":1,"failed":0})");
    BOOST_TEST(f.post("/batch/emails", R"({"emails":[{"to":"a@example.com","subject":"Hi"}]})").status == 400);
    std::string many = good;
    for (int i = 0; i < 60; ++i) many += "," + good;
    BOOST_TEST(f.post("/batch/emails", R"({"emails":[)" + many + "]}").status == 400);
    BOOST_TEST(f.sandbox.subscribers() == 1U);
}

BOOST_AUTO_TEST_CASE(validation_unknown_paths_and_wrong_methods)
{
    const Fixture f;
    BOOST_TEST(f.post("/experimental/validation", R"({"email":"a@example.com"})").body == R"({"valid":true})");
    BOOST_TEST(f.post("/experimental/validation", R"({"email":"a@example"})").body == R"({"valid":false})");
    const auto unknown = f.get("/fetch/nothing");
    BOOST_TEST(unknown.status == 404);
    BOOST_TEST(object(unknown)->has("error"));
    const auto wrong = f.post("/fetch/tags", "{}", "PUT");
    BOOST_TEST(wrong.status == 405);
    BOOST_TEST(wrong.headers.get("Allow", "") == "GET, POST");
}

BOOST_AUTO_TEST_SUITE_END()
