#include "Support.h"

#include "limits/HttpDate.h"
#include "limits/RetryAfter.h"

#include <array>
#include <cstdio>

using namespace tollgate;
using namespace tollgate::fuzz;

namespace {

/// The days since 1970 as a date, by arithmetic of its own (H. Hinnant's civil_from_days).
void printDate(char* to, std::size_t size, std::int64_t seconds)
{
    constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::int64_t days = seconds / 86'400, left = seconds % 86'400;
    const std::int64_t shifted = days + 719'468, era = shifted / 146'097, ofEra = shifted % 146'097;
    const std::int64_t yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36'524 - ofEra / 146'096) / 365;
    const std::int64_t dayOfYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
    const std::int64_t month = (5 * dayOfYear + 2) / 153;
    const int day = static_cast<int>(dayOfYear - (153 * month + 2) / 5 + 1);
    const auto index = static_cast<std::size_t>(month < 10 ? month + 2 : month - 10);
    const int year = static_cast<int>(yearOfEra + era * 400 + (index < 2 ? 1 : 0));
    std::snprintf(to, size, "Mon, %02d %s %04d %02d:%02d:%02d GMT", day, months[index], year, static_cast<int>(left / 3600),
                  static_cast<int>(left / 60 % 60), static_cast<int>(left % 60));
}

void tryDate(std::string_view text)
{
    const auto date = limits::httpDate(text);
    if (!date) return;
    const auto since = std::chrono::duration_cast<std::chrono::seconds>(date->time_since_epoch());
    require(since.count() >= 0 && since.count() <= 7'258'118'400, "a date lies from 1970 to 2200");
    char again[64];
    printDate(again, sizeof again, since.count());
    require(limits::httpDate(again) == date, "a date that is written out reads as the same");
}

} // namespace

/// The first line is the Date; each other line a field, its first letter says which.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    constexpr std::array<std::string_view, 5> names = {"Retry-After", "retry-after-ms", "x-ms-retry-after-ms",
                                                       "x-amz-retry-after", "RETRY-AFTER"};
    if (size > 512) return -1;
    std::string_view text = textOf(data, size);
    Headers headers;
    const std::string_view date = takePiece(text, '\n');
    tryDate(date);
    headers.add("Date", date);
    unsigned values = 0;
    for (; !text.empty() && values < 8; ++values) {
        std::string_view line = takePiece(text, '\n');
        const std::size_t which = line.empty() ? 0 : static_cast<unsigned char>(line.front()) % names.size();
        line.remove_prefix(line.empty() ? 0 : 1);
        tryDate(line);
        headers.add(names[which], line);
    }
    unsigned ignored = 0;
    const auto wait = limits::retryAfter(headers, ignored);
    require(ignored <= values, "no value is ignored twice");
    require(wait || ignored == values, "every value counts or is ignored");
    if (!wait) return 0;
    require(*wait >= Duration::zero() && *wait <= std::chrono::hours(6), "a wait is not negative and no longer than six hours");
    return 0;
}
