#include "providers/JsonRead.h"

#include "Excerpt.h"
#include "tollgate/Error.h"
#include "tollgate/Json.h"

#include <fmt/format.h>

#include <memory>

namespace tollgate::providers {

JsonObjectPtr asObject(const JsonValue& value)
{
    return value.type() == typeid(JsonObjectPtr) ? value.extract<JsonObjectPtr>() : JsonObjectPtr();
}

JsonArrayPtr asArray(const JsonValue& value)
{
    return value.type() == typeid(JsonArrayPtr) ? value.extract<JsonArrayPtr>() : JsonArrayPtr();
}

JsonValue member(const JsonObjectPtr& object, Names names)
{
    if (!object) return {};
    for (const char* name : names)
        if (JsonValue value = object->get(name); !value.isEmpty()) return value;
    return {};
}

JsonObjectPtr objectAt(const JsonObjectPtr& object, Names names) { return asObject(member(object, names)); }

JsonArrayPtr arrayAt(const JsonObjectPtr& object, Names names) { return asArray(member(object, names)); }

std::string textAt(const JsonObjectPtr& object, Names names) { return asText(member(object, names)); }

std::int64_t integerAt(const JsonObjectPtr& object, Names names)
{
    const JsonValue value = member(object, names);
    try {
        return value.isEmpty() ? 0 : value.convert<std::int64_t>();
    } catch (const Poco::Exception&) {
        return 0;
    }
}

std::vector<std::string> textsAt(const JsonObjectPtr& object, Names names)
{
    std::vector<std::string> texts;
    if (const JsonArrayPtr list = arrayAt(object, names))
        for (const JsonValue& value : *list) texts.push_back(asText(value));
    return texts;
}

std::string asText(const JsonValue& value)
{
    if (value.isEmpty()) return {};
    if (value.isString()) return value.extract<std::string>();
    if (value.type() == typeid(double)) return fmt::format("{}", value.extract<double>()); // the shortest text that reads back
    return toJson(value);
}

std::optional<FieldValue> asFieldValue(const JsonValue& value)
{
    if (value.isEmpty()) return std::nullopt;
    if (value.isBoolean()) return value.convert<bool>();
    if (value.isInteger() && value.isSigned()) return value.convert<std::int64_t>();
    if (value.type() == typeid(double)) return value.extract<double>();
    return asText(value);
}

JsonValue unwrapped(const JsonValue& value)
{
    const JsonObjectPtr envelope = asObject(value);
    const JsonValue content = member(envelope, {"data"});
    return asObject(content) || asArray(content) ? content : value;
}

std::vector<JsonObjectPtr> listOf(const Response& response, Names names)
{
    const JsonValue content = unwrapped(response.json());
    JsonArrayPtr list = asArray(content);
    if (!list) list = arrayAt(asObject(content), names);
    if (!list) throwWithout("list", response);

    std::vector<JsonObjectPtr> objects;
    for (const JsonValue& value : *list)
        if (const JsonObjectPtr object = asObject(value)) objects.push_back(object);
    return objects;
}

JsonObjectPtr oneOf(const Response& response, Names names)
{
    const JsonValue content = unwrapped(response.json());
    if (const JsonArrayPtr list = asArray(content); list && list->size() > 0)
        if (JsonObjectPtr first = asObject(list->get(0))) return first;
    JsonObjectPtr object = asObject(content);
    if (JsonObjectPtr inner = objectAt(object, names)) return inner;
    if (!object || object->size() == 0) throwWithout("object", response);
    return object;
}

void throwWithout(const char* what, const Response& response)
{
    ErrorDetails details;
    details.message = fmt::format("There is no {} in the answer: {}", what, excerpt(response.redacted(response.body())));
    details.hint = "The API may have changed, or the base URL leads to another one.";
    details.delivery = Delivery::Answered;
    details.requestId = excerpt(response.redacted(response.requestId()));
    details.attempts = response.attempts();
    details.response = std::make_shared<const Response>(response);
    throw UnexpectedContent(std::move(details));
}

} // namespace tollgate::providers
