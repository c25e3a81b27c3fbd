#pragma once

#include "tollgate/Response.h"

#include <string>

namespace tollgate::providers {

/// What the server itself says is wrong: the error text of its JSON in any of the usual shapes, or a short plain text. At most
/// 200 characters, fit for one line; empty if it says nothing that people could read.
std::string serverText(const Response& response);

/// The same as a sentence to append, ` The server says: "..."`, or an empty string.
std::string serverSays(const Response& response);

/// A page for people, where an API should answer: by its first bytes, or by its type if an error has no body.
bool isHtml(const Response& response);

} // namespace tollgate::providers
