#include "limits/ServerHints.h"

#include "limits/FieldValues.h"
#include "limits/HttpDate.h"
#include "limits/RetryAfter.h"
#include "limits/StructuredField.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tollgate::limits {

namespace {

using Quota = ServerHint::Quota;
using Item = StructuredField::Item;
using Type = StructuredField::Value::Type;

constexpr std::size_t mostItems = 64; ///< in one answer; servers have a handful

enum class Form : std::uint8_t
{
    Draft6,    ///< RateLimit-Limit and so on
    X,         ///< X-RateLimit-Limit and so on: of no draft, and the most used
    XRequests, ///< the same with -Requests at the end, beside one with -Tokens, which is none of ours
    Named,     ///< RateLimit and RateLimit-Policy
    Wait       ///< what retryAfter() reads
};
enum Part : std::uint8_t
{
    Limit,
    Remaining,
    Reset,
    ResetAfter,
    CountOfParts
};
struct Known
{
    std::string_view name;
    Form form;
    Part part = Limit;
};
constexpr Known known[] = {{"retry-after", Form::Wait},
                           {"retry-after-ms", Form::Wait},
                           {"x-ms-retry-after-ms", Form::Wait},
                           {"x-amz-retry-after", Form::Wait},
                           {"ratelimit", Form::Named},
                           {"ratelimit-policy", Form::Named},
                           {"ratelimit-limit", Form::Draft6, Limit},
                           {"ratelimit-remaining", Form::Draft6, Remaining},
                           {"ratelimit-reset", Form::Draft6, Reset},
                           {"x-ratelimit-limit", Form::X, Limit},
                           {"x-ratelimit-remaining", Form::X, Remaining},
                           {"x-ratelimit-reset", Form::X, Reset},
                           {"x-ratelimit-reset-after", Form::X, ResetAfter},
                           {"x-rate-limit-limit", Form::X, Limit},
                           {"x-rate-limit-remaining", Form::X, Remaining},
                           {"x-rate-limit-reset", Form::X, Reset},
                           {"x-rate-limit-reset-after", Form::X, ResetAfter},
                           {"x-ratelimit-limit-requests", Form::XRequests, Limit},
                           {"x-ratelimit-remaining-requests", Form::XRequests, Remaining},
                           {"x-ratelimit-reset-requests", Form::XRequests, Reset}};

/// What this field is, or nullptr. Most names fail at their first letter.
const Known* lookUp(std::string_view name) noexcept
{
    constexpr auto lower = [](char c) { return static_cast<char>(c | 0x20); };
    if (name.size() < std::string_view("ratelimit").size()) return nullptr;
    const char first = lower(name[0]), third = lower(name[2]);
    if (first != 'r' && !(first == 'x' && (third == 'r' || third == 'm' || third == 'a'))) return nullptr;
    for (const Known& each : known)
        if (each.name.size() == name.size() && equalsIgnoreCase(each.name, name)) return &each;
    return nullptr;
}

/// A field that may hold one value only. Repeated ones must agree.
struct Single
{
    std::string_view text;
    bool present = false;
    bool contradicted = false;

    void add(std::string_view value) noexcept
    {
        contradicted |= present && value != text;
        text = value;
        present = true;
    }
};

template <class Each>
void forMembers(std::string_view list, Each each)
{
    while (true) {
        const auto comma = std::min(list.find(','), list.size());
        each(trimmed(list.substr(0, comma)));
        if (comma == list.size()) return;
        list.remove_prefix(comma + 1);
    }
}

/// The one value that all members of a list are, for proxies repeat what they pass on; else the list as it is.
std::string_view once(std::string_view list)
{
    const std::string_view first = trimmed(list.substr(0, list.find(',')));
    bool same = true;
    forMembers(list, [&](std::string_view member) { same &= member == first; });
    return same ? first : list;
}

class Reading
{
public:
    Reading(const Headers& headers, WallTime wallNow) : _headers(headers), _wallNow(wallNow) {}

    ServerHint read()
    {
        std::array<Fields, static_cast<std::size_t>(Form::Wait) + 1> forms{};
        for (const auto& [name, value] : _headers)
            if (const Known* const field = lookUp(name)) forms[static_cast<std::size_t>(field->form)][field->part].add(value);
        const auto of = [&](Form form) -> const Fields& { return forms[static_cast<std::size_t>(form)]; };

        if (of(Form::Wait)[Limit].present) _hint.retryAfter = retryAfter(_headers, _hint.ignored);
        // A stored answer tells of the time when it was made.
        if (count(trimmed(_headers.get("Age", {}))).value_or(0) > 0) return std::move(_hint);
        if (of(Form::Named)[Limit].present) named();
        for (const Form form : {Form::Draft6, Form::X, Form::XRequests}) nameless(of(form));
        return std::move(_hint);
    }

private:
    using Fields = std::array<Single, CountOfParts>;

    /// One more field that could not be understood, or only in part.
    template <class Value>
    Value understood(Value value)
    {
        if (!value) ++_hint.ignored;
        return value;
    }

    // --- RateLimit-Policy and RateLimit: drafts 7 to 10 ---

    void named()
    {
        for (const std::string_view line : _headers.getAll("RateLimit-Policy")) understood(eachItem(line, &Reading::policy));
        for (const std::string_view line : _headers.getAll("RateLimit")) {
            const bool dictionary = line.find('=') < line.find_first_of("\";");
            understood(dictionary ? draft7(line) : eachItem(line, &Reading::standing));
        }
    }

    std::optional<std::vector<Item>> list(std::string_view text)
    {
        auto items = StructuredField::list(text, mostItems - _items);
        if (items) _items += items->size();
        return items;
    }

    bool eachItem(std::string_view line, bool (Reading::*take)(const Item&))
    {
        const auto items = list(line);
        bool good = items.has_value();
        if (items)
            for (const Item& item : *items) good &= (this->*take)(item);
        return good;
    }

    static bool isName(const Item& item) noexcept { return item.value.type == Type::String || item.value.type == Type::Token; }

    /// A parameter that is a number and not negative. `good` turns false if it is there and is not.
    static std::optional<double> number(const Item& item, std::string_view key, bool& good)
    {
        const auto* const value = item.find(key);
        if (!value) return std::nullopt;
        if ((value->type == Type::Integer || value->type == Type::Decimal) && value->number >= 0) return value->number;
        good = false;
        return std::nullopt;
    }

    static std::optional<Duration> seconds(std::optional<double> number, bool& good)
    {
        if (!number) return std::nullopt;
        const auto duration = atMost<std::chrono::seconds>(longestQuota, *number);
        good &= duration.has_value();
        return duration;
    }

    static std::optional<Duration> window(const Item& item, bool& good)
    {
        const auto length = seconds(number(item, "w", good), good);
        if (length != Duration::zero()) return length;
        good = false;
        return std::nullopt;
    }

    bool policy(const Item& item)
    {
        bool good = true;
        Quota quota;
        if (const auto* const unit = item.find("qu"); unit && unit->text != "requests") {
            _otherUnits.push_back(item.value.text);
            return true;
        }
        std::optional<double> limit = number(item, "q", good);
        if (isName(item))
            quota.name = item.value.text;
        else if (item.value.type == Type::Integer && item.value.number >= 0)
            limit = item.value.number; // draft 7: 100;w=60
        else
            return false;
        if (!limit) return false;
        quota.limit = static_cast<std::uint64_t>(*limit);
        quota.window = window(item, good);
        _hint.quotas.push_back(std::move(quota));
        return good;
    }

    bool standing(const Item& item)
    {
        if (!isName(item)) return false;
        if (std::find(_otherUnits.begin(), _otherUnits.end(), item.value.text) != _otherUnits.end()) return true;
        bool good = true;
        const auto remaining = number(item, "r", good);
        if (!remaining) return false;
        auto quota = std::find_if(_hint.quotas.begin(), _hint.quotas.end(),
                                  [&](const Quota& each) { return each.name == item.value.text; });
        if (quota == _hint.quotas.end() || quota->remaining) { // unknown, or told for another partition before
            Quota another;
            if (quota != _hint.quotas.end()) another.limit = quota->limit, another.window = quota->window;
            another.name = item.value.text;
            quota = _hint.quotas.insert(_hint.quotas.end(), std::move(another));
        }
        quota->remaining = static_cast<std::uint64_t>(*remaining);
        quota->reset = seconds(number(item, "t", good), good);
        return good;
    }

    /// limit=100, remaining=50, reset=30; also with policies: limit=100, 100;w=60, ...
    bool draft7(std::string_view line)
    {
        if (_items == mostItems) return false;
        ++_items;
        Quota quota;
        bool good = true;
        forMembers(line, [&](std::string_view member) {
            const auto end = std::min(member.find('='), member.size());
            const std::string_view key = trimmed(member.substr(0, end));
            const std::string_view value = trimmed(member.substr(std::min(end + 1, member.size())));
            if (key == "limit")
                good &= (quota.limit = count(value)).has_value();
            else if (key == "remaining")
                good &= (quota.remaining = count(value)).has_value();
            else if (key == "reset")
                good &= (quota.reset = untilReset(value)).has_value();
            else if (member.find(';') != std::string_view::npos)
                good &= eachItem(member, &Reading::policy);
        });
        add(std::move(quota));
        return good;
    }

    // --- RateLimit-Limit and so on: draft 6, and the same with X- ---

    void nameless(const Fields& fields)
    {
        Quota quota;
        quota.limit = one(fields[Limit], [this](std::string_view text) { return limit(text); });
        quota.remaining = one(fields[Remaining], [](std::string_view text) { return count(text); });
        quota.reset = one(fields[ResetAfter], secondsAfter);
        const auto reset = one(fields[Reset], [this](std::string_view text) { return untilReset(text); });
        if (!quota.reset) quota.reset = reset; // the coarser of the two
        add(std::move(quota));
    }

    template <class Parse>
    auto one(const Single& field, Parse parse) -> decltype(parse(field.text))
    {
        if (!field.present) return std::nullopt;
        if (field.contradicted) return understood(decltype(parse(field.text))());
        return understood(parse(once(field.text)));
    }

    /// Policies may follow it: 100, 100;w=60
    std::optional<std::uint64_t> limit(std::string_view text)
    {
        if (text.find(';') == std::string_view::npos) return count(text);
        const auto items = list(text);
        if (!items || items->empty()) return std::nullopt;
        const auto& first = items->front();
        if (first.value.type != Type::Integer || first.value.number < 0) return std::nullopt;
        bool good = true;
        for (const Item& item : *items)
            if (&item != &first || item.find("w")) good &= policy(item);
        understood(good);
        return static_cast<std::uint64_t>(first.value.number);
    }

    static std::optional<Duration> secondsAfter(std::string_view text)
    {
        const auto number = decimal(text);
        return number ? atMost<std::chrono::milliseconds>(longestQuota, *number * 1000) : std::nullopt;
    }

    /// Seconds from now, a time in seconds or milliseconds since 1970, or a duration with units. The sizes tell them apart.
    std::optional<Duration> untilReset(std::string_view text)
    {
        constexpr double epochSeconds = 1e9, epochMilliseconds = 1e12, endOfTime = 1e14;
        const auto number = decimal(text);
        if (!number) return unitDuration(text);
        if (*number < epochSeconds) return secondsAfter(text);
        if (*number >= endOfTime) return std::nullopt;
        // Servers write whole seconds, rounded down for all we know.
        const double epoch = *number < epochMilliseconds ? (*number + 1) * 1000 : *number;
        const std::chrono::duration<double, std::milli> left = std::chrono::duration<double, std::milli>(epoch) - serverNow();
        return atMost<std::chrono::milliseconds>(longestQuota, std::max(left.count(), 0.0));
    }

    Duration serverNow() const { return httpDate(_headers.get("Date", {})).value_or(_wallNow).time_since_epoch(); }

    /// Keeps a quota without a name, in one with the policy of that limit.
    void add(Quota quota)
    {
        if (!quota.limit && !quota.remaining && !quota.reset) return;
        const auto policy = std::find_if(_hint.quotas.begin(), _hint.quotas.end(), [&](const Quota& each) {
            return each.name.empty() && each.limit == quota.limit && !each.remaining && !each.reset;
        });
        if (policy == _hint.quotas.end() || !quota.limit)
            _hint.quotas.push_back(std::move(quota));
        else
            policy->remaining = quota.remaining, policy->reset = quota.reset;
    }

    const Headers& _headers;
    const WallTime _wallNow;
    std::vector<std::string> _otherUnits; ///< policies that count something else than requests
    std::size_t _items = 0;               ///< read so far
    ServerHint _hint;
};

} // namespace

ServerHint serverHint(const Headers& headers, WallTime wallNow)
{
    for (const auto& field : headers)
        if (lookUp(field.first)) return Reading(headers, wallNow).read();
    return {};
}

} // namespace tollgate::limits
