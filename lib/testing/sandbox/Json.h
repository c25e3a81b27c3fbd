#pragma once

#include "tollgate/Clock.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <optional>
#include <string>
#include <string_view>

namespace tollgate::testing::sandbox {

/// A JSON string with its quotes. Bytes from 0x80 stay as they are: UTF-8 in, UTF-8 out.
std::string quoted(std::string_view text);

/// {"error":"..."}
std::string errorJson(std::string_view message);

/// A value as compact JSON text.
std::string jsonText(const Poco::Dynamic::Var& value);

/// The JSON object that a body holds; null if it holds anything else, or nests over 64 levels.
Poco::JSON::Object::Ptr parseObject(const std::string& body);

/// A member as object, array or text; null or nothing if it is missing or of another type.
Poco::JSON::Object::Ptr objectAt(const Poco::JSON::Object::Ptr& object, const std::string& name);
Poco::JSON::Array::Ptr arrayAt(const Poco::JSON::Object::Ptr& object, const std::string& name);
std::optional<std::string> textAt(const Poco::JSON::Object::Ptr& object, const std::string& name);
/// The same from a value, such as an array's element.
Poco::JSON::Object::Ptr asObject(const Poco::Dynamic::Var& value);

/// 2024-08-06T05:44:04.444Z
std::string isoTime(WallTime time);

} // namespace tollgate::testing::sandbox
