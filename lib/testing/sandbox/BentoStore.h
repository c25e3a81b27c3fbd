#pragma once

#include "tollgate/Clock.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace tollgate::testing::sandbox {

/// What the sandbox's Bento site holds: subscribers with fields and tags, the tags, the fields, and a count of events. Names of
/// tags and fields are kept once, so that a subscriber costs a few hundred bytes. Not thread-safe.
class BentoStore
{
public:
    /// What a request does to one subscriber, who is created if unknown.
    struct Change
    {
        std::string email;                                       ///< as given; upserted by its lower-case form
        std::vector<std::pair<std::string, std::string>> fields; ///< key and JSON text
        std::vector<std::string> removedFields;
        std::vector<std::string> tags, removedTags;
        std::optional<bool> subscribed;
        std::string newEmail; ///< change_email
    };

    void apply(const Change& change, WallTime now);
    /// Applies the changes once `due` has come, at the next settle().
    void applyLater(TimePoint due, std::vector<Change> changes);
    void settle(TimePoint now, WallTime wall);

    /// False if an event with that unique key is there already.
    bool addEvent(const std::string& uniqueKey);

    /// JSON:API resources; nothing if unknown.
    std::optional<std::string> subscriberByEmail(std::string_view email) const;
    std::optional<std::string> subscriberByUuid(std::string_view uuid) const;
    std::string tags(const std::string& site) const;
    std::string fields() const;

    /// Makes the tag or field if there is none of that name, and answers the resource.
    std::string addTag(const std::string& name, const std::string& site, WallTime now);
    std::string addField(const std::string& key, WallTime now);
    /// Discards the tag, or restores a discarded one. False if there is none of that name.
    bool toggleTag(const std::string& name, WallTime now);

    std::size_t subscriberCount() const noexcept { return _subscribers.size(); }
    std::size_t unsubscribedCount() const noexcept { return _unsubscribed; }
    std::size_t eventCount() const noexcept { return _events; }

private:
    using Id = std::uint32_t;
    struct Subscriber
    {
        std::string email;
        std::vector<std::pair<Id, std::string>> fields;
        std::vector<Id> tags;
        std::optional<WallTime> unsubscribedAt;
    };
    struct Tag
    {
        std::string name;
        WallTime createdAt;
        std::optional<WallTime> discardedAt;
    };
    struct Field
    {
        std::string key;
        WallTime createdAt;
    };
    struct Pending
    {
        TimePoint due;
        std::vector<Change> changes;
    };

    Id tagId(const std::string& name, WallTime now);
    Id fieldId(const std::string& key, WallTime now);
    Subscriber& subscriber(const std::string& lowerEmail);
    void setSubscribed(Subscriber& subscriber, bool on, WallTime now);
    std::string json(Id id) const;
    std::string tagJson(Id id, const std::string& site) const;
    std::string fieldJson(Id id) const;

    std::deque<Subscriber> _subscribers; ///< never shrinks or moves: the map's views point into it
    std::unordered_map<std::string_view, Id> _byEmail;
    std::vector<Tag> _tags;
    std::unordered_map<std::string, Id> _tagIds;
    std::vector<Field> _fields;
    std::unordered_map<std::string, Id> _fieldIds;
    std::deque<Pending> _pending;
    std::unordered_set<std::string> _uniqueKeys;
    std::size_t _events = 0;
    std::size_t _unsubscribed = 0;
};

/// Good enough for a sandbox: one '@', something before it, a domain with a dot behind it, no white space or control characters.
bool looksLikeEmail(std::string_view text) noexcept;

} // namespace tollgate::testing::sandbox
