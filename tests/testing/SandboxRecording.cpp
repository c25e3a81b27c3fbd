// What the sandbox remembers of requests, and that no secret is in it.

#include "RawClient.h"

#include "tollgate/testing/Sandbox.h"

#include <boost/test/unit_test.hpp>

using namespace tollgate::testing;

namespace {

std::string textOf(const RecordedRequest& record)
{
    auto text = record.method + " " + record.target + "\n" + record.body + "\n";
    for (const auto& [name, value] : record.headers) text.append(name).append(": ").append(value).append("\n");
    return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(SandboxRecording)

BOOST_AUTO_TEST_CASE(a_record_has_all_of_a_request)
{
    const Sandbox sandbox;
    RawClient client(sandbox.baseUrl(Provider::Bando));
    client.request("POST", "/api/v1/quotes/?a=b", {"X-Test: yes"}, R"({"sku":"x"})");
    const auto records = sandbox.requests();
    BOOST_REQUIRE(records.size() == 1U);
    const auto& record = records.front();
    BOOST_CHECK(record.provider == Provider::Bando);
    BOOST_TEST(record.method == "POST");
    BOOST_TEST(record.target == "/api/v1/quotes/?a=b");
    BOOST_TEST(record.headers.get("X-Test", "") == "yes");
    BOOST_TEST(record.body == R"({"sku":"x"})");
    BOOST_TEST(record.status == 400);
}

BOOST_AUTO_TEST_CASE(no_secret_is_recorded_wherever_it_stands)
{
    Sandbox sandbox;
    const auto& bento = sandbox.bento();
    const auto made = sandbox.createBentooKey();
    once(sandbox.baseUrl(Provider::Bento), "POST", "/batch/events?a=1&site_uuid=" + bento.siteUuid + "&b=2",
         {"Authorization: Basic d3Jvbmc=", "X-Api-Key: something", "X-Note: " + bento.secretKey},
         R"({"site_uuid" : ")" + bento.siteUuid + R"(","nested":{"site_uuid":"escaped \" quote","key":")" + bento.publishableKey +
             R"("},"kept":1})");
    once(sandbox.baseUrl(Provider::Bento), "GET", "/fetch/tags?site%5Fuuid=wrong-site");
    once(sandbox.baseUrl(Provider::Bentoo), "GET", "/models?key=" + made, {"Authorization: Bearer " + sandbox.bentoo().apiKey});
    once(sandbox.baseUrl(Provider::Bando), "GET", "/coolness", {"authorization: Bearer " + sandbox.bando().token});
    once(sandbox.baseUrl(Provider::Chatbot), "GET", "/bots", {"AUTHORIZATION: " + sandbox.chatbot().adminKey});

    const auto records = sandbox.requests();
    BOOST_REQUIRE(records.size() == 5U);
    std::string all;
    for (const auto& record : records) all += textOf(record);
    for (const auto& secret : {bento.publishableKey, bento.secretKey, bento.siteUuid, made, sandbox.bentoo().apiKey,
                               sandbox.bando().token, sandbox.chatbot().adminKey, std::string("d3Jvbmc="),
                               std::string("something"), std::string("wrong-site"), std::string("escaped")})
        BOOST_TEST((all.find(secret) == std::string::npos));
    BOOST_TEST(records[0].target == "/api/v1/batch/events?a=1&site_uuid=***&b=2");
    BOOST_TEST(records[0].body == R"({"site_uuid" : "***","nested":{"site_uuid":"***","key":"***"},"kept":1})");
}

BOOST_AUTO_TEST_CASE(records_can_be_asked_for_by_provider_and_cleared)
{
    Sandbox sandbox;
    once(sandbox.baseUrl(Provider::Bando), "GET", "/coolness");
    once(sandbox.baseUrl(Provider::Bentoo), "GET", "/models");
    BOOST_TEST(sandbox.requests().size() == 2U);
    BOOST_TEST(sandbox.requests(Provider::Bentoo).size() == 1U);
    BOOST_TEST(sandbox.requests(Provider::Chatbot).empty());
    sandbox.clearRequests();
    BOOST_TEST(sandbox.requests().empty());
}

BOOST_AUTO_TEST_CASE(the_oldest_records_go_first_and_bodies_are_cut)
{
    SandboxOptions options;
    options.maxRecorded = 3;
    const Sandbox sandbox(options);
    RawClient client(sandbox.baseUrl(Provider::Bando));
    for (int i = 0; i < 5; ++i) client.request("GET", "/coolness?i=" + std::to_string(i));
    BOOST_REQUIRE(sandbox.requests().size() == 3U);
    BOOST_TEST(sandbox.requests().front().target == "/coolness?i=2");
    client.request("POST", "/api/v1/quotes/", {}, std::string(100'000, 'x'));
    BOOST_TEST(sandbox.requests().back().body.size() == 65'536U);
}

BOOST_AUTO_TEST_CASE(nothing_is_recorded_if_so_asked)
{
    SandboxOptions options;
    options.maxRecorded = 0;
    const Sandbox sandbox(options);
    once(sandbox.baseUrl(Provider::Bando), "GET", "/coolness");
    BOOST_TEST(sandbox.requests().empty());
    BOOST_TEST(sandbox.answered() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
