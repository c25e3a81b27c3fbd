// The control API: what Sandbox offers to C++, over HTTP.

#include "RawClient.h"

#include "tollgate/Json.h"
#include "tollgate/testing/Sandbox.h"
#include "tollgate/testing/VirtualClock.h"

#include <boost/test/unit_test.hpp>

using namespace tollgate::testing;

namespace {

struct Fixture
{
    Fixture() : sandbox(options()) {}

    SandboxOptions options() const
    {
        SandboxOptions options;
        options.controlPort = 0;
        options.clock = clock;
        return options;
    }
    RawResponse control(const std::string& method, const std::string& path, const std::string& body = {}) const
    {
        return once(sandbox.controlUrl(), method, path, {}, body);
    }
    int coolness() const { return once(sandbox.baseUrl(Provider::Bando), "GET", "/coolness").status; }
    int with(Provider provider, const std::string& path, const std::string& key) const
    {
        return once(sandbox.baseUrl(provider), "GET", path, {"Authorization: Bearer " + key}).status;
    }

    std::shared_ptr<VirtualClock> clock = VirtualClock::create();
    Sandbox sandbox;
};

Poco::JSON::Object::Ptr object(const RawResponse& response)
{
    return tollgate::parseJson(response.body).extract<Poco::JSON::Object::Ptr>();
}

} // namespace

BOOST_AUTO_TEST_SUITE(SandboxControl)

BOOST_AUTO_TEST_CASE(health)
{
    const Fixture f;
    BOOST_TEST(f.control("GET", "/health").body == R"({"ok":true})");
    BOOST_TEST(f.control("GET", "/nothing").status == 404);
    BOOST_TEST(f.control("POST", "/health").status == 405);
}

BOOST_AUTO_TEST_CASE(faults_are_injected_and_cleared)
{
    const Fixture f;
    BOOST_TEST(f.control("POST", "/faults", R"({"provider":"bando","status":503,"retryAfter":2,"count":2})").status == 200);
    BOOST_TEST(f.coolness() == 503);
    BOOST_TEST(f.control("DELETE", "/faults").status == 200);
    BOOST_TEST(f.coolness() == 200);
    for (const char* kind : {"html-page", "blocked", "truncated-json", "short-body", "stalled-body", "reset", "slow"})
        BOOST_TEST(f.control("POST", "/faults", std::string(R"({"provider":"bando","kind":")") + kind + "\"}").status == 200);
    BOOST_TEST(object(f.control("GET", "/stats"))->getValue<int>("faultsWaiting") == 7);
    f.control("DELETE", "/faults");
    f.control("POST", "/faults", R"({"provider":"bando","kind":"blocked","path":"/api/v1"})");
    BOOST_TEST(f.coolness() == 200);
    BOOST_TEST(once(f.sandbox.baseUrl(Provider::Bando), "GET", "/api/v1/networks/").body == "BLOCKED");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_400_with_the_reason)
{
    const Fixture f;
    for (const char* body :
         {"[]", "{", R"({"provider":"acme"})", R"({"provider":"bando","kind":"odd"})", R"({"provider":"bando","status":42})",
          R"({"provider":"bando","status":"x"})", R"({"provider":"bando","count":0})", R"({"provider":"bando","delayMs":-1})"})
    {
        const auto answer = f.control("POST", "/faults", body);
        BOOST_TEST(answer.status == 400);
        BOOST_TEST(object(answer)->has("error"));
    }
    BOOST_TEST(f.control("POST", "/keys/bento").status == 400);
    BOOST_TEST(f.control("POST", "/keys/chatbot", R"({"scopes":["root"]})").status == 400);
    BOOST_TEST(f.control("POST", "/keys/chatbot", R"({"scopes":["read"],"planHasApi":{}})").status == 400);
    BOOST_TEST(f.control("DELETE", "/keys", "{}").status == 400);
    BOOST_TEST(f.control("GET", "/requests?provider=acme").status == 400);
    BOOST_TEST(f.control("PATCH", "/bentoo", R"({"plan":"gold"})").status == 400);
    BOOST_TEST(f.coolness() == 200);
}

BOOST_AUTO_TEST_CASE(keys_are_made_and_revoked)
{
    const Fixture f;
    const auto make = [&](const std::string& provider, const std::string& body = "{}") {
        return object(f.control("POST", "/keys/" + provider, body))->getValue<std::string>("key");
    };
    const auto revoke = [&](const std::string& key) { f.control("DELETE", "/keys", R"({"key":")" + key + "\"}"); };
    const auto bentoo = make("bentoo");
    const auto bando = make("bando");
    const auto chatbot = make("chatbot", R"({"scopes":["read"],"expiresInMs":60000})");
    BOOST_TEST(f.with(Provider::Bentoo, "/models", bentoo) == 200);
    BOOST_TEST(f.with(Provider::Bando, "/coolness", bando) == 200);
    BOOST_TEST(f.with(Provider::Chatbot, "/bots", chatbot) == 200);
    for (const auto& key : {bentoo, bando, chatbot}) revoke(key);
    BOOST_TEST(f.with(Provider::Bentoo, "/models", bentoo) == 401);
    BOOST_TEST(f.with(Provider::Bando, "/coolness", bando) == 401);
    BOOST_TEST(f.with(Provider::Chatbot, "/bots", chatbot) == 401);
    const auto poor = make("chatbot", R"({"scopes":["read"],"planHasApi":false})");
    BOOST_TEST(f.with(Provider::Chatbot, "/bots", poor) == 403);
}

BOOST_AUTO_TEST_CASE(the_51st_key_of_a_free_account_is_refused)
{
    const Fixture f;
    BOOST_TEST(f.control("PATCH", "/bentoo", R"({"plan":"free"})").status == 200);
    for (int i = 1; i < 50; ++i) BOOST_REQUIRE(f.control("POST", "/keys/bentoo").status == 201);
    BOOST_TEST(f.control("POST", "/keys/bentoo").status == 400);
    BOOST_TEST(f.control("PATCH", "/bentoo", R"({"plan":"enterprise"})").status == 200);
    const auto body = R"({"key":")" + f.sandbox.bentoo().apiKey + R"(","allow":["10.0.0.0/8"]})";
    BOOST_TEST(f.control("PATCH", "/bentoo", body).status == 200);
    BOOST_TEST(f.with(Provider::Bentoo, "/models", f.sandbox.bentoo().apiKey) == 403);
}

BOOST_AUTO_TEST_CASE(requests_audit_and_stats_can_be_read)
{
    const Fixture f;
    f.with(Provider::Bentoo, "/models?x=\"quoted\"", f.sandbox.bentoo().apiKey);
    f.coolness();
    const auto requests = object(f.control("GET", "/requests?provider=bentoo"))->getArray("requests");
    BOOST_REQUIRE(requests->size() == 1U);
    BOOST_TEST(requests->getObject(0)->getValue<std::string>("target") == "/v1/models?x=\"quoted\"");
    const auto& key = f.sandbox.bentoo().apiKey;
    const auto audit = f.control("GET", "/audit?provider=bentoo");
    BOOST_TEST(object(audit)->getArray("records")->getObject(0)->getValue<std::string>("key_id") == key.substr(key.size() - 4));
    for (const char* path : {"/requests", "/audit", "/stats"})
        BOOST_TEST((f.control("GET", path).body.find(key) == std::string::npos));
    BOOST_TEST(object(f.control("GET", "/stats"))->getValue<int>("answered") == 2);
    f.control("DELETE", "/requests");
    BOOST_TEST(object(f.control("GET", "/requests"))->getArray("requests")->size() == 0U);
}

BOOST_AUTO_TEST_CASE(advance_moves_windows_and_lockouts)
{
    const Fixture f;
    for (int i = 0; i < 5; ++i) f.with(Provider::Bando, "/coolness", "wrong");
    BOOST_TEST(f.with(Provider::Bando, "/coolness", f.sandbox.bando().token) == 403);
    BOOST_TEST(f.control("POST", "/advance", R"({"ms":300000})").status == 200);
    BOOST_TEST(f.with(Provider::Bando, "/coolness", f.sandbox.bando().token) == 200);
    BOOST_TEST(f.control("POST", "/advance", R"({"ms":-1})").status == 400);
}

BOOST_AUTO_TEST_SUITE_END()
