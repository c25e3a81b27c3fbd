#pragma once

#include "Failure.h"

#include "tollgate/Response.h"

#include <Poco/JSON/Object.h>

#include <string>

namespace tollgate::command {

/// What `request --json` prints for an answer: {status, reason, headers, body, bodyEncoding?, attempts, error: null}.
Poco::JSON::Object::Ptr answerJson(const Response& response);

/// The same for a failure: error is filled in, and status, headers and body are those of the answer if there was one.
Poco::JSON::Object::Ptr failureJson(const Failure& failure);

/// One line of JSON with its line break.
std::string jsonLine(const Poco::JSON::Object::Ptr& object);

} // namespace tollgate::command
