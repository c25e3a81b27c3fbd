#include "tollgate/providers/Bando.h"

#include "providers/JsonRead.h"
#include "providers/JsonText.h"
#include "providers/Reviews.h"
#include "providers/Setup.h"
#include "tollgate/Json.h"

#include <utility>

namespace tollgate {

using namespace providers; // NOLINT(google-build-using-namespace): the readers and writers this file is made of

namespace {

Client makeClient(const BandoOptions& options)
{
    ClientBuilder builder = clientFor(options, "https://api.bando.cool", &reviewBando);
    if (options.token) builder.auth(bearer(options.token)).limit(options.lockout);
    if (options.perHour) builder.limit(perHour(options.perHour));
    return builder.build();
}

bando::Price priceOf(const JsonObjectPtr& price, Names currency, Names value)
{
    return {textAt(price, currency), textAt(price, value)};
}

// Names were snake_case until 2025 and are camelCase since; both are read.
bando::Product productOf(const JsonObjectPtr& variant, const JsonObjectPtr& brand, const JsonObjectPtr& group)
{
    bando::Product product;
    product.id = textAt(variant, {"id"});
    product.sku = textAt(variant, {"sku"});
    product.brand = textAt(variant, {"brand", "brandName", "brand_name"});
    if (product.brand.empty()) product.brand = textAt(brand, {"brandName", "brand_name"});
    product.country = textAt(variant, {"country"});
    product.productType = textAt(variant, {"productType", "product_type"});
    if (product.productType.empty()) product.productType = textAt(group, {"productType", "product_type"});
    product.notes = textAt(variant, {"notes"});
    product.subTypes = textsAt(variant, {"subTypes", "sub_types"});
    const JsonObjectPtr price = objectAt(variant, {"price"});
    product.price = priceOf(price, {"fiatCurrency", "fiat_currency"}, {"fiatValue", "fiat_value"});
    product.stableCoinPrice =
        priceOf(price, {"stableCoinCurrency", "stable_coin_currency"}, {"stableCoinValue", "stable_coin_value"});
    if (const JsonArrayPtr fields = arrayAt(variant, {"requiredFields", "required_fields"}))
        for (const JsonValue& entry : *fields)
            if (const JsonObjectPtr field = asObject(entry))
                product.requiredFields.push_back(
                    {textAt(field, {"name", "key"}), textAt(field, {"valueType", "value_type"}), textAt(field, {"regex"})});
    return product;
}

/// The objects in a member that is a list; none if it is not.
std::vector<JsonObjectPtr> objectsAt(const JsonObjectPtr& object, Names names)
{
    std::vector<JsonObjectPtr> objects;
    if (const JsonArrayPtr list = arrayAt(object, names))
        for (const JsonValue& value : *list)
            if (const JsonObjectPtr entry = asObject(value)) objects.push_back(entry);
    return objects;
}

bando::Quote quoteOf(const JsonObjectPtr& quote)
{
    return {textAt(quote, {"id"}),
            textAt(quote, {"sku"}),
            textAt(quote, {"fiatCurrency", "fiat_currency"}),
            textAt(quote, {"fiatAmount", "fiat_amount"}),
            textAt(quote, {"digitalAsset", "digital_asset"}),
            textAt(quote, {"digitalAssetAmount", "digital_asset_amount"}),
            textAt(quote, {"feeAmount", "fee_amount"}),
            textAt(quote, {"totalAmount", "total_amount"}),
            textAt(quote, {"transactionRequest", "transaction_request"})};
}

std::string joined(const std::vector<std::string>& texts)
{
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : ",") + text;
    return all;
}

} // namespace

Bando Bando::fromEnvironment(std::string userAgent, TransportPtr transport)
{
    BandoOptions options;
    options.userAgent = std::move(userAgent);
    options.baseUrl = environment("BANDO_BASE_URL");
    options.transport = std::move(transport);
    if (!environment("BANDO_API_TOKEN").empty()) options.token = environmentSource("BANDO_API_TOKEN");
    return Bando(std::move(options));
}

Bando::Bando(BandoOptions options) : ProviderClient(makeClient(options)), _anonymous(!options.token) {}

std::string Bando::coolness() const { return client().get("/coolness").repeat(Repeat::Safe).send().body(); }

std::vector<bando::Product> Bando::products(const bando::ProductFilter& filter) const
{
    Request request = client().get("/api/v1/products/grouped/").repeat(Repeat::Safe);
    const auto add = [&request](const char* name, const std::string& value) {
        if (!value.empty()) request.query(name, value);
    };
    add("brand", filter.brand);
    add("country", filter.country);
    add("type", filter.type);
    add("subType", filter.subType);
    add("category", joined(filter.categories));

    std::vector<bando::Product> products;
    for (const JsonObjectPtr& group : listOf(request.send(), {"products"})) {
        const std::vector<JsonObjectPtr> brands = objectsAt(group, {"brands"});
        if (brands.empty() && group->has("sku")) products.push_back(productOf(group, {}, {})); // an ungrouped list
        for (const JsonObjectPtr& brand : brands)
            for (const JsonObjectPtr& variant : objectsAt(brand, {"variants"}))
                products.push_back(productOf(variant, brand, group));
    }
    return products;
}

bando::Quote Bando::quote(const bando::QuoteRequest& request) const
{
    JsonObject body;
    body.set("fiatCurrency", request.fiatCurrency).set("digitalAsset", request.digitalAsset).set("sku", request.sku);
    body.set("chainId", request.chainId).set("sender", request.sender);
    if (!request.integrator.empty()) body.set("integrator", request.integrator);
    return quoteOf(oneOf(client().post("/api/v1/quotes/").json(body.text()).repeat(Repeat::Never).send()));
}

} // namespace tollgate
