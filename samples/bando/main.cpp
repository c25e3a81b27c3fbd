// Bando: is it cool, what can be bought, and what does the first thing cost in crypto?

#include "support/Sample.h"

#include <tollgate/providers/Bando.h>

using tollgate::testing::Provider;

namespace {

tollgate::Bando connect(const tollgate::testing::Sandbox* sandbox)
{
    if (!sandbox) return tollgate::Bando::fromEnvironment("sample-bando/1.0");

    tollgate::BandoOptions options;
    options.userAgent = "sample-bando/1.0";
    options.baseUrl = sandbox->baseUrl(Provider::Bando);
    options.token = sample::fixed(sandbox->bando().token);
    return tollgate::Bando(options);
}

} // namespace

int main()
{
    return sample::run([] {
        const auto sandbox = sample::sandboxUnlessSet("Bando", {"BANDO_API_TOKEN", "BANDO_BASE_URL"});
        const auto bando = connect(sandbox.get());
        fmt::print("{}: {}\n", bando.anonymous() ? "Anonymous" : "With a token", bando.coolness());

        const auto products = bando.products();
        for (const auto& product : products)
            fmt::print("{} ({}, {}): {} {}\n", product.brand, product.productType, product.country, product.price.value,
                       product.price.currency);
        if (products.empty()) return;

        const std::string nativeCoin = "0x0000000000000000000000000000000000000000";
        const std::string wallet = "0x00000000000000000000000000000000000000aa";
        const auto quote = bando.quote({products.front().sku, products.front().price.currency, nativeCoin, 42161, wallet});
        fmt::print("Quote {}: {} {} for {}\n", quote.id, quote.totalAmount, quote.digitalAsset, quote.sku);
    });
}
