#include "BentoRows.h"

#include "Json.h"

#include <array>

namespace tollgate::testing::sandbox {

namespace {

using Object = Poco::JSON::Object::Ptr;

/// "lead, mql" are the names "lead" and "mql". Any other JSON type is refused.
bool readNames(const Poco::Dynamic::Var& value, std::vector<std::string>& names)
{
    if (value.isEmpty()) return true;
    if (!value.isString()) return false;
    const auto text = value.convert<std::string>();
    for (std::size_t from = 0; from <= text.size();) {
        const auto comma = std::min(text.find(',', from), text.size());
        const auto first = text.find_first_not_of(' ', from);
        if (first < comma) {
            const auto last = text.find_last_not_of(' ', comma - 1);
            names.push_back(text.substr(first, last - first + 1));
        }
        from = comma + 1;
    }
    return true;
}

void readFields(const Object& object, BentoStore::Change& change)
{
    if (!object) return;
    for (const auto& [key, value] : *object) change.fields.emplace_back(key, jsonText(value));
}

/// details.value needs an integer amount and a currency.
bool hasGoodValue(const Object& details)
{
    if (!details || !details->has("value")) return true;
    const auto value = objectAt(details, "value");
    return value && value->get("amount").isInteger() && textAt(value, "currency");
}

std::string uniqueKeyOf(const Object& details)
{
    const auto unique = objectAt(details, "unique");
    if (!unique) return {};
    const auto key = unique->get("key");
    return key.isString() || key.isNumeric() ? key.convert<std::string>() : std::string();
}

} // namespace

Row subscriberRow(const Object& item)
{
    Row row;
    row.change.email = textAt(item, "email").value_or("");
    if (!looksLikeEmail(row.change.email)) row.error = "email is invalid";
    for (const auto& [key, value] : *item) {
        if (key == "email" || key == "created_at") continue;
        if (key == "tags" || key == "remove_tags") {
            if (!readNames(value, key == "tags" ? row.change.tags : row.change.removedTags))
                row.error = key + " must be a comma-separated text";
        } else {
            row.change.fields.emplace_back(key, jsonText(value));
        }
    }
    return row;
}

Row eventRow(const Object& item)
{
    Row row;
    const auto type = textAt(item, "type").value_or("");
    const auto details = objectAt(item, "details");
    row.change.email = textAt(item, "email").value_or("");
    if (!looksLikeEmail(row.change.email))
        row.error = "email is invalid";
    else if (type.empty())
        row.error = "type is missing";
    else if (!hasGoodValue(details))
        row.error = "details.value needs amount (integer cents) and currency";
    readFields(objectAt(item, "fields"), row.change);
    row.uniqueKey = uniqueKeyOf(details);
    if (type == "$subscribe" || type == "$unsubscribe") row.change.subscribed = type == "$subscribe";
    if (const auto tag = textAt(details, "tag"); tag && type == "$tag")
        row.change.tags.push_back(*tag);
    else if (tag && type == "$remove_tag")
        row.change.removedTags.push_back(*tag);
    return row;
}

Row commandRow(const Object& item)
{
    Row row;
    const auto command = textAt(item, "command").value_or("");
    const auto query = textAt(item, "query").value_or("");
    row.change.email = textAt(item, "email").value_or("");
    if (!looksLikeEmail(row.change.email)) row.error = "email is invalid";

    if (command == "subscribe" || command == "unsubscribe") {
        row.change.subscribed = command == "subscribe";
    } else if (command == "add_field") {
        const auto field = objectAt(item, "query");
        if (const auto key = textAt(field, "key"))
            row.change.fields.emplace_back(*key, jsonText(field->get("value")));
        else
            row.error = "query needs key and value";
    } else if (query.empty()) {
        row.error = "command is unknown or its query is missing";
    } else if (command == "add_tag" || command == "add_tag_via_event") {
        row.change.tags.push_back(query);
    } else if (command == "remove_tag") {
        row.change.removedTags.push_back(query);
    } else if (command == "remove_field") {
        row.change.removedFields.push_back(query);
    } else if (command == "change_email") {
        row.change.newEmail = query;
    } else {
        row.error = "command is unknown";
    }
    return row;
}

} // namespace tollgate::testing::sandbox
