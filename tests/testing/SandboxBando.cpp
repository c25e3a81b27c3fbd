// The promises D1 to D10 of Bando's page.

#include "RawClient.h"

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
        return options;
    }

    RawResponse anonymous(const std::string& path = "/coolness") const
    {
        return once(sandbox.baseUrl(Provider::Bando), "GET", path);
    }
    RawResponse with(const std::string& token, const std::string& from = {}) const
    {
        return RawClient(sandbox.baseUrl(Provider::Bando), {}, from)
            .request("GET", "/coolness", {"Authorization: Bearer " + token});
    }
    RawResponse good() const { return with(sandbox.bando().token); }
    RawResponse bad() const { return with("no-such-token"); }
    RawResponse quote(const std::string& body) const
    {
        return once(sandbox.baseUrl(Provider::Bando), "POST", "/api/v1/quotes/", {"Content-Type: application/json"}, body);
    }

    std::shared_ptr<VirtualClock> clock = VirtualClock::create();
    Sandbox sandbox;
};

Poco::JSON::Object::Ptr object(const RawResponse& response)
{
    return tollgate::parseJson(response.body).extract<Poco::JSON::Object::Ptr>();
}

const std::string goodQuote = R"({"fiatCurrency":"USD","digitalAsset":"0x0000000000000000000000000000000000000000",)"
                              R"("sku":"ESIM-MX-5GB","chainId":42161,"sender":"0x00000000000000000000000000000000000000aa"})";

} // namespace

BOOST_AUTO_TEST_SUITE(SandboxBando)

BOOST_AUTO_TEST_CASE(D1_anonymous_requests_are_served)
{
    const Fixture f;
    BOOST_TEST(f.anonymous().status == 200);
}

BOOST_AUTO_TEST_CASE(D2_a_valid_token_is_accepted)
{
    Fixture f;
    BOOST_TEST(f.good().status == 200);
    const auto second = f.sandbox.createBandoToken();
    BOOST_TEST(f.with(second).status == 200);
    f.sandbox.revoke(second);
    BOOST_TEST(f.with(second).status == 401);
}

BOOST_AUTO_TEST_CASE(D3_and_D4_a_token_has_100_an_hour_and_an_anonymous_caller_less)
{
    const Fixture f;
    RawClient client(f.sandbox.baseUrl(Provider::Bando));
    const auto allowed = [&](const std::vector<std::string>& fields) {
        int count = 0;
        while (client.request("GET", "/coolness", fields).status == 200) ++count;
        return count;
    };
    BOOST_TEST(allowed({}) == 60);
    BOOST_TEST(allowed({"Authorization: Bearer " + f.sandbox.bando().token}) == 100);
    const auto refused = f.good();
    BOOST_TEST(refused.status == 429);
    BOOST_TEST(!refused.headers.has("Retry-After"));
    f.clock->advance(1h);
    BOOST_TEST(f.good().status == 200);
    BOOST_TEST(f.anonymous().status == 200);
}

BOOST_AUTO_TEST_CASE(D5_the_first_invalid_token_gets_401)
{
    const Fixture f;
    BOOST_TEST(f.bad().status == 401);
    BOOST_TEST(f.with("{{token}}").status == 401);
    BOOST_TEST(once(f.sandbox.baseUrl(Provider::Bando), "GET", "/coolness", {"Authorization: Basic eDp5"}).status == 401);
}

BOOST_AUTO_TEST_CASE(D6_D7_D8_several_invalid_tokens_lock_even_the_valid_one_for_a_while)
{
    const Fixture f;
    for (int i = 0; i < 5; ++i) BOOST_TEST(f.bad().status == 401);
    BOOST_TEST(f.bad().status == 403);
    BOOST_TEST(f.good().status == 403);
    BOOST_TEST(f.anonymous().status == 200);
    BOOST_TEST(f.with(f.sandbox.bando().token, "127.0.0.2").status == 200);
    f.clock->advance(299s);
    BOOST_TEST(f.good().status == 403);
    f.clock->advance(1s);
    BOOST_TEST(f.good().status == 200);
    BOOST_TEST(f.bad().status == 401);
}

BOOST_AUTO_TEST_CASE(tries_during_a_lockout_do_not_lengthen_it)
{
    const Fixture f;
    for (int i = 0; i < 5; ++i) f.bad();
    f.clock->advance(290s);
    for (int i = 0; i < 10; ++i) BOOST_TEST(f.bad().status == 403);
    f.clock->advance(10s);
    BOOST_TEST(f.good().status == 200);
}

BOOST_AUTO_TEST_CASE(D9_failures_that_are_spread_out_do_not_lock)
{
    const Fixture f;
    for (int i = 0; i < 20; ++i) {
        BOOST_TEST(f.bad().status == 401);
        f.clock->advance(15s);
    }
    BOOST_TEST(f.good().status == 200);
}

BOOST_AUTO_TEST_CASE(D10_a_valid_token_over_its_limit_gets_429_not_403)
{
    SandboxOptions options;
    options.bandoPerHour = 2;
    const Fixture f(options);
    BOOST_TEST(f.good().status == 200);
    BOOST_TEST(f.good().status == 200);
    BOOST_TEST(f.good().status == 429);
    BOOST_TEST(f.bad().status == 401);
}

BOOST_AUTO_TEST_CASE(without_a_lockout_bad_tokens_stay_401)
{
    SandboxOptions options;
    options.bandoLockoutAfter = 0;
    const Fixture f(options);
    for (int i = 0; i < 30; ++i) BOOST_TEST(f.bad().status == 401);
    BOOST_TEST(f.good().status == 200);
}

BOOST_AUTO_TEST_CASE(products_are_filtered_and_paged)
{
    const Fixture f;
    const auto all = object(f.anonymous("/api/v1/products/"));
    BOOST_TEST(all->getValue<int>("totalItems") == 6);
    const auto price = all->getArray("products")->getObject(0)->getObject("price");
    BOOST_TEST(price->get("fiatValue").isString());
    const auto mexican = object(f.anonymous("/api/v1/products/?country=MX&type=topup"));
    BOOST_TEST(mexican->getValue<int>("totalItems") == 1);
    const auto second = object(f.anonymous("/api/v1/products/?pageSize=4&pageNumber=2"));
    BOOST_TEST(second->getArray("products")->size() == 2U);
    BOOST_TEST(second->getValue<int>("totalPages") == 2);
    BOOST_TEST(f.anonymous("/api/v1/products/?pageNumber=x").status == 400);
    const auto grouped = object(f.anonymous("/api/v1/products/grouped/?type=esim,gift_card"))->getArray("products");
    BOOST_REQUIRE(grouped->size() == 2U);
    BOOST_TEST(grouped->getObject(0)->getValue<std::string>("productType") == "esim");
    BOOST_TEST(grouped->getObject(0)->getArray("brands")->getObject(0)->getArray("variants")->size() == 2U);
}

BOOST_AUTO_TEST_CASE(quotes_have_whole_ids_and_money_as_text)
{
    const Fixture f;
    const auto answer = f.quote(goodQuote);
    BOOST_TEST(answer.status == 201);
    BOOST_TEST(object(answer)->get("id").isInteger());
    BOOST_TEST(object(answer)->getValue<std::string>("fiatAmount") == "12.00");
    BOOST_TEST(object(answer)->getValue<std::string>("totalAmount") == "12.13");
    auto unknown = goodQuote;
    unknown.replace(unknown.find("ESIM-MX-5GB"), 11, "NOTHING");
    const auto refused = f.quote(unknown);
    BOOST_TEST(refused.status == 400);
    BOOST_TEST(object(refused)->getObject("fields")->has("sku"));
    BOOST_TEST(f.quote("{").status == 400);
    BOOST_TEST(f.quote(R"({"sku":"ESIM-MX-5GB"})").status == 400);
}

BOOST_AUTO_TEST_CASE(networks_tokens_and_countries)
{
    const Fixture f;
    const auto networks = object(f.anonymous("/api/v1/networks/"))->getArray("data");
    BOOST_TEST(networks->getObject(0)->getValue<std::string>("key") == "arb");
    BOOST_TEST(object(f.anonymous("/api/v1/tokens/arb/"))->getArray("data")->getObject(0)->get("minAllowance").isString());
    BOOST_TEST(f.anonymous("/api/v1/tokens/moon/").status == 400);
    BOOST_TEST(object(f.anonymous("/api/v1/countries/"))->getObject("data")->getValue<int>("count") == 3);
    BOOST_TEST(f.anonymous("/api/v1/networks").status == 404);
    BOOST_TEST(f.anonymous("/api/v1/quotes/").status == 405);
}

BOOST_AUTO_TEST_SUITE_END()
