#include "BandoApi.h"

#include "BandoCatalogue.h"
#include "Json.h"
#include "Keys.h"

#include <Poco/NumberParser.h>

#include <fmt/format.h>

#include <algorithm>

namespace tollgate::testing::sandbox {

namespace {

constexpr unsigned defaultPageSize = 100;

HttpResponse error(int status, std::string_view code, std::string_view message)
{
    return HttpResponse::json(status, fmt::format(R"({{"errorCode":{},"message":{}}})", quoted(code), quoted(message)));
}

HttpResponse badField(std::string_view field, std::string_view message)
{
    return HttpResponse::json(400, fmt::format(R"({{"errorCode":"INVALID_REQUEST","message":{},"fields":{{{}:{}}}}})",
                                               quoted(message), quoted(field), quoted(message)));
}

/// Whether the text is in a comma list; an empty list means any.
bool isListed(std::string_view text, std::string_view list)
{
    if (list.empty()) return true;
    for (;;) {
        const auto comma = list.find(',');
        if (equalsIgnoreCase(list.substr(0, comma), text)) return true;
        if (comma == std::string_view::npos) return false;
        list.remove_prefix(comma + 1);
    }
}

std::vector<BandoProduct> selected(const HttpRequest& request)
{
    const auto brand = request.queryOr("brand"), country = request.queryOr("country"), type = request.queryOr("type");
    const auto subType = request.queryOr("subType"), category = request.queryOr("category");
    std::vector<BandoProduct> products;
    std::copy_if(bandoProducts.begin(), bandoProducts.end(), std::back_inserter(products), [&](const BandoProduct& product) {
        return isListed(product.brand, brand) && isListed(product.country, country) && isListed(product.type, type) &&
               isListed(product.subType, subType) && isListed(product.category, category);
    });
    return products;
}

/// {products:[{productType, brands:[{brandName, ..., variants}]}]}: the catalogue stands in this order already.
std::string groupedJson(const std::vector<BandoProduct>& products)
{
    std::string types;
    for (std::size_t i = 0; i < products.size();) {
        const auto type = products[i].type;
        std::string brands;
        while (i < products.size() && products[i].type == type) {
            const auto brand = products[i].brand;
            std::string variants;
            for (; i < products.size() && products[i].type == type && products[i].brand == brand; ++i)
                variants += (variants.empty() ? "" : ",") + productJson(products[i]);
            brands += fmt::format(R"({}{{"brandName":{},"brandSlug":{},"imageUrl":"","order":1,"variants":[{}]}})",
                                  brands.empty() ? "" : ",", quoted(brand), quoted(brand), variants);
        }
        types += fmt::format(R"({}{{"productType":"{}","brands":[{}]}})", types.empty() ? "" : ",", type, brands);
    }
    return R"({"products":[)" + types + "]}";
}

/// A positive number from the query, or `otherwise` if there is none; 0 if it is none.
unsigned numberFrom(const HttpRequest& request, std::string_view name, unsigned otherwise)
{
    const auto text = request.query(name);
    if (!text) return otherwise;
    unsigned number = 0;
    return Poco::NumberParser::tryParseUnsigned(*text, number) ? number : 0;
}

} // namespace

BandoApi::BandoApi(const SandboxOptions& options, const Timekeeper& time)
    : _time(time)
    , _perHour(options.bandoPerHour)
    , _hour(options.hour)
    , _lockoutAfter(options.bandoLockoutAfter)
    , _lockoutWithin(options.bandoLockoutWithin)
    , _lockout(options.bandoLockout)
{
    _router.add("GET", "/coolness", [](const Call&) { return HttpResponse::json(200, R"({"coolness":"over 9000"})"); });
    _router.add("GET", "/api/v1/products/grouped/", [this](const Call& call) { return products(call, true); });
    _router.add("GET", "/api/v1/products/", [this](const Call& call) { return products(call, false); });
    _router.add("POST", "/api/v1/quotes/", [this](const Call& call) { return createQuote(call); });
    _router.add("GET", "/api/v1/networks/", [](const Call&) {
        std::string list;
        for (const auto& network : bandoNetworks) list += (list.empty() ? "" : ",") + networkJson(network);
        return HttpResponse::json(200, R"({"success":true,"data":[)" + list + "]}");
    });
    _router.add("GET", "/api/v1/tokens/*/", [this](const Call& call) { return tokens(call); });
    _router.add("GET", "/api/v1/countries/",
                [](const Call& call) { return HttpResponse::json(200, countriesJson(call.request.queryOr("search"))); });
}

void BandoApi::addToken(const std::string& token) { _tokens.emplace(token, SlidingWindow(_perHour, _hour)); }

bool BandoApi::revoke(const std::string& token) { return _tokens.erase(token) > 0; }

BandoApi::Address& BandoApi::address(const std::string& peer)
{
    // Sandbox choice: anonymous callers get 60 % of what a token gets.
    const auto anonymous = _perHour == 0 ? 0 : std::max<std::size_t>(1, _perHour * 60 / 100);
    return _addresses
        .try_emplace(peer, Address{SlidingWindow(_lockoutAfter, _lockoutWithin), SlidingWindow(anonymous, _hour), TimePoint{}})
        .first->second;
}

HttpResponse BandoApi::unknownPath() const
{
    return error(404, "NOT_FOUND", "There is no such path. Paths below /api/v1 end in a slash.");
}

HttpResponse BandoApi::handle(const HttpRequest& request, std::string_view path)
{
    const auto now = _time.now();
    auto& client = address(request.peer);
    auto* window = &client.anonymous;
    if (const auto authorization = request.headers.get("Authorization")) {
        if (now < client.lockedUntil)
            return error(403, "FORBIDDEN", "Maximum number of login attempts exceeded. Please try again later.");
        const auto known = _tokens.find(bearerKey(*authorization));
        if (known == _tokens.end()) {
            client.failures.take(now);
            if (_lockoutAfter != 0 && client.failures.used(now) >= _lockoutAfter) {
                client.lockedUntil = now + std::chrono::duration_cast<TimePoint::duration>(_lockout);
                client.failures.clear();
            }
            return error(401, "UNAUTHORIZED", "The token is not recognised.").with("WWW-Authenticate", "Bearer");
        }
        window = &known->second;
    }
    if (!window->take(now)) return error(429, "TOO_MANY_REQUESTS", "The hourly limit is used up.");
    Call call{request, path, {}, {}};
    return respond(call);
}

HttpResponse BandoApi::respond(Call& call)
{
    const auto match = _router.find(call);
    if (match.handler) return (*match.handler)(call);
    if (match.allow.empty()) return unknownPath();
    return error(405, "METHOD_NOT_ALLOWED", "This path has no such method.").with("Allow", match.allow);
}

HttpResponse BandoApi::products(const Call& call, bool grouped) const
{
    const auto page = numberFrom(call.request, "pageNumber", 1), size = numberFrom(call.request, "pageSize", defaultPageSize);
    if (page == 0) return badField("pageNumber", "pageNumber must be a number from 1.");
    if (size == 0) return badField("pageSize", "pageSize must be a number from 1.");
    const auto all = selected(call.request);
    const auto from = std::min<std::size_t>(all.size(), std::size_t{size} * (page - 1));
    const auto to = std::min<std::size_t>(all.size(), from + size);
    const std::vector<BandoProduct> shown(all.begin() + static_cast<std::ptrdiff_t>(from),
                                          all.begin() + static_cast<std::ptrdiff_t>(to));
    if (grouped) return HttpResponse::json(200, groupedJson(shown));
    std::string list;
    for (const auto& product : shown) list += (list.empty() ? "" : ",") + productJson(product);
    return HttpResponse::json(200, fmt::format(R"({{"totalItems":{},"totalPages":{},"currentPage":{},"products":[{}]}})",
                                               all.size(), (all.size() + size - 1) / size, page, list));
}

HttpResponse BandoApi::createQuote(const Call& call)
{
    const auto body = parseObject(call.request.body);
    if (!body) return error(400, "INVALID_REQUEST", "The body must be a JSON object.");
    for (const char* name : {"fiatCurrency", "digitalAsset", "sku", "sender"})
        if (textAt(body, name).value_or("").empty()) return badField(name, fmt::format("{} is missing.", name));
    if (!body->get("chainId").isInteger()) return badField("chainId", "chainId must be an integer.");
    const auto chain = body->get("chainId").convert<std::int64_t>();
    if (std::none_of(bandoNetworks.begin(), bandoNetworks.end(), [&](const auto& network) { return network.chainId == chain; }))
        return badField("chainId", "There is no such network.");
    const auto sku = *textAt(body, "sku");
    const auto product =
        std::find_if(bandoProducts.begin(), bandoProducts.end(), [&](const auto& candidate) { return candidate.sku == sku; });
    if (product == bandoProducts.end()) return badField("sku", "There is no such sku.");
    if (*textAt(body, "fiatCurrency") != product->currency)
        return badField("fiatCurrency", fmt::format("This sku is sold in {}.", product->currency));

    const auto fee = product->cents / 100 + 1;
    return HttpResponse::json(
        201, fmt::format(R"({{"id":{},"fiatCurrency":"{}","fiatAmount":"{}","digitalAsset":{},"digitalAssetAmount":"{}",)"
                         R"("totalAmount":"{}","feeAmount":"{}","sku":"{}","transactionRequest":{{"to":)"
                         R"("0x00000000000000000000000000000000000000b0","data":"0x","value":"0x0"}}}})",
                         ++_quotes, product->currency, money(product->cents), quoted(*textAt(body, "digitalAsset")),
                         money(product->cents), money(product->cents + fee), money(fee), product->sku));
}

HttpResponse BandoApi::tokens(const Call& call) const
{
    const auto network = std::find_if(bandoNetworks.begin(), bandoNetworks.end(),
                                      [&](const auto& candidate) { return candidate.key == call.captured.front(); });
    if (network == bandoNetworks.end()) return badField("networkKey", "There is no such network.");
    return HttpResponse::json(200, R"({"success":true,"data":[)" + tokensJson(*network) + "]}");
}

} // namespace tollgate::testing::sandbox
