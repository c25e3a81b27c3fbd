// The promises B1 to B17 of Bentoo's pages.

#include "RawClient.h"

#include "tollgate/Error.h"
#include "tollgate/Json.h"
#include "tollgate/testing/Sandbox.h"
#include "tollgate/testing/VirtualClock.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace tollgate::testing;
using namespace std::chrono_literals;

namespace {

struct Fixture
{
    explicit Fixture(SandboxOptions options = {}) : sandbox(prepared(std::move(options))) {}

    SandboxOptions prepared(SandboxOptions options)
    {
        options.clock = clock;
        return options;
    }

    RawResponse send(const std::string& key, const std::string& method, const std::string& path,
                     const std::string& body = {}) const
    {
        return once(sandbox.baseUrl(Provider::Bentoo), method, path,
                    {"Authorization: Bearer " + key, "Content-Type: application/json"}, body);
    }
    RawResponse models(const std::string& key) const { return send(key, "GET", "/models"); }
    RawResponse models() const { return models(sandbox.bentoo().apiKey); }
    RawResponse chat(const std::string& model, const std::string& rest = {}) const
    {
        return send(sandbox.bentoo().apiKey, "POST", "/chat/completions",
                    R"({"model":")" + model +
                        R"(","messages":[{"role":"system","content":"Be kind."},)"
                        R"({"role":"user","content":"What is a tollgate?"}])" +
                        rest + "}");
    }

    std::shared_ptr<VirtualClock> clock = VirtualClock::create();
    Sandbox sandbox;
};

Poco::JSON::Object::Ptr object(const RawResponse& response)
{
    return tollgate::parseJson(response.body).extract<Poco::JSON::Object::Ptr>();
}

std::vector<std::string> catalogue(const Fixture& f)
{
    std::vector<std::string> ids;
    const auto data = object(f.models())->getArray("data");
    for (const auto& model : *data) ids.push_back(model.extract<Poco::JSON::Object::Ptr>()->getValue<std::string>("id"));
    return ids;
}

std::string credit(const Fixture& f, const std::string& key)
{
    return object(f.send(key, "GET", "/account"))->getValue<std::string>("credit_usd");
}

} // namespace

BOOST_AUTO_TEST_SUITE(SandboxBentoo)

BOOST_AUTO_TEST_CASE(B1_a_valid_key_lists_models)
{
    const Fixture f;
    BOOST_TEST(f.models().status == 200);
    BOOST_TEST(object(f.models())->getValue<std::string>("object") == "list");
}

BOOST_AUTO_TEST_CASE(B2_one_key_serves_every_model)
{
    const Fixture f;
    const auto models = catalogue(f);
    BOOST_TEST(std::count(models.begin(), models.end(), "claude-sonnet-4-6") == 1);
    for (const auto& model : models) {
        const auto answer = f.chat(model);
        BOOST_TEST(answer.status == 200);
        const auto choice = object(answer)->getArray("choices")->getObject(0);
        const auto content = choice->getObject("message")->getValue<std::string>("content");
        BOOST_TEST(content.find("What is a tollgate?") != std::string::npos);
        BOOST_TEST(f.send(f.sandbox.bentoo().apiKey, "GET", "/models/" + model).status == 200);
    }
}

BOOST_AUTO_TEST_CASE(B3_every_key_starts_with_btoo)
{
    Fixture f;
    BOOST_TEST(f.sandbox.bentoo().apiKey.rfind("btoo_sk_live_", 0) == 0U);
    BOOST_TEST(f.sandbox.bentoo().apiKey.size() == std::string("btoo_sk_live_").size() + 32);
    BOOST_TEST(f.sandbox.createBentooKey().rfind("btoo_", 0) == 0U);
}

BOOST_AUTO_TEST_CASE(B4_several_keys_are_valid_at_once)
{
    Fixture f;
    const auto second = f.sandbox.createBentooKey();
    BOOST_TEST(f.models().status == 200);
    BOOST_TEST(f.models(second).status == 200);
}

BOOST_AUTO_TEST_CASE(B5_a_revoked_key_gets_401_at_once_and_the_others_do_not)
{
    Fixture f;
    const auto second = f.sandbox.createBentooKey();
    f.sandbox.revoke(f.sandbox.bentoo().apiKey);
    const auto refused = f.models();
    BOOST_TEST(refused.status == 401);
    BOOST_TEST(object(refused)->getObject("error")->getValue<std::string>("code") == "invalid_api_key");
    BOOST_TEST(f.models(second).status == 200);
}

BOOST_AUTO_TEST_CASE(B6_two_keys_share_credit_and_limit_size_but_not_the_count)
{
    Fixture f;
    const auto second = f.sandbox.createBentooKey();
    const auto before = credit(f, second);
    BOOST_TEST(f.chat("sandbox-small").status == 200);
    BOOST_TEST(credit(f, second) != before);
    BOOST_TEST(credit(f, second) == credit(f, f.sandbox.bentoo().apiKey));
    const auto first = f.models();
    const auto other = f.models(second);
    BOOST_TEST(first.headers.get("X-RateLimit-Limit", "") == other.headers.get("X-RateLimit-Limit", ""));
    BOOST_TEST(first.headers.get("X-RateLimit-Remaining", "") == "997");
    BOOST_TEST(other.headers.get("X-RateLimit-Remaining", "") == "996");
}

BOOST_AUTO_TEST_CASE(B7_a_free_account_holds_50_keys_and_others_any_number)
{
    Fixture f;
    f.sandbox.setBentooPlan(BentooPlan::Free);
    for (int i = 1; i < 50; ++i) f.sandbox.createBentooKey();
    BOOST_CHECK_THROW(f.sandbox.createBentooKey(), tollgate::ConfigurationError);
    f.sandbox.setBentooPlan(BentooPlan::Pro);
    BOOST_TEST(f.models(f.sandbox.createBentooKey()).status == 200);
}

BOOST_AUTO_TEST_CASE(B8_the_usage_of_each_key_is_observable)
{
    Fixture f;
    const auto second = f.sandbox.createBentooKey();
    const auto usage = [&](const std::string& key) {
        const auto records = f.sandbox.audit();
        return std::count_if(records.begin(), records.end(),
                             [&](const auto& record) { return record.keyId == key.substr(key.size() - 4); });
    };
    f.models(second);
    f.models(second);
    BOOST_TEST(usage(second) == 2);
    BOOST_TEST(usage(f.sandbox.bentoo().apiKey) == 0);
}

BOOST_AUTO_TEST_CASE(B9_each_request_yields_one_audit_record_without_the_key)
{
    const Fixture f;
    f.models();
    f.chat("sandbox-large");
    const auto records = f.sandbox.audit();
    const auto& key = f.sandbox.bentoo().apiKey;
    BOOST_REQUIRE(records.size() == 2U);
    for (const auto& record : records) {
        BOOST_TEST(record.keyId == key.substr(key.size() - 4));
        BOOST_TEST(record.sourceAddress == "127.0.0.1");
        BOOST_CHECK(record.at == f.clock->wallNow());
    }
    BOOST_TEST(records[0].model.empty());
    BOOST_TEST(records[1].model == "sandbox-large");
    BOOST_TEST(records[1].tokens > 0U);
}

BOOST_AUTO_TEST_CASE(B10_records_can_be_listed_and_exported)
{
    const Fixture f;
    f.chat("sandbox-large");
    const auto exported = f.send(f.sandbox.bentoo().apiKey, "GET", "/audit/records");
    BOOST_TEST(exported.body.find(f.sandbox.bentoo().apiKey) == std::string::npos);
    const auto record = object(exported)->getArray("data")->getObject(0);
    BOOST_TEST(record->getValue<std::string>("model") == "sandbox-large");
    BOOST_TEST(record->getValue<std::string>("source_ip") == "127.0.0.1");
    BOOST_TEST(f.sandbox.audit().size() == 2U);
}

BOOST_AUTO_TEST_CASE(B11_a_key_bound_to_addresses_is_refused_elsewhere)
{
    Fixture f;
    f.sandbox.setBentooPlan(BentooPlan::Enterprise);
    f.sandbox.restrictBentooKey(f.sandbox.bentoo().apiKey, {"10.0.0.0/8", "127.0.0.2/32"});
    BOOST_TEST(f.models().status == 403);
    RawClient elsewhere(f.sandbox.baseUrl(Provider::Bentoo), {}, "127.0.0.2");
    BOOST_TEST(elsewhere.request("GET", "/models", {"Authorization: Bearer " + f.sandbox.bentoo().apiKey}).status == 200);
    BOOST_CHECK_THROW(f.sandbox.restrictBentooKey(f.sandbox.bentoo().apiKey, {"10.0.0.0/33"}), tollgate::ConfigurationError);
    BOOST_CHECK_THROW(f.sandbox.restrictBentooKey("btoo_unknown", {"10.0.0.0/8"}), tollgate::ConfigurationError);
}

BOOST_AUTO_TEST_CASE(B12_a_bad_completion_with_a_good_key_is_not_401)
{
    const Fixture f;
    BOOST_TEST(f.models().status == 200);
    const auto& key = f.sandbox.bentoo().apiKey;
    BOOST_TEST(f.send(key, "POST", "/chat/completions", "{").status == 400);
    BOOST_TEST(f.send(key, "POST", "/chat/completions", R"({"messages":[]})").status == 400);
    BOOST_TEST(f.send(key, "POST", "/chat/completions", R"({"model":"sandbox-small","messages":[]})").status == 400);
    const auto unknown = f.chat("no-such-model");
    BOOST_TEST(unknown.status == 404);
    BOOST_TEST(object(unknown)->getObject("error")->getValue<std::string>("code") == "model_not_found");
}

BOOST_AUTO_TEST_CASE(B13_limit_headers_stand_on_every_response)
{
    const Fixture f;
    for (const auto& answer :
         {f.models(), f.chat("no-such-model"), f.models("btoo_wrong"), f.send(f.sandbox.bentoo().apiKey, "GET", "/nothing")})
    {
        BOOST_TEST(answer.headers.get("X-RateLimit-Limit", "") == "1000");
        BOOST_TEST(answer.headers.has("X-RateLimit-Remaining"));
        const auto reset = std::stoll(std::string(answer.headers.get("X-RateLimit-Reset", "0")));
        const auto now = std::chrono::duration_cast<std::chrono::seconds>(f.clock->wallNow().time_since_epoch()).count();
        BOOST_TEST(reset == now + 60);
    }
}

BOOST_AUTO_TEST_CASE(B14_and_B16_retry_after_stands_on_429_only_which_comes_after_20_percent_burst)
{
    SandboxOptions options;
    options.bentooPerWindow = 10;
    const Fixture f(options);
    for (int i = 0; i < 12; ++i) {
        const auto answer = f.models();
        BOOST_TEST(answer.status == 200);
        BOOST_TEST(!answer.headers.has("Retry-After"));
        BOOST_TEST(answer.headers.get("X-RateLimit-Remaining", "") == std::to_string(std::max(0, 9 - i)));
        f.clock->advance(1s);
    }
    const auto refused = f.models();
    BOOST_TEST(refused.status == 429);
    BOOST_TEST(refused.headers.get("Retry-After", "") == "48");
    BOOST_TEST(refused.headers.get("X-RateLimit-Remaining", "") == "0");
    f.clock->advance(47s);
    BOOST_TEST(f.models().status == 429);
    f.clock->advance(1s);
    BOOST_TEST(f.models().status == 200);
    BOOST_TEST(f.models().status == 429);
}

BOOST_AUTO_TEST_CASE(B15_a_stream_counts_once)
{
    const Fixture f;
    const auto stream = f.chat("sandbox-small", R"(,"stream":true,"stream_options":{"include_usage":true})");
    BOOST_TEST(stream.status == 200);
    BOOST_TEST(stream.headers.get("Content-Type", "") == "text/event-stream");
    BOOST_TEST(stream.chunks > 5U);
    BOOST_TEST(stream.body.find("\"choices\":[],\"usage\":{") != std::string::npos);
    BOOST_TEST(stream.body.substr(stream.body.size() - 14) == "data: [DONE]\n\n");
    BOOST_TEST(f.models().headers.get("X-RateLimit-Remaining", "") == "998");
}

BOOST_AUTO_TEST_CASE(B17_free_has_20_a_minute_and_pro_1000)
{
    Fixture f;
    BOOST_TEST(f.models().headers.get("X-RateLimit-Limit", "") == "1000");
    f.sandbox.setBentooPlan(BentooPlan::Free);
    BOOST_TEST(f.models().headers.get("X-RateLimit-Limit", "") == "20");
    int good = 2;
    while (f.models().status == 200) ++good;
    BOOST_TEST(good == 24);
    f.sandbox.setBentooPlan(BentooPlan::Pro);
    BOOST_TEST(f.models().status == 200);
}

BOOST_AUTO_TEST_CASE(a_missing_or_garbled_key_is_401)
{
    const Fixture f;
    BOOST_TEST(once(f.sandbox.baseUrl(Provider::Bentoo), "GET", "/models").status == 401);
    BOOST_TEST(f.models("").status == 401);
    BOOST_TEST(f.models("Bearer " + f.sandbox.bentoo().apiKey).status == 401);
    const auto basic =
        once(f.sandbox.baseUrl(Provider::Bentoo), "GET", "/models", {"Authorization: " + f.sandbox.bentoo().apiKey});
    BOOST_TEST(basic.status == 401);
}

BOOST_AUTO_TEST_SUITE_END()
