// The promises C1 to C12 of the chatbot platform's page.

#include "RawClient.h"

#include "tollgate/Error.h"
#include "tollgate/Json.h"
#include "tollgate/testing/Sandbox.h"
#include "tollgate/testing/VirtualClock.h"

#include <boost/test/unit_test.hpp>

using namespace tollgate::testing;
using namespace std::chrono_literals;

namespace {

struct Fixture
{
    explicit Fixture(SandboxOptions options = {}) : sandbox(prepared(std::move(options))) {}

    SandboxOptions prepared(SandboxOptions options)
    {
        options.clock = clock;
        options.controlPort = 0;
        return options;
    }

    RawResponse send(const std::string& key, const std::string& method, const std::string& path,
                     const std::string& body = {}) const
    {
        return authorized("Bearer " + key, method, path, body);
    }
    RawResponse authorized(const std::string& value, const std::string& method = "GET", const std::string& path = "/bots",
                           const std::string& body = {}) const
    {
        return once(sandbox.baseUrl(Provider::Chatbot), method, path, {"Authorization: " + value}, body);
    }
    int status(const std::string& key, const std::string& method, const std::string& path, const std::string& body = {}) const
    {
        return send(key, method, path, body).status;
    }

    std::shared_ptr<VirtualClock> clock = VirtualClock::create();
    Sandbox sandbox;
    const std::string& read = sandbox.chatbot().readKey;
    const std::string& write = sandbox.chatbot().writeKey;
    const std::string& admin = sandbox.chatbot().adminKey;
};

Poco::JSON::Object::Ptr data(const RawResponse& response)
{
    return tollgate::parseJson(response.body).extract<Poco::JSON::Object::Ptr>()->getObject("data");
}

void checkInvalidKey(const RawResponse& response)
{
    BOOST_TEST(response.status == 401);
    BOOST_TEST(response.body.find("Invalid API Key") != std::string::npos);
}

void checkInsufficient(const RawResponse& response)
{
    BOOST_TEST(response.status == 403);
    BOOST_TEST(response.body.find("Insufficient Permissions") != std::string::npos);
}

} // namespace

BOOST_AUTO_TEST_SUITE(SandboxChatbot)

BOOST_AUTO_TEST_CASE(C1_a_read_key_lists_bots)
{
    const Fixture f;
    const auto answer = f.send(f.read, "GET", "/bots");
    BOOST_TEST(answer.status == 200);
    BOOST_TEST(answer.body.find("bot_1") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(C2_keys_that_are_not_right_are_invalid)
{
    Fixture f;
    checkInvalidKey(once(f.sandbox.baseUrl(Provider::Chatbot), "GET", "/bots"));
    checkInvalidKey(f.authorized("Bearer " + f.read.substr(0, f.read.size() - 1)));
    checkInvalidKey(f.authorized("Bearer  " + f.read));
    checkInvalidKey(f.authorized("Bearer " + f.read + " x"));
    checkInvalidKey(f.authorized("Token " + f.read));
    checkInvalidKey(f.authorized(f.read));
    const auto expired = f.sandbox.createChatbotKey({"read"}, 1s);
    f.clock->advance(1s);
    checkInvalidKey(f.send(expired, "GET", "/bots"));
    const auto revoked = f.sandbox.createChatbotKey({"read"});
    f.sandbox.revoke(revoked);
    checkInvalidKey(f.send(revoked, "GET", "/bots"));
}

BOOST_AUTO_TEST_CASE(C3_a_read_key_changes_nothing)
{
    const Fixture f;
    checkInsufficient(f.send(f.read, "POST", "/bots", R"({"name":"x"})"));
    checkInsufficient(f.send(f.read, "PATCH", "/bots/bot_1", R"({"name":"x"})"));
    checkInsufficient(f.send(f.read, "PATCH", "/settings", R"({"language":"de"})"));
    checkInsufficient(f.send(f.read, "DELETE", "/bots/bot_1"));
    BOOST_TEST(data(f.send(f.read, "GET", "/bots/bot_1"))->getValue<std::string>("name") == "Greeter");
}

BOOST_AUTO_TEST_CASE(C4_a_read_key_views_bots_conversations_and_analytics)
{
    const Fixture f;
    for (const char* path : {"/bots", "/bots/bot_1", "/conversations", "/analytics"})
        BOOST_TEST(f.status(f.read, "GET", path) == 200);
}

BOOST_AUTO_TEST_CASE(C5_a_write_key_makes_and_changes_but_does_not_manage_the_team)
{
    const Fixture f;
    const auto made = f.send(f.write, "POST", "/bots", R"({"name":"Seller","description":"Sells"})");
    BOOST_TEST(made.status == 201);
    const auto path = "/bots/" + data(made)->getValue<std::string>("id");
    BOOST_TEST(f.status(f.write, "PATCH", path, R"({"name":"Best seller"})") == 200);
    BOOST_TEST(data(f.send(f.read, "GET", path))->getValue<std::string>("name") == "Best seller");
    BOOST_TEST(data(f.send(f.read, "GET", path))->getValue<std::string>("description") == "Sells");
    BOOST_TEST(data(f.send(f.write, "PATCH", "/settings", R"({"language":"de"})"))->getValue<std::string>("language") == "de");
    checkInsufficient(f.send(f.write, "GET", "/team/members"));
    checkInsufficient(f.send(f.write, "POST", "/team/members", R"({"email":"a@example.com"})"));
    checkInsufficient(f.send(f.write, "GET", "/bots"));
}

BOOST_AUTO_TEST_CASE(C6_an_admin_key_does_everything_and_alone_manages_the_team)
{
    Fixture f;
    BOOST_TEST(f.status(f.admin, "GET", "/bots") == 200);
    BOOST_TEST(f.status(f.admin, "POST", "/bots", R"({"name":"x"})") == 201);
    BOOST_TEST(f.status(f.admin, "DELETE", "/bots/bot_1") == 204);
    BOOST_TEST(f.status(f.admin, "GET", "/bots/bot_1") == 404);
    BOOST_TEST(f.status(f.admin, "POST", "/team/members", R"({"email":"a@example.com","role":"editor"})") == 201);
    BOOST_TEST(f.send(f.admin, "GET", "/team/members").body.find("a@example.com") != std::string::npos);
    checkInsufficient(f.send(f.read, "GET", "/team/members"));
    checkInsufficient(f.send(f.sandbox.createChatbotKey({"read", "write"}), "GET", "/team/members"));
}

BOOST_AUTO_TEST_CASE(C7_a_plan_without_api_access_is_a_matter_of_permissions)
{
    Fixture f;
    checkInsufficient(f.send(f.sandbox.createChatbotKey({"read"}, {}, false), "GET", "/bots"));
}

BOOST_AUTO_TEST_CASE(C8_only_admins_and_owners_make_keys_and_see_the_text_once)
{
    const Fixture f;
    const auto make = [&](const std::string& role) {
        return once(f.sandbox.controlUrl(), "POST", "/keys/chatbot", {}, R"({"role":")" + role + R"(","scopes":["read"]})");
    };
    BOOST_TEST(make("member").status == 403);
    BOOST_TEST(make("admin").status == 201);
    const auto made = tollgate::parseJson(make("owner").body).extract<Poco::JSON::Object::Ptr>()->getValue<std::string>("key");
    BOOST_TEST(f.status(made, "GET", "/bots") == 200);
    for (const char* path : {"/audit?provider=chatbot", "/requests", "/stats"})
        BOOST_TEST(once(f.sandbox.controlUrl(), "GET", path).body.find(made) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(C9_the_1001st_call_of_an_hour_is_refused)
{
    const Fixture f;
    RawClient client(f.sandbox.baseUrl(Provider::Chatbot));
    const auto call = [&] { return client.request("GET", "/bots", {"Authorization: Bearer " + f.read}).status; };
    for (int i = 0; i < 1000; ++i) BOOST_REQUIRE(call() == 200);
    BOOST_TEST(call() == 429);
    BOOST_TEST(f.status(f.admin, "GET", "/bots") == 200);
    f.clock->advance(1h);
    BOOST_TEST(call() == 200);
}

BOOST_AUTO_TEST_CASE(C10_a_key_works_until_it_expires)
{
    Fixture f;
    const auto key = f.sandbox.createChatbotKey({"read"}, 90min);
    f.clock->advance(89min);
    BOOST_TEST(f.status(key, "GET", "/bots") == 200);
    f.clock->advance(1min);
    checkInvalidKey(f.send(key, "GET", "/bots"));
}

BOOST_AUTO_TEST_CASE(C11_revoking_one_key_leaves_the_others)
{
    Fixture f;
    const auto second = f.sandbox.createChatbotKey({"read"});
    f.sandbox.revoke(f.read);
    checkInvalidKey(f.send(f.read, "GET", "/bots"));
    BOOST_TEST(f.status(second, "GET", "/bots") == 200);
    BOOST_TEST(f.status(f.admin, "GET", "/bots") == 200);
}

BOOST_AUTO_TEST_CASE(C12_calls_appear_in_the_log_without_the_key)
{
    const Fixture f;
    f.send(f.read, "GET", "/bots");
    f.send(f.write, "GET", "/bots");
    const auto records = f.sandbox.audit();
    BOOST_REQUIRE(records.size() == 2U);
    BOOST_CHECK(records[0].provider == Provider::Chatbot);
    BOOST_TEST(records[0].keyId == f.read.substr(f.read.size() - 4));
    BOOST_TEST(records[1].keyId == f.write.substr(f.write.size() - 4));
}

BOOST_AUTO_TEST_CASE(bad_requests_unknown_paths_and_unknown_scopes)
{
    Fixture f;
    BOOST_TEST(f.status(f.write, "POST", "/bots", "{}") == 422);
    BOOST_TEST(f.status(f.write, "PATCH", "/bots/bot_9", R"({"name":"x"})") == 404);
    BOOST_TEST(f.status(f.read, "GET", "/nothing") == 404);
    BOOST_TEST(f.status(f.read, "PUT", "/bots") == 405);
    BOOST_CHECK_THROW(f.sandbox.createChatbotKey({"root"}), tollgate::ConfigurationError);
    BOOST_CHECK_THROW(f.sandbox.createChatbotKey({}), tollgate::ConfigurationError);
}

BOOST_AUTO_TEST_SUITE_END()
