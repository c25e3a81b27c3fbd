#include "limits/RetryAfter.h"

#include "limits/FieldValues.h"
#include "limits/HttpDate.h"

#include <algorithm>

namespace tollgate::limits {

namespace {

constexpr Duration longest = std::chrono::hours(6);

template <class Unit>
std::optional<Duration> number(std::string_view text)
{
    const auto value = decimal(text);
    if (!value) return std::nullopt;
    return atMost<Unit>(longest, *value).value_or(longest);
}

std::optional<Duration> milliseconds(std::string_view text, const Headers&) { return number<std::chrono::milliseconds>(text); }

std::optional<Duration> secondsOrDate(std::string_view text, const Headers& headers)
{
    if (const auto wait = number<std::chrono::seconds>(text)) return wait;
    if (const auto until = httpDate(text)) {
        const auto now = httpDate(headers.get("Date", {}));
        if (!now) return std::nullopt;
        return std::clamp<Duration>(*until - *now, Duration::zero(), longest);
    }
    // Two values that a proxy joined: the longer; but seconds behind a date, as AWS writes them, mean the same in a better form.
    const auto comma = text.find_last_of(',');
    if (comma == std::string_view::npos) return std::nullopt;
    const auto first = trimmed(text.substr(0, comma)), last = trimmed(text.substr(comma + 1));
    const auto wait = number<std::chrono::seconds>(last);
    if (!wait || httpDate(first)) return wait;
    const auto other = number<std::chrono::seconds>(first);
    if (!other) return std::nullopt;
    return std::max(*wait, *other);
}

struct Form
{
    std::string_view name;
    std::optional<Duration> (*read)(std::string_view, const Headers&);
};
constexpr Form forms[] = {{"retry-after-ms", milliseconds},
                          {"x-ms-retry-after-ms", milliseconds},
                          {"x-amz-retry-after", milliseconds},
                          {"Retry-After", secondsOrDate}};

} // namespace

std::optional<Duration> retryAfter(const Headers& headers, unsigned& ignored)
{
    std::optional<Duration> longestAsked;
    for (const Form& form : forms) {
        if (longestAsked) break;
        for (const std::string_view value : headers.getAll(form.name)) {
            if (const auto wait = form.read(trimmed(value), headers))
                longestAsked = std::max(longestAsked.value_or(Duration::zero()), *wait);
            else
                ++ignored;
        }
    }
    return longestAsked;
}

} // namespace tollgate::limits
