#include "tollgate/providers/Bento.h"

#include "providers/BentoBatch.h"
#include "providers/BentoRows.h"
#include "providers/JsonRead.h"
#include "providers/JsonText.h"
#include "providers/Reviews.h"
#include "providers/Setup.h"
#include "tollgate/Json.h"

#include <memory>
#include <utility>

namespace tollgate {

using namespace providers; // NOLINT(google-build-using-namespace): the readers and writers this file is made of

namespace {

constexpr const char* whereKeysAre = "You find it in Bento under Settings, API Keys.";

Client makeClient(const BentoOptions& options)
{
    demandUserAgent(options, "Bento", "Requests without one are blocked by Cloudflare and get HTML instead of JSON, or nothing.");
    demand(options.publishableKey, "publishableKey", whereKeysAre);
    demand(options.secretKey, "secretKey", whereKeysAre);
    demand(options.siteUuid, "siteUuid", whereKeysAre);
    demandChunkSize(options.batchSize);

    ClientBuilder builder = clientFor(options, "https://app.bentonow.com/api/v1", &reviewBento);
    builder.auth(basicWithSite(options.publishableKey, options.secretKey, options.siteUuid));
    const BentoLimits& limits = options.limits;
    if (limits.fetchPerMinute) builder.limit(perMinute(limits.fetchPerMinute).forPath("/fetch"));
    if (limits.batchPerMinute) builder.limit(perMinute(limits.batchPerMinute).forPath("/batch"));
    if (limits.experimentalPerMinute) builder.limit(perMinute(limits.experimentalPerMinute).forPath("/experimental"));
    if (limits.statsPerHour) builder.limit(perHour(limits.statsPerHour).forPath("/stats"));
    return builder.build();
}

/// A resource of JSON:API: its attributes, or the object itself where they are missing.
JsonObjectPtr attributesOf(const JsonObjectPtr& resource)
{
    const JsonObjectPtr attributes = objectAt(resource, {"attributes"});
    return attributes ? attributes : resource;
}

bento::Tag tagOf(const JsonObjectPtr& resource)
{
    const JsonObjectPtr attributes = attributesOf(resource);
    return {textAt(resource, {"id"}), textAt(attributes, {"name"}), textAt(attributes, {"created_at"}),
            !member(attributes, {"discarded_at"}).isEmpty()};
}

bento::Field fieldOf(const JsonObjectPtr& resource)
{
    const JsonObjectPtr attributes = attributesOf(resource);
    return {textAt(resource, {"id"}), textAt(attributes, {"key"}), textAt(attributes, {"name"})};
}

bento::Subscriber subscriberOf(const JsonObjectPtr& resource)
{
    const JsonObjectPtr attributes = attributesOf(resource);
    bento::Subscriber subscriber;
    subscriber.id = textAt(resource, {"id"});
    subscriber.uuid = textAt(attributes, {"uuid"});
    subscriber.email = textAt(attributes, {"email"});
    subscriber.tags = textsAt(attributes, {"tags"});
    subscriber.tagIds = textsAt(attributes, {"cached_tag_ids"});
    subscriber.unsubscribedAt = textAt(attributes, {"unsubscribed_at"});
    if (const JsonObjectPtr fields = objectAt(attributes, {"fields"}))
        for (const auto& [name, value] : *fields)
            if (auto content = asFieldValue(value)) subscriber.fields.emplace_back(name, std::move(*content));
    return subscriber;
}

/// Bento's ways to say that it does not know somebody: {}, [], {"data":null}, {"data":{}} and {"data":[]}.
JsonObjectPtr subscriberIn(const Response& response)
{
    JsonValue content = response.json();
    if (const JsonObjectPtr envelope = asObject(content)) content = envelope->get("data");
    if (const JsonArrayPtr list = asArray(content)) content = list->size() ? list->get(0) : JsonValue();
    const JsonObjectPtr resource = asObject(content);
    return resource && resource->size() ? resource : JsonObjectPtr();
}

void demandText(std::string_view text, const char* what)
{
    if (text.empty()) throw InvalidRequest(std::string("The ") + what + " is empty.", "Nothing was sent.");
}

} // namespace

Bento Bento::fromEnvironment(std::string userAgent, TransportPtr transport)
{
    BentoOptions options;
    options.userAgent = std::move(userAgent);
    options.baseUrl = environment("BENTO_BASE_URL");
    options.transport = std::move(transport);
    options.publishableKey = demandedVariable("BENTO_PUBLISHABLE_KEY", whereKeysAre);
    options.secretKey = demandedVariable("BENTO_SECRET_KEY", whereKeysAre);
    options.siteUuid = demandedVariable("BENTO_SITE_UUID", whereKeysAre);
    return Bento(std::move(options));
}

Bento::Bento(BentoOptions options)
    : ProviderClient(makeClient(options))
    , _batchSize(options.batchSize)
    , _batchTimeout(options.batchTimeout)
{}

std::vector<bento::Tag> Bento::tags() const
{
    std::vector<bento::Tag> tags;
    for (const JsonObjectPtr& resource : listOf(client().get("/fetch/tags").repeat(Repeat::Safe).send()))
        tags.push_back(tagOf(resource));
    return tags;
}

bento::Tag Bento::createTag(std::string_view name) const
{
    demandText(name, "name of the tag");
    const std::string body = JsonObject().setJson("tag", JsonObject().set("name", std::string(name)).text()).text();
    return tagOf(oneOf(client().post("/fetch/tags").json(body).repeat(Repeat::Never).send()));
}

void Bento::deleteTag(std::string_view id, std::string_view name) const
{
    demandText(id, "id of the tag");
    demandText(name, "name of the tag"); // Bento finds the tag by the name in the body
    const std::string body = JsonObject().setJson("tag", JsonObject().set("name", std::string(name)).text()).text();
    client().del("/fetch/tags/" + percentEncode(id)).json(body).repeat(Repeat::Never).send();
}

std::vector<bento::Field> Bento::fields() const
{
    std::vector<bento::Field> fields;
    for (const JsonObjectPtr& resource : listOf(client().get("/fetch/fields").repeat(Repeat::Safe).send()))
        fields.push_back(fieldOf(resource));
    return fields;
}

bento::Field Bento::createField(std::string_view key) const
{
    demandText(key, "key of the field");
    const std::string body = JsonObject().setJson("field", JsonObject().set("key", std::string(key)).text()).text();
    return fieldOf(oneOf(client().post("/fetch/fields").json(body).repeat(Repeat::Never).send()));
}

std::optional<bento::Subscriber> Bento::subscriber(std::string_view email) const
{
    demandText(email, "email address");
    const JsonObjectPtr found =
        subscriberIn(client().get("/fetch/subscribers").query("email", email).repeat(Repeat::Safe).send());
    return found ? std::optional(subscriberOf(found)) : std::nullopt;
}

bento::ImportReport Bento::sendEvents(const std::vector<bento::Event>& events) const { return trySendEvents(events).orThrow(); }

bento::ImportReport Bento::trySendEvents(const std::vector<bento::Event>& events) const
{
    std::size_t at = 0;
    const auto next = [&](std::string& to) {
        if (at == events.size()) return NextRow{true, {}};
        const bento::Event& event = events[at++];
        return NextRow{false, appendEvent(to, event), !event.uniqueKey.empty()};
    };
    return sendBatch({client(), "/batch/events", "events", _batchSize, 0, next, _batchTimeout});
}

BentoImport Bento::importSubscribers(std::vector<bento::SubscriberRow> rows) const
{
    struct Cursor
    {
        std::vector<bento::SubscriberRow> rows;
        std::size_t at = 0;
    };
    auto cursor = std::make_shared<Cursor>(Cursor{std::move(rows)});
    return importSubscribers([cursor]() -> std::optional<bento::SubscriberRow> {
        if (cursor->at == cursor->rows.size()) return std::nullopt;
        return std::move(cursor->rows[cursor->at++]);
    });
}

BentoImport Bento::importSubscribers(bento::RowSource rows) const
{
    return {client(), std::move(rows), _batchSize, _batchTimeout};
}

} // namespace tollgate
