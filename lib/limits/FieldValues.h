#pragma once

#include "tollgate/Clock.h"

#include <cstdint>
#include <optional>
#include <string_view>

/// What stands in the fields by which servers tell of quotas and waits. None of these throws (but std::bad_alloc); what is not
/// exactly of the form is nothing.
namespace tollgate::limits {

/// Without blanks and tabs at its ends.
std::string_view trimmed(std::string_view text) noexcept;

/// Digits alone: "100".
std::optional<std::uint64_t> count(std::string_view text) noexcept;

/// Digits with perhaps a fraction: "1.5"; no sign, no exponent. What is too great for a double is the greatest one.
std::optional<double> decimal(std::string_view text) noexcept;

/// That many of `Unit`, rounded up to a whole one; nothing beyond `longest`. `number` is finite and not negative.
template <class Unit>
std::optional<Duration> atMost(Duration longest, double number)
{
    const std::chrono::duration<double, typename Unit::period> exact(number);
    if (exact > longest) return std::nullopt;
    return std::chrono::ceil<Unit>(exact);
}

/// Numbers with units: "6m0s", "12ms", "1h2.5s"; units d, h, m, s, ms. Nothing beyond 31 days.
std::optional<Duration> unitDuration(std::string_view text);

/// No quota that a server tells of lasts longer.
inline constexpr Duration longestQuota = std::chrono::hours(24 * 31);

} // namespace tollgate::limits
