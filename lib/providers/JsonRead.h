#pragma once

#include "tollgate/Response.h"
#include "tollgate/providers/FieldValue.h"

#include <Poco/Dynamic/Var.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace tollgate::providers {

/// Tolerant reading of answers: what is absent, null or of another type is empty, and a name may have several spellings.

using Names = std::initializer_list<const char*>;
using JsonValue = Poco::Dynamic::Var;
using JsonObjectPtr = Poco::JSON::Object::Ptr;
using JsonArrayPtr = Poco::JSON::Array::Ptr;

JsonObjectPtr asObject(const JsonValue& value);
JsonArrayPtr asArray(const JsonValue& value);

/// The first of these members that is there and not null.
JsonValue member(const JsonObjectPtr& object, Names names);
JsonObjectPtr objectAt(const JsonObjectPtr& object, Names names);
JsonArrayPtr arrayAt(const JsonObjectPtr& object, Names names);
/// Numbers and booleans as their text, objects and arrays as JSON.
std::string textAt(const JsonObjectPtr& object, Names names);
std::int64_t integerAt(const JsonObjectPtr& object, Names names);
std::vector<std::string> textsAt(const JsonObjectPtr& object, Names names);

std::string asText(const JsonValue& value);
/// Nothing for null.
std::optional<FieldValue> asFieldValue(const JsonValue& value);

/// What lies in the envelope {"data": ...}, or the value itself if it has none.
JsonValue unwrapped(const JsonValue& value);

/// The objects of a list, be it bare or in an envelope under "data" or one of `names`. Throws UnexpectedContent if there is none.
std::vector<JsonObjectPtr> listOf(const Response& response, Names names = {});
/// The one object of an answer, be it bare, in an envelope, or alone in a list. Throws UnexpectedContent if there is none.
JsonObjectPtr oneOf(const Response& response, Names names = {});

/// Throws UnexpectedContent for JSON of the wrong shape: "There is no <what> in the answer: <excerpt>".
[[noreturn]] void throwWithout(const char* what, const Response& response);

} // namespace tollgate::providers
