#include "Quantities.h"

#include "Failure.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace tollgate::command {

namespace {

// Digits with at most one point between them, as no locale or hexadecimal reading changes them; -1 if it is no number.
double readNumber(std::string_view text)
{
    if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789.") != std::string_view::npos) return -1;
    const auto point = text.find('.');
    const std::string whole(text.substr(0, point));
    const std::string part(point == std::string_view::npos ? std::string_view() : text.substr(point + 1));
    if (whole.empty() || part.find('.') != std::string::npos || (point != std::string_view::npos && part.empty())) return -1;
    double value = static_cast<double>(std::strtoull(whole.c_str(), nullptr, 10));
    if (!part.empty())
        value += static_cast<double>(std::strtoull(part.c_str(), nullptr, 10)) / std::pow(10.0, static_cast<double>(part.size()));
    return value;
}

std::pair<double, std::string_view> split(std::string_view text)
{
    const auto unit = text.find_first_not_of("0123456789.");
    const auto number = text.substr(0, unit);
    return {readNumber(number), unit == std::string_view::npos ? std::string_view() : text.substr(unit)};
}

} // namespace

Duration parseDuration(std::string_view text, std::string_view option)
{
    const auto [number, unit] = split(text);
    if (number >= 0 && unit.empty())
        throw UsageError(fmt::format("{}: \"{}\" has no unit, and nobody can tell seconds from milliseconds", option, text),
                         fmt::format("Write {}s or {}ms; m and h are units too.", text, text));
    double seconds = -1;
    if (unit == "ms") seconds = number / 1000;
    if (unit == "s") seconds = number;
    if (unit == "m") seconds = number * 60;
    if (unit == "h") seconds = number * 3600;
    if (number < 0 || seconds < 0)
        throw UsageError(fmt::format("{}: \"{}\" is not a duration", option, text),
                         "Write a number and a unit: 250ms, 5s, 2m, 1h.");
    const double longest = 31 * 24 * 3600.0;
    if (seconds < 0.001 || seconds > longest)
        throw UsageError(fmt::format("{}: \"{}\" is out of range", option, text), "Anything from 1ms to 744h is taken.");
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

std::uint64_t parseBytes(std::string_view text, std::string_view option)
{
    const auto [number, unit] = split(text);
    double factor = 0;
    if (unit.empty()) factor = 1;
    if (unit == "K") factor = 1024;
    if (unit == "M") factor = 1024.0 * 1024;
    if (unit == "G") factor = 1024.0 * 1024 * 1024;
    if (number < 0 || factor == 0 || number * factor < 1 || number * factor > 1e15)
        throw UsageError(fmt::format("{}: \"{}\" is not a size", option, text),
                         "Write bytes, or a number with K, M or G: 65536, 64K, 10M.");
    return static_cast<std::uint64_t>(number * factor);
}

std::string readable(Duration duration)
{
    const double seconds = std::chrono::duration<double>(duration).count();
    if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1000);
    if (seconds < 120) return fmt::format("{:.1f} s", seconds);
    if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
    return fmt::format("{:.1f} h", seconds / 3600);
}

} // namespace tollgate::command
