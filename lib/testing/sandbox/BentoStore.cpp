#include "BentoStore.h"

#include "Json.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tollgate::testing::sandbox {

namespace {

/// Ids and UUIDs are numbers in sequence: nothing has to be stored for them.
constexpr std::string_view uuidStem = "00000000-0000-4000-8000-";

std::string lower(std::string_view text)
{
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return result;
}

std::string timeOrNull(const std::optional<WallTime>& time) { return time ? quoted(isoTime(*time)) : "null"; }

/// loyalty_points: "Loyalty Points"
std::string titleOf(std::string_view key)
{
    std::string title;
    bool first = true;
    for (const char c : key) {
        title += c == '_' ? ' ' : first && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        first = c == '_';
    }
    return title;
}

template <class Ids>
void eraseValue(Ids& ids, typename Ids::value_type id)
{
    ids.erase(std::remove(ids.begin(), ids.end(), id), ids.end());
}

} // namespace

bool looksLikeEmail(std::string_view text) noexcept
{
    const auto at = text.find('@');
    if (at == std::string_view::npos || at == 0 || text.find('@', at + 1) != std::string_view::npos) return false;
    const auto domain = text.substr(at + 1);
    const auto dot = domain.find('.');
    if (dot == std::string_view::npos || dot == 0 || domain.back() == '.' || domain.find("..") != std::string_view::npos)
        return false;
    return std::none_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == 0x7f || c == ',' || c == ';' || c == '<' || c == '>';
    });
}

void BentoStore::apply(const Change& change, WallTime now)
{
    auto& target = subscriber(lower(change.email));
    for (const auto& [key, value] : change.fields) {
        const auto id = fieldId(key, now);
        const auto found = std::find_if(target.fields.begin(), target.fields.end(), [&](const auto& f) { return f.first == id; });
        if (found == target.fields.end())
            target.fields.emplace_back(id, value);
        else
            found->second = value;
    }
    for (const auto& key : change.removedFields) {
        const auto found = _fieldIds.find(key);
        if (found == _fieldIds.end()) continue;
        const auto gone = std::remove_if(target.fields.begin(), target.fields.end(),
                                         [&](const auto& field) { return field.first == found->second; });
        target.fields.erase(gone, target.fields.end());
    }
    for (const auto& name : change.tags) {
        const auto id = tagId(name, now);
        if (std::find(target.tags.begin(), target.tags.end(), id) == target.tags.end()) target.tags.push_back(id);
    }
    for (const auto& name : change.removedTags)
        if (const auto found = _tagIds.find(name); found != _tagIds.end()) eraseValue(target.tags, found->second);
    if (change.subscribed) setSubscribed(target, *change.subscribed, now);

    const auto newEmail = lower(change.newEmail);
    if (newEmail.empty() || _byEmail.count(newEmail) > 0) return;
    const auto id = _byEmail.at(target.email);
    _byEmail.erase(target.email);
    target.email = newEmail;
    _byEmail.emplace(target.email, id);
}

void BentoStore::applyLater(TimePoint due, std::vector<Change> changes) { _pending.push_back({due, std::move(changes)}); }

void BentoStore::settle(TimePoint now, WallTime wall)
{
    while (!_pending.empty() && _pending.front().due <= now) {
        for (const auto& change : _pending.front().changes) apply(change, wall);
        _pending.pop_front();
    }
}

bool BentoStore::addEvent(const std::string& uniqueKey)
{
    if (!uniqueKey.empty() && !_uniqueKeys.insert(uniqueKey).second) return false;
    ++_events;
    return true;
}

std::optional<std::string> BentoStore::subscriberByEmail(std::string_view email) const
{
    const auto found = _byEmail.find(lower(email));
    return found == _byEmail.end() ? std::nullopt : std::optional(json(found->second));
}

std::optional<std::string> BentoStore::subscriberByUuid(std::string_view uuid) const
{
    if (uuid.size() != uuidStem.size() + 12 || uuid.substr(0, uuidStem.size()) != uuidStem) return std::nullopt;
    Id id = 0;
    const auto digits = uuid.substr(uuidStem.size());
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id, 16);
    if (error != std::errc() || end != digits.data() + digits.size() || id >= _subscribers.size()) return std::nullopt;
    return json(id);
}

std::string BentoStore::json(Id id) const
{
    const auto& subscriber = _subscribers[id];
    std::string fields, tagIds, tagNames;
    for (const auto& [field, value] : subscriber.fields)
        fields += (fields.empty() ? "" : ",") + quoted(_fields[field].key) + ":" + value;
    for (const auto tag : subscriber.tags) {
        if (_tags[tag].discardedAt) continue;
        tagIds += fmt::format("{}\"{}\"", tagIds.empty() ? "" : ",", tag + 1);
        tagNames += (tagNames.empty() ? "" : ",") + quoted(_tags[tag].name);
    }
    return fmt::format(
        R"({{"id":"{}","type":"visitors","attributes":{{"uuid":"{}{:012x}","email":{},"fields":{},)"
        R"("cached_tag_ids":[{}],"tags":[{}],"unsubscribed_at":{},"unsubscribed_reason":null,)"
        R"("attribution":{{"first_referral":null,"first_page":null,"campaign_data":null}},"navigation_url":null}}}})",
        id + 1, uuidStem, id, quoted(subscriber.email), subscriber.fields.empty() ? "null" : "{" + fields + "}", tagIds, tagNames,
        timeOrNull(subscriber.unsubscribedAt));
}

std::string BentoStore::tagJson(Id id, const std::string& site) const
{
    const auto& tag = _tags[id];
    return fmt::format(
        R"({{"id":"{}","type":"tags","attributes":{{"name":{},"created_at":"{}","discarded_at":{},"site_id":{}}}}})", id + 1,
        quoted(tag.name), isoTime(tag.createdAt), timeOrNull(tag.discardedAt), quoted(site));
}

std::string BentoStore::fieldJson(Id id) const
{
    const auto& field = _fields[id];
    return fmt::format(
        R"({{"id":"{}","type":"visitors-fields","attributes":{{"name":{},"key":{},"whitelisted":null,"created_at":"{}"}}}})",
        id + 1, quoted(titleOf(field.key)), quoted(field.key), isoTime(field.createdAt));
}

std::string BentoStore::tags(const std::string& site) const
{
    std::string list;
    for (Id id = 0; id < _tags.size(); ++id) list += (id == 0 ? "" : ",") + tagJson(id, site);
    return list;
}

std::string BentoStore::fields() const
{
    std::string list;
    for (Id id = 0; id < _fields.size(); ++id) list += (id == 0 ? "" : ",") + fieldJson(id);
    return list;
}

std::string BentoStore::addTag(const std::string& name, const std::string& site, WallTime now)
{
    return tagJson(tagId(name, now), site);
}

std::string BentoStore::addField(const std::string& key, WallTime now)
{
    auto plain = key;
    std::replace(plain.begin(), plain.end(), ' ', '_');
    return fieldJson(fieldId(plain, now));
}

bool BentoStore::toggleTag(const std::string& name, WallTime now)
{
    const auto found = _tagIds.find(name);
    if (found == _tagIds.end()) return false;
    auto& discardedAt = _tags[found->second].discardedAt;
    if (discardedAt)
        discardedAt.reset();
    else
        discardedAt = now;
    return true;
}

BentoStore::Id BentoStore::tagId(const std::string& name, WallTime now)
{
    const auto [entry, isNew] = _tagIds.emplace(name, static_cast<Id>(_tags.size()));
    if (isNew) _tags.push_back({name, now, {}});
    return entry->second;
}

BentoStore::Id BentoStore::fieldId(const std::string& key, WallTime now)
{
    const auto [entry, isNew] = _fieldIds.emplace(key, static_cast<Id>(_fields.size()));
    if (isNew) _fields.push_back({key, now});
    return entry->second;
}

BentoStore::Subscriber& BentoStore::subscriber(const std::string& lowerEmail)
{
    if (const auto found = _byEmail.find(lowerEmail); found != _byEmail.end()) return _subscribers[found->second];
    auto& added = _subscribers.emplace_back();
    added.email = lowerEmail;
    _byEmail.emplace(added.email, static_cast<Id>(_subscribers.size() - 1));
    return added;
}

void BentoStore::setSubscribed(Subscriber& subscriber, bool on, WallTime now)
{
    if (on && !subscriber.unsubscribedAt) return;
    if (on)
        --_unsubscribed;
    else if (!subscriber.unsubscribedAt)
        ++_unsubscribed;
    subscriber.unsubscribedAt = on ? std::nullopt : std::optional(now);
}

} // namespace tollgate::testing::sandbox
