#include "Keys.h"

#include "tollgate/Headers.h"

#include <fmt/format.h>

#include <random>

namespace tollgate::testing::sandbox {

namespace {

std::string draw(std::string_view alphabet, std::size_t length)
{
    std::random_device source;
    std::uniform_int_distribution<std::size_t> pick(0, alphabet.size() - 1);
    std::string text;
    for (std::size_t i = 0; i < length; ++i) text += alphabet[pick(source)];
    return text;
}

} // namespace

std::string randomText(std::size_t length)
{
    return draw("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", length);
}

std::string randomUuid()
{
    const auto hex = [](std::size_t length) { return draw("0123456789abcdef", length); };
    return fmt::format("{}-{}-4{}-{}{}-{}", hex(8), hex(4), hex(3), draw("89ab", 1), hex(3), hex(12));
}

std::string_view lastFour(std::string_view key) noexcept { return key.substr(key.size() - std::min<std::size_t>(4, key.size())); }

std::string_view bearerKey(std::string_view authorization) noexcept
{
    constexpr std::string_view scheme = "Bearer ";
    if (authorization.size() <= scheme.size() || !equalsIgnoreCase(authorization.substr(0, scheme.size()), scheme)) return {};
    authorization.remove_prefix(scheme.size());
    return authorization.find_first_of(" \t") == std::string_view::npos ? authorization : std::string_view();
}

} // namespace tollgate::testing::sandbox
