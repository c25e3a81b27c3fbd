#pragma once

#include "tollgate/CredentialSource.h"
#include "tollgate/Lockout.h"
#include "tollgate/providers/Provider.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tollgate {

struct TOLLGATE_API BandoOptions : ProviderOptions
{
    CredentialSourcePtr token;                   ///< null: anonymous, the API is public; a token buys more requests
    unsigned perHour = 100;                      ///< 0 switches the limit off
    LockoutPolicy lockout = tollgate::lockout(); ///< holds with a token: bad ones lock the account out for a while
};

namespace bando {

/// A decimal as text, and its currency. The server's own text to the last digit where it sends text, as Bando's examples do; a
/// JSON number has been a double on the way (see tollgate/Json.h), so that 200.10 is "200.1" and digits beyond the 15th may be
/// off.
struct TOLLGATE_API Price
{
    std::string currency;
    std::string value;
};

/// What the buyer must tell, such as a telephone number. Personal data: keep it out of logs.
struct TOLLGATE_API RequiredField
{
    std::string name;
    std::string valueType;
    std::string regex;
};

struct TOLLGATE_API Product
{
    std::string id;
    std::string sku;
    std::string brand;
    std::string country;     ///< ISO 3166 alpha-2
    std::string productType; ///< "esim", "topup", "gift_card"
    std::string notes;
    Price price; ///< in the country's currency
    Price stableCoinPrice;
    std::vector<std::string> subTypes;
    std::vector<RequiredField> requiredFields;
};

/// Empty: not filtered by that.
struct TOLLGATE_API ProductFilter
{
    std::string brand = {};
    std::string country = {};
    std::string type = {};
    std::string subType = {};
    std::vector<std::string> categories = {};
};

struct TOLLGATE_API QuoteRequest
{
    std::string sku;
    std::string fiatCurrency;
    std::string digitalAsset; ///< token address; the zero address is the chain's own coin
    std::int64_t chainId = 0;
    std::string sender; ///< wallet address
    std::string integrator = {};
};

/// Amounts are decimals as text, exact if the server sends text; see Price.
struct TOLLGATE_API Quote
{
    std::string id;
    std::string sku;
    std::string fiatCurrency, fiatAmount;
    std::string digitalAsset, digitalAssetAmount;
    std::string feeAmount, totalAmount;
    /// JSON text: what the wallet signs; its shape depends on the chain. For numbers in it see Price.
    std::string transactionRequest;
};

} // namespace bando

/// Bando, spending of digital assets (https://api.bando.cool). Thread-safe, cheap to copy.
///
///     auto bando = tollgate::Bando::fromEnvironment("AcmeCRM/1.0", transport);
///     for (const auto& product : bando.products({{}, "MX"})) fmt::print("{} {}\n", product.brand, product.price.value);
class TOLLGATE_API Bando : public ProviderClient
{
public:
    /// Reads BANDO_API_TOKEN (anonymous without it) and BANDO_BASE_URL if they are set.
    static Bando fromEnvironment(std::string userAgent, TransportPtr transport = {});

    explicit Bando(BandoOptions options);

    bool anonymous() const noexcept { return _anonymous; }

    /// The API's sign of life, as text.
    std::string coolness() const;

    /// All variants of all brands that the filter lets through.
    std::vector<bando::Product> products(const bando::ProductFilter& filter = {}) const;

    /// Never repeated once it may have been processed: each one is a new quote.
    bando::Quote quote(const bando::QuoteRequest& request) const;

private:
    bool _anonymous;
};

} // namespace tollgate
