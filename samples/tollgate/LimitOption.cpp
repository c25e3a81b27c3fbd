#include "LimitOption.h"

#include "Failure.h"
#include "Quantities.h"

#include "tollgate/WindowLimit.h"

#include <fmt/format.h>

#include <charconv>

namespace tollgate::command {

namespace {

constexpr const char* forms =
    "The forms are 100/min, 10/s, 1000/h, 100/2s (any duration), each with :adaptive, :paced, :server or "
    ":/path behind it if need be, and lockout or lockout:strict.";

std::string_view takeUpTo(std::string_view& text, char end)
{
    const std::string_view part = text.substr(0, text.find(end));
    text.remove_prefix(part.size() < text.size() ? part.size() + 1 : part.size());
    return part;
}

template <class Number>
std::optional<Number> wholeNumber(std::string_view text)
{
    Number number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

Duration windowOf(std::string_view text)
{
    if (text == "s" || text == "sec") return std::chrono::seconds(1);
    if (text == "min") return std::chrono::minutes(1);
    if (text == "h" || text == "hour") return std::chrono::hours(1);
    if (text == "day") return std::chrono::hours(24);
    return parseDuration(text, "--limit");
}

WindowLimit windowLimit(std::string_view text)
{
    const bool unfinished = !text.empty() && text.back() == ':';
    const auto requests = wholeNumber<unsigned>(takeUpTo(text, '/'));
    const std::string_view window = takeUpTo(text, ':');
    if (!requests || *requests == 0 || window.empty() || unfinished) throw UsageError("--limit: that is no limit", forms);
    WindowLimit limit(*requests, windowOf(window));
    while (!text.empty()) {
        if (text.front() == '/') { // the rest, as a path may hold colons
            limit = limit.forPath(std::string(text));
            break;
        }
        const std::string_view word = takeUpTo(text, ':');
        if (word == "adaptive")
            limit = limit.shape(Shape::Adaptive);
        else if (word == "paced")
            limit = limit.shape(Shape::Paced);
        else if (word == "server")
            limit = limit.declaredByServer();
        else
            throw UsageError(fmt::format("--limit: \"{}\" is unknown", word), forms);
    }
    return limit;
}

} // namespace

LimitOptions LimitOptions::parse(const std::vector<std::string>& texts)
{
    LimitOptions options;
    for (const std::string& text : texts) {
        if (text == "lockout")
            options.lockout = options.lockout.value_or(tollgate::lockout());
        else if (text == "lockout:strict")
            options.lockout = tollgate::lockout().strictly();
        else
            try {
                options.windows.push_back(windowLimit(text));
            } catch (const ConfigurationError& error) {
                throw UsageError("--limit: " + error.details().message, forms);
            }
    }
    return options;
}

RateLimitPolicyPtr limitOfId(std::string_view id, unsigned capacity)
{
    const auto bar = id.rfind('|');
    if (bar == std::string_view::npos || capacity == 0) return nullptr;
    const auto window = wholeNumber<Duration::rep>(id.substr(bar + 1));
    if (!window) return nullptr;
    try {
        const WindowLimit limit(capacity, Duration(*window));
        return bar == 0 ? limit : limit.forPath(std::string(id.substr(0, bar)));
    } catch (const ConfigurationError&) {
        return nullptr;
    }
}

} // namespace tollgate::command
