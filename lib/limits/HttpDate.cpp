#include "limits/HttpDate.h"

#include <Poco/DateTime.h>

#include <algorithm>
#include <array>

namespace tollgate::limits {

namespace {

/// By the letters of the patterns below.
struct Parts
{
    int Y = 0, D = 0, h = 0, m = 0, s = 0;
    std::string_view month;

    int* of(char letter) noexcept
    {
        switch (letter) {
        case 'Y': return &Y;
        case 'D': return &D;
        case 'h': return &h;
        case 'm': return &m;
        case 's': return &s;
        default: return nullptr;
        }
    }
};

/// D, Y, h, m, s: a digit of that part; N: a letter of the month; everything else stands for itself.
bool fits(std::string_view text, std::string_view pattern, Parts& parts)
{
    if (text.size() != pattern.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (int* const part = parts.of(pattern[i])) {
            if (c < '0' || c > '9') return false;
            *part = *part * 10 + (c - '0');
        } else if (pattern[i] != 'N' && pattern[i] != c)
            return false;
    }
    parts.month = text.substr(pattern.find('N'), 3);
    return true;
}

/// "Sun", or "Sunday" where they write it out, is taken away.
bool takeWeekday(std::string_view& text, bool inFull)
{
    constexpr std::string_view days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
    for (const std::string_view day : days) {
        const std::string_view name = inFull ? day : day.substr(0, 3);
        if (text.substr(0, name.size()) != name) continue;
        text.remove_prefix(name.size());
        return true;
    }
    return false;
}

bool parse(std::string_view text, Parts& parts)
{
    std::string_view rest = text;
    if (takeWeekday(rest, true)) {
        if (!fits(rest, ", DD-NNN-YY hh:mm:ss GMT", parts)) return false;
        parts.Y += parts.Y < 70 ? 2000 : 1900;
        return true;
    }
    if (!takeWeekday(rest, false)) return false;
    Parts other; // the first pattern may have filled some
    if (fits(rest, ", DD NNN YYYY hh:mm:ss GMT", parts)) return true;
    if (!fits(rest, " NNN DD hh:mm:ss YYYY", other) && !fits(rest, " NNN  D hh:mm:ss YYYY", other = {})) return false;
    parts = other;
    return true;
}

} // namespace

std::optional<WallTime> httpDate(std::string_view text)
{
    constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    Parts parts;
    if (!parse(text, parts)) return std::nullopt;
    const auto month = static_cast<int>(std::find(months.begin(), months.end(), parts.month) - months.begin()) + 1;
    if (month > 12 || !Poco::DateTime::isValid(parts.Y, month, parts.D, parts.h, parts.m, parts.s)) return std::nullopt;
    const Poco::DateTime date(std::clamp(parts.Y, 1969, 2200), month, 1); // its day may not exist in another year
    constexpr Poco::Timestamp::TimeVal first = 0, last = 7258118400LL * 1000 * 1000;
    const auto day = std::chrono::seconds(((parts.D - 1) * 24 + parts.h) * 3600 + parts.m * 60 + parts.s);
    const auto since = date.timestamp().epochMicroseconds() + std::chrono::microseconds(day).count();
    return WallTime(std::chrono::microseconds(std::clamp(since, first, last)));
}

} // namespace tollgate::limits
