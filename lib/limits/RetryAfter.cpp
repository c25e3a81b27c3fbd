#include "limits/RetryAfter.h"

#include <Poco/DateTime.h>
#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeParser.h>
#include <Poco/Exception.h>
#include <Poco/RegularExpression.h>
#include <Poco/Timestamp.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace tollgate::limits {

namespace {

constexpr std::chrono::seconds longest = std::chrono::hours(6);

std::optional<Duration> seconds(std::string_view text)
{
    double value = 0;
    // Digits with perhaps a fraction: no sign, no exponent, which from_chars would take.
    if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos || text.front() == '.')
        return std::nullopt;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end != text.data() + text.size()) return std::nullopt;
    if (failure == std::errc::result_out_of_range || value > static_cast<double>(longest.count())) return longest;
    return std::chrono::ceil<std::chrono::seconds>(std::chrono::duration<double>(value));
}

/// The three forms of RFC 9110 section 5.6.7. Poco's parser takes nearly any text for a date, so the form is checked before.
std::optional<Poco::Timestamp> date(std::string_view text)
{
    struct Form
    {
        const char* shape;
        const std::string& format;
    };
    static const Form forms[] = {
        {"^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$", Poco::DateTimeFormat::HTTP_FORMAT},
        {"^[A-Z][a-z]{5,8}, [0-9]{2}-[A-Z][a-z]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$",
         Poco::DateTimeFormat::RFC850_FORMAT},
        {"^[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [0-9]{4}$", Poco::DateTimeFormat::ASCTIME_FORMAT}};
    const std::string copy(text);
    for (const Form& form : forms) {
        if (!Poco::RegularExpression(form.shape).match(copy)) continue;
        Poco::DateTime parsed;
        int zone = 0;
        try {
            if (Poco::DateTimeParser::tryParse(form.format, copy, parsed, zone)) return parsed.timestamp();
        } catch (const Poco::Exception&) { // a month or day that does not exist
        }
    }
    return std::nullopt;
}

} // namespace

std::optional<Duration> retryAfter(const Headers& headers)
{
    std::optional<Duration> best;
    for (const std::string_view value : headers.getAll("Retry-After")) {
        std::optional<Duration> wait = seconds(value);
        if (!wait) {
            const auto until = date(value);
            const auto now = date(headers.get("Date", {}));
            if (until && now) wait = std::clamp<Duration>(std::chrono::microseconds(*until - *now), Duration::zero(), longest);
        }
        if (wait) best = std::max(best.value_or(Duration::zero()), *wait);
    }
    return best;
}

} // namespace tollgate::limits
