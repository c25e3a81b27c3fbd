#pragma once

/// JSON by Poco::JSON: include this where Response::json() or Request::json() is used with Poco's types.

#include "tollgate/Response.h"

#include <Poco/Dynamic/Var.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <string>

namespace tollgate {

/// The text of a JSON value, without white space between tokens; non-ASCII characters as UTF-8.
TOLLGATE_API std::string toJson(const Poco::Dynamic::Var& value);

/// A JSON text as Poco value. Throws UnexpectedContent, showing the first 200 characters, if it is none or nests over 64 levels,
/// and also if it holds an integer that does not fit 64 bits. Numbers with a point or an exponent become double: 15 digits are
/// safe, further ones are rounded, and 200.10 comes back as 200.1. What must be exact, such as money, an API sends as text.
TOLLGATE_API Poco::Dynamic::Var parseJson(const std::string& text);

} // namespace tollgate
