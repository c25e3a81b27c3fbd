#include "providers/BentoRows.h"

#include "providers/JsonRead.h"
#include "providers/JsonText.h"
#include "tollgate/Json.h"

#include <Poco/DateTimeFormatter.h>
#include <Poco/Timestamp.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <string_view>

namespace tollgate::providers {

namespace {

/// The first thing that is wrong with a row.
using Problem = std::string;

constexpr const char* notJson = "holds bytes that are not UTF-8, or a number that is not finite";

Problem appendText(std::string& to, const char* name, std::string_view text)
{
    appendName(to, name);
    return appendJson(to, text) ? Problem() : fmt::format("{} {}", name, notJson);
}

/// Left out when empty: an empty value would overwrite what Bento knows.
Problem appendTextIfAny(std::string& to, const char* name, std::string_view text)
{
    return text.empty() ? Problem() : appendText(to, name, text);
}

Problem appendFields(std::string& to, const Fields& fields, std::initializer_list<std::string_view> reserved)
{
    for (const auto& [name, value] : fields) {
        if (name.empty()) return "a field has no name";
        if (std::find(reserved.begin(), reserved.end(), name) != reserved.end())
            return fmt::format("a field may not be called {}: it is set by the member of that name", name);
        std::string key;
        if (!appendJson(key, std::string_view(name))) return "the name of a field is not UTF-8";
        appendName(to, std::string_view(key).substr(1, key.size() - 2));
        if (!appendJson(to, value)) return fmt::format("field {} {}", name, notJson);
    }
    return {};
}

Problem appendTags(std::string& to, const char* name, const std::vector<std::string>& tags)
{
    if (tags.empty()) return {};
    std::string list;
    for (const std::string& tag : tags) {
        if (tag.empty()) return fmt::format("{} holds an empty name", name);
        if (tag.find(',') != std::string::npos)
            return fmt::format("{} holds a name with a comma, where Bento would split it", name);
        if (!list.empty()) list += ',';
        list += tag;
    }
    return appendText(to, name, list);
}

void appendTime(std::string& to, const char* name, const std::optional<WallTime>& time)
{
    if (!time) return;
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time->time_since_epoch()).count();
    appendName(to, name);
    to += '"';
    Poco::DateTimeFormatter::append(to, Poco::Timestamp(micros), "%Y-%m-%dT%H:%M:%S.%iZ");
    to += '"';
}

/// The members of a JSON object, to be put among others.
Problem appendNested(std::string& to, const std::string& json, const bento::Event& event)
{
    if (json.empty()) return {};
    JsonObjectPtr object;
    try {
        object = asObject(parseJson(json));
    } catch (const Error&) {
        return "nestedDetails is not JSON, or holds an integer beyond 64 bits";
    }
    if (!object) return "nestedDetails is not a JSON object";
    if ((object->has("unique") && !event.uniqueKey.empty()) || (object->has("value") && event.value))
        return "nestedDetails sets what uniqueKey or value sets as well";
    for (const auto& [name, value] : event.details)
        if (object->has(name)) return "nestedDetails sets what details set as well";
    if (object->size() == 0) return {};
    const std::string members = toJson(object);
    if (to.back() != '{') to += ',';
    to.append(members, 1, members.size() - 2);
    return {};
}

Problem appendDetails(std::string& to, const bento::Event& event)
{
    if (event.details.empty() && event.uniqueKey.empty() && !event.value && event.nestedDetails.empty()) return {};
    appendName(to, "details");
    to += '{';
    if (Problem problem = appendFields(to, event.details, {"unique", "value"}); !problem.empty()) return problem;
    if (!event.uniqueKey.empty()) {
        appendName(to, "unique");
        to += '{';
        if (Problem problem = appendText(to, "key", event.uniqueKey); !problem.empty()) return problem;
        to += '}';
    }
    if (event.value) {
        if (event.value->currency.empty()) return "the value has no currency: Bento rejects such an event";
        appendName(to, "value");
        to += fmt::format("{{\"amount\":{}", event.value->cents);
        if (Problem problem = appendText(to, "currency", event.value->currency); !problem.empty()) return problem;
        to += '}';
    }
    if (Problem problem = appendNested(to, event.nestedDetails, event); !problem.empty()) return problem;
    to += '}';
    return {};
}

Problem writeRow(std::string& to, const bento::SubscriberRow& row)
{
    Problem problem = whyNotAnAddress(row.email);
    if (problem.empty()) problem = appendText(to, "email", row.email);
    if (problem.empty()) problem = appendTextIfAny(to, "first_name", row.firstName);
    if (problem.empty()) problem = appendTextIfAny(to, "last_name", row.lastName);
    if (problem.empty()) problem = appendTags(to, "tags", row.tags);
    if (problem.empty()) problem = appendTags(to, "remove_tags", row.removeTags);
    appendTime(to, "created_at", row.createdAt);
    // Custom fields stand beside the others: Bento knows no "fields" in an import.
    if (problem.empty())
        problem = appendFields(to, row.fields, {"email", "first_name", "last_name", "tags", "remove_tags", "created_at"});
    return problem;
}

Problem writeEvent(std::string& to, const bento::Event& event)
{
    if (event.type.empty()) return "the event has no type";
    Problem problem = appendText(to, "type", event.type);
    if (problem.empty()) problem = whyNotAnAddress(event.email);
    if (problem.empty()) problem = appendText(to, "email", event.email);
    if (problem.empty() && !event.fields.empty()) {
        appendName(to, "fields");
        to += '{';
        problem = appendFields(to, event.fields, {});
        to += '}';
    }
    if (problem.empty()) problem = appendDetails(to, event);
    appendTime(to, "date", event.date);
    return problem;
}

template <class Row>
std::string appendObject(std::string& to, const Row& row, Problem (*write)(std::string&, const Row&))
{
    const std::size_t before = to.size();
    to += '{';
    Problem problem = write(to, row);
    if (problem.empty())
        to += '}';
    else
        to.resize(before);
    return problem;
}

} // namespace

std::string appendRow(std::string& to, const bento::SubscriberRow& row) { return appendObject(to, row, &writeRow); }

std::string appendEvent(std::string& to, const bento::Event& event) { return appendObject(to, event, &writeEvent); }

std::string whyNotAnAddress(const std::string& address)
{
    if (address.find_first_not_of(" \t") == std::string::npos) return "it has no email address";
    for (const char character : address) {
        const auto byte = static_cast<unsigned char>(character);
        if (byte <= 0x20 || byte == 0x7f) return "the email address holds white space or control characters";
        if (std::string_view("<>()[],;:\\\"").find(character) != std::string_view::npos)
            return fmt::format("the email address holds '{}'", character);
    }
    if (address.size() > 254) return "the email address is longer than 254 bytes"; // RFC 5321 section 4.5.3.1.3
    const std::size_t at = address.find('@');
    if (at == std::string::npos) return "the email address has no @";
    if (address.find('@', at + 1) != std::string::npos) return "the email address has more than one @";
    if (at == 0) return "the email address has nothing before the @";
    const std::string domain = address.substr(at + 1);
    if (domain.find('.') == std::string::npos || domain.front() == '.' || domain.back() == '.' ||
        domain.find("..") != std::string::npos)
        return "the email address has no complete domain after the @";
    return {};
}

} // namespace tollgate::providers
