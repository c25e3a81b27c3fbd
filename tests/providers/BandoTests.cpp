#include "Scripted.h"

using namespace tollgate;
using namespace scripted;

namespace {

const std::string supportAddress = "api@bando.cool";

const std::string camel =
    R"({"products":[{"productType":"gift_card","brands":[{"brandName":"Acme","brandSlug":"acme","order":1,"variants":[
    {"id":7,"sku":"sku-1","country":"MX","notes":"n","price":{"fiatCurrency":"MXN","fiatValue":"200.10","stableCoinCurrency":"USDC",
     "stableCoinValue":"11.5000"},"subTypes":["shops"],"requiredFields":[{"name":"phone","valueType":"text","regex":"^\\d+$"}]},
    {"id":"8","sku":"sku-2","brand":"Other","country":"US","productType":"topup","dataGB":"5","durationDays":30}]}]}]})";

const std::string snake =
    R"({"message":"ok","data":{"products":[{"product_type":"gift_card","brands":[{"brand_name":"Acme","variants":[
    {"id":7,"sku":"sku-1","country":"MX","notes":"n","price":{"fiat_currency":"MXN","fiat_value":"200.10","stable_coin_currency":"USDC",
     "stable_coin_value":"11.5000"},"sub_types":["shops"],"required_fields":[{"name":"phone","value_type":"text","regex":"^\\d+$"}]},
    {"id":"8","sku":"sku-2","brand":"Other","country":"US","product_type":"topup"}]}]}]}})";

template <class Leaf>
std::shared_ptr<const Error> coolnessWith(int status, const std::string& body, std::initializer_list<std::string> parts,
                                          const std::string& type = "application/json")
{
    auto transport = always(status, body, type);
    return thrownBy<Leaf>([&] { bandoOver(transport).coolness(); }, parts);
}

} // namespace

BOOST_AUTO_TEST_SUITE(BandoTests)

BOOST_AUTO_TEST_CASE(CoolnessIsText)
{
    BOOST_CHECK_EQUAL(bandoOver(always(200, "very cool\n", "text/plain")).coolness(), "very cool\n");
    BOOST_CHECK_EQUAL(bandoOver(always(200, R"({"cool":true})")).coolness(), R"({"cool":true})");
}

BOOST_AUTO_TEST_CASE(ProductsAreReadInBothSpellings)
{
    for (const std::string& body : {camel, snake}) {
        const auto products = bandoOver(always(200, body)).products();
        BOOST_REQUIRE_EQUAL(products.size(), 2U);
        BOOST_CHECK_EQUAL(products[0].id, "7");
        BOOST_CHECK_EQUAL(products[0].sku, "sku-1");
        BOOST_CHECK_EQUAL(products[0].brand, "Acme");
        BOOST_CHECK_EQUAL(products[0].country, "MX");
        BOOST_CHECK_EQUAL(products[0].productType, "gift_card");
        BOOST_CHECK_EQUAL(products[0].price.value, "200.10");
        BOOST_CHECK_EQUAL(products[0].price.currency, "MXN");
        BOOST_CHECK_EQUAL(products[0].stableCoinPrice.value, "11.5000");
        BOOST_CHECK((products[0].subTypes == std::vector<std::string>{"shops"}));
        BOOST_REQUIRE_EQUAL(products[0].requiredFields.size(), 1U);
        BOOST_CHECK_EQUAL(products[0].requiredFields[0].valueType, "text");
        BOOST_CHECK_EQUAL(products[1].id, "8");
        BOOST_CHECK_EQUAL(products[1].brand, "Other");
        BOOST_CHECK_EQUAL(products[1].productType, "topup");
        BOOST_CHECK_EQUAL(products[1].price.value, "");
    }
}

BOOST_AUTO_TEST_CASE(APriceIsTheServersTextOnlyIfItSendsText)
{
    const auto valueFor = [](const std::string& json) {
        return bandoOver(always(200, R"({"products":[{"sku":"s","price":{"fiatValue":)" + json + "}}]}"))
            .products()
            .at(0)
            .price.value;
    };
    BOOST_CHECK_EQUAL(valueFor(R"("200.10")"), "200.10");
    BOOST_CHECK_EQUAL(valueFor("200.10"), "200.1"); // as the header says
    thrownBy<UnexpectedContent>([&] { valueFor("20000000000000000000"); }, {"does not fit 64 bits"});
}

BOOST_AUTO_TEST_CASE(AnUngroupedListIsReadToo)
{
    const auto products = bandoOver(always(200, R"({"totalItems":1,"products":[{"sku":"s","brand":"B"}]})")).products();
    BOOST_REQUIRE_EQUAL(products.size(), 1U);
    BOOST_CHECK_EQUAL(products[0].brand, "B");
}

BOOST_AUTO_TEST_CASE(FiltersGoIntoTheQuery)
{
    auto transport = always(200, R"({"products":[]})");
    const Bando api = bandoOver(transport);
    BOOST_CHECK(api.products().empty());
    BOOST_CHECK_EQUAL(transport->sent()[0].url, "https://api.bando.cool/api/v1/products/grouped/");
    api.products({"Ac me", "MX", "esim", "", {"a", "b"}});
    BOOST_CHECK_EQUAL(transport->sent()[1].url,
                      "https://api.bando.cool/api/v1/products/grouped/?brand=Ac%20me&country=MX&type=esim&category=a%2Cb");
}

BOOST_AUTO_TEST_CASE(AQuoteIsReadBareAndWrapped)
{
    const std::string bare =
        R"({"id":991,"fiatCurrency":"USD","fiatAmount":"25.00","digitalAsset":"0x0","digitalAssetAmount":"0.0101",
        "totalAmount":"0.0102","feeAmount":"0.0001","sku":"sku-1","transactionRequest":{"to":"0x1","value":"0x2"}})";
    for (const std::string& body : {bare, R"({"error":null,"message":"ok","data":)" + bare + "}"}) {
        auto transport = always(201, body);
        const auto quote = bandoOver(transport).quote({"sku-1", "USD", "0x0", 42161, "0xabc"});
        BOOST_CHECK_EQUAL(quote.id, "991");
        BOOST_CHECK_EQUAL(quote.fiatAmount, "25.00");
        BOOST_CHECK_EQUAL(quote.totalAmount, "0.0102");
        BOOST_CHECK_EQUAL(quote.transactionRequest, R"({"to":"0x1","value":"0x2"})");
        BOOST_CHECK_EQUAL(transport->sent()[0].url, "https://api.bando.cool/api/v1/quotes/");
        BOOST_CHECK_EQUAL(transport->sent()[0].body,
                          R"({"fiatCurrency":"USD","digitalAsset":"0x0","sku":"sku-1","chainId":42161,"sender":"0xabc"})");
    }
}

BOOST_AUTO_TEST_CASE(AQuoteIsNotRepeated)
{
    auto transport = always(502, "");
    thrownBy<ServerError>([&] { bandoOver(transport).quote({"s", "USD", "0x0", 1, "0xabc"}); });
    BOOST_CHECK_EQUAL(transport->sent().size(), 1U);
}

BOOST_AUTO_TEST_CASE(Status401WarnsOfTheLockout)
{
    const auto error = coolnessWith<CredentialRejected>(401, R"({"errorCode":"unauthorized","message":"token unrecognized"})",
                                                        {"token unrecognized"});
    BOOST_CHECK(contains(error->hint(), "lock the account out"));
    BOOST_CHECK_EQUAL(error->support(), supportAddress);
}

BOOST_AUTO_TEST_CASE(Status403NamesBothPossibilities)
{
    for (const char* body : {R"({"message":"Forbidden"})", "", "no JSON"}) {
        const auto error = coolnessWith<PermissionDenied>(403, body, {"403"});
        BOOST_CHECK(contains(error->hint(), "locked out"));
        BOOST_CHECK(contains(error->hint(), "IP address is not allowed"));
        BOOST_CHECK_EQUAL(error->support(), supportAddress);
    }
}

BOOST_AUTO_TEST_CASE(A401IsNotTriedAgain)
{
    auto transport = always(401, "{}");
    const Bando api = bandoOver(transport);
    thrownBy<CredentialRejected>([&] { api.coolness(); });
    for (int i = 0; i < 10; ++i) thrownBy<CredentialRejected>([&] { api.coolness(); });
    BOOST_CHECK_EQUAL(transport->sent().size(), 1U);
}

BOOST_AUTO_TEST_CASE(A403AfterA401IsALockout)
{
    auto clock = testing::VirtualClock::create();
    auto transport = ScriptedTransport::create(clock);
    transport->answer(401, "{}").answer(403, R"({"message":"Maximum number of login attempts exceeded."})");
    const Bando api = bandoOver(transport);
    thrownBy<CredentialRejected>([&] { api.coolness(); });
    clock->advance(std::chrono::minutes(15)); // the canary
    const auto error = thrownBy<LockedOut>([&] { api.coolness(); }, {"Maximum number of login attempts", "locked out"});
    BOOST_CHECK(!dynamic_cast<const LockedOut&>(*error).cause().empty());
    thrownBy<LockedOut>([&] { api.coolness(); });
    BOOST_CHECK_EQUAL(transport->sent().size(), 2U);
}

BOOST_AUTO_TEST_CASE(Status429SaysPollLessOften)
{
    const auto error = coolnessWith<RateLimited>(429, R"({"message":"Too many"})", {"Too many", "100 requests an hour"});
    BOOST_CHECK_EQUAL(error->support(), supportAddress);
}

BOOST_AUTO_TEST_CASE(OtherFailuresKeepTheirTypes)
{
    coolnessWith<BadRequest>(400, R"({"error":"x","message":"INSUFFICIENT_BALANCE","data":{"error_code":"y"}})",
                             {"INSUFFICIENT_BALANCE"});
    coolnessWith<NotFound>(404, "", {"404"});
    coolnessWith<ServerError>(500, "<html>", {"500"}, "text/html");
    coolnessWith<Blocked>(200, "<html>", {"HTML page"}, "text/html");
}

BOOST_AUTO_TEST_SUITE_END()
