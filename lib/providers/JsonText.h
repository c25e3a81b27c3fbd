#pragma once

#include "tollgate/providers/FieldValue.h"

#include <string>
#include <string_view>

namespace tollgate::providers {

/// JSON written straight into a string: request bodies are the hot path of imports, and a DOM would hold each row twice.

/// Appends the text with its quotes and escapes (RFC 8259 section 7). False if it is not UTF-8; the end of `to` is then garbage.
[[nodiscard]] bool appendJson(std::string& to, std::string_view text);

/// Appends the value. False for text that is not UTF-8 and for numbers that JSON does not know (NaN, infinity).
[[nodiscard]] bool appendJson(std::string& to, const FieldValue& value);

/// Appends `,"name":`, without the comma after an opening brace.
void appendName(std::string& to, std::string_view name);

/// Writes one JSON object, for requests that are not hot. Throws InvalidRequest naming the member that JSON cannot hold.
class JsonObject
{
public:
    JsonObject& set(std::string_view name, const FieldValue& value);
    JsonObject& setJson(std::string_view name, std::string_view json);
    std::string text() const { return _text + '}'; }

private:
    std::string _text = "{";
};

} // namespace tollgate::providers
