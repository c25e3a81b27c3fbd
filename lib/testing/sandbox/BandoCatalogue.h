#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tollgate::testing::sandbox {

/// A thing that the sandbox's Bando sells. Money is in hundredths, and leaves as decimal text.
struct BandoProduct
{
    std::string_view sku, type, subType, category, brand, country;
    std::uint64_t cents;
    std::string_view currency;
};

struct BandoNetwork
{
    std::string_view key, name, symbol;
    int chainId;
    std::string_view type;
};

inline constexpr std::array<BandoProduct, 6> bandoProducts = {{
    {"ESIM-WORLD-1GB", "esim", "data", "travel", "Nomad", "US", 450, "USD"},
    {"ESIM-MX-5GB", "esim", "data", "travel", "Nomad", "MX", 1200, "USD"},
    {"TOPUP-MX-100", "topup", "mobile", "phone", "Movil Uno", "MX", 10000, "MXN"},
    {"TOPUP-CO-20K", "topup", "mobile", "phone", "Movil Dos", "CO", 2000000, "COP"},
    {"GIFT-US-25", "gift_card", "shopping", "retail", "Corner Shop", "US", 2500, "USD"},
    {"SANDBOX-US-10", "gift_card", "shopping", "retail", "Sandbox", "US", 1000, "USD"},
}};

inline constexpr std::array<BandoNetwork, 3> bandoNetworks = {{
    {"arb", "Arbitrum One", "ETH", 42161, "EVM"},
    {"wld", "World Chain", "ETH", 480, "EVM"},
    {"sol", "Solana", "SOL", 101, "SVM"},
}};

/// 1250 is "12.50".
std::string money(std::uint64_t cents);

/// JSON objects as Bando's pages show them, with the fields that a client needs.
std::string productJson(const BandoProduct& product);
std::string networkJson(const BandoNetwork& network);
std::string tokensJson(const BandoNetwork& network);
std::string countriesJson(std::string_view search);

} // namespace tollgate::testing::sandbox
