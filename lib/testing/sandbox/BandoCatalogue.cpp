#include "BandoCatalogue.h"

#include "Json.h"

#include <fmt/format.h>

namespace tollgate::testing::sandbox {

std::string money(std::uint64_t cents) { return fmt::format("{}.{:02}", cents / 100, cents % 100); }

std::string productJson(const BandoProduct& product)
{
    const auto amount = money(product.cents);
    return fmt::format(
        R"({{"id":"{0}","brand":{1},"country":"{2}","notes":"","shortNotes":"","sku":"{0}","price":{{"fiatCurrency":"{3}",)"
        R"("fiatValue":"{4}","stableCoinCurrency":"USDC","stableCoinValue":"{4}"}},"productType":"{5}",)"
        R"("referenceType":{{"name":"email","valueType":"string","regex":"^.+@.+$"}},"requiredFields":[],"subTypes":["{6}"],)"
        R"("categories":["{7}"],"supportedCountries":["{2}"],"imageUrl":"","evmServiceId":1,"svmServiceId":1}})",
        product.sku, quoted(product.brand), product.country, product.currency, amount, product.type, product.subType,
        product.category);
}

std::string networkJson(const BandoNetwork& network)
{
    return fmt::format(R"({{"name":"{}","key":"{}","logoUrl":"","chainId":{},"rpcUrl":"","explorerUrl":"","isTestnet":false,)"
                       R"("networkType":"{}","isActive":true,"rank":1,"protocolContracts":{{}},)"
                       R"("nativeToken":{{"name":"{}","symbol":"{}","decimals":18}}}})",
                       network.name, network.key, network.chainId, network.type, network.symbol, network.symbol);
}

std::string tokensJson(const BandoNetwork& network)
{
    constexpr auto form = R"({{"id":{},"name":"{}","symbol":"{}","key":"{}","address":"{}","decimals":{},)"
                          R"("minAllowance":"0.01","maxAllowance":"1000.00"}})";
    return fmt::format(form, 1, network.symbol, network.symbol, "native", "0x0000000000000000000000000000000000000000", 18) +
           "," + fmt::format(form, 2, "USD Coin", "USDC", "usdc", "0x00000000000000000000000000000000000000c0", 6);
}

std::string countriesJson(std::string_view search)
{
    struct Country
    {
        std::string_view name, iso2, currency;
    };
    constexpr std::array<Country, 3> countries = {
        {{"Colombia", "CO", "COP"}, {"Mexico", "MX", "MXN"}, {"United States", "US", "USD"}}};
    std::string list;
    int count = 0;
    for (const auto& country : countries) {
        if (country.name.find(search) == std::string_view::npos && country.iso2 != search) continue;
        list += fmt::format(R"({}{{"name":"{}","isoAlpha2":"{}","fiatCurrency":"{}"}})", list.empty() ? "" : ",", country.name,
                            country.iso2, country.currency);
        ++count;
    }
    return fmt::format(R"({{"message":"ok","data":{{"count":{},"results":[{}]}}}})", count, list);
}

} // namespace tollgate::testing::sandbox
