#include "limits/FieldValues.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace tollgate::limits {

namespace {

/// Milliseconds of the unit at the front of `text`, which is taken away.
std::optional<double> takeUnit(std::string_view& text) noexcept
{
    struct Unit
    {
        std::string_view name;
        double milliseconds;
    };
    static constexpr Unit units[] = {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 24 * 3600e3}}; // "ms" before "m"
    for (const Unit& unit : units) {
        if (text.substr(0, unit.name.size()) != unit.name) continue;
        text.remove_prefix(unit.name.size());
        return unit.milliseconds;
    }
    return std::nullopt;
}

} // namespace

std::string_view trimmed(std::string_view text) noexcept
{
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<std::uint64_t> count(std::string_view text) noexcept
{
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value); // takes no sign
    if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<double> decimal(std::string_view text) noexcept
{
    if (text.empty() || text.front() == '.' || text.find_first_not_of("0123456789.") != std::string_view::npos)
        return std::nullopt;
    double value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end != text.data() + text.size()) return std::nullopt;
    if (failure == std::errc::result_out_of_range) // too small, as "0.000...1", or too great
        return text[text.find_first_not_of('0')] == '.' ? 0 : std::numeric_limits<double>::max();
    return value;
}

std::optional<Duration> unitDuration(std::string_view text)
{
    if (text.empty()) return std::nullopt;
    double milliseconds = 0;
    while (!text.empty()) {
        const auto size = std::min(text.find_first_not_of("0123456789."), text.size());
        const auto number = decimal(text.substr(0, size));
        text.remove_prefix(size);
        const auto unit = takeUnit(text);
        if (!number || !unit) return std::nullopt;
        milliseconds += *number * *unit;
    }
    return atMost<std::chrono::milliseconds>(longestQuota, milliseconds);
}

} // namespace tollgate::limits
