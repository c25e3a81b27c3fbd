#include "Report.h"

#include "Utf8.h"

#include "tollgate/Json.h"
#include "tollgate/schemes/BasicSiteAuth.h"

#include <Poco/JSON/Array.h>

#include <chrono>

namespace tollgate::command {

namespace {

double milliseconds(Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

Poco::JSON::Object::Ptr attemptJson(const Attempt& attempt)
{
    Poco::JSON::Object::Ptr object = new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
    object->set("address", attempt.address);
    object->set("reusedConnection", attempt.reusedConnection);
    object->set("status", attempt.status);
    object->set("error", attempt.error);
    object->set("delivery", std::string(toString(attempt.delivery)));
    object->set("waitedFor", attempt.waitedFor);
    object->set("waitedMs", milliseconds(attempt.waited));
    object->set("resolveMs", milliseconds(attempt.resolve));
    object->set("connectMs", milliseconds(attempt.connect));
    object->set("tlsMs", milliseconds(attempt.tls));
    object->set("firstByteMs", milliseconds(attempt.firstByte));
    object->set("totalMs", milliseconds(attempt.total));
    return object;
}

Poco::JSON::Object::Ptr report(const Response* response, const std::vector<Attempt>& attempts)
{
    Poco::JSON::Object::Ptr object = new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
    Poco::JSON::Array::Ptr headers = new Poco::JSON::Array;
    if (response) {
        object->set("status", response->status());
        object->set("reason", response->head().reason);
        for (const auto& [name, value] : response->headers()) {
            Poco::JSON::Array::Ptr pair = new Poco::JSON::Array;
            pair->add(std::string(name));
            pair->add(std::string(value));
            headers->add(pair);
        }
        object->set("headers", headers);
        const bool readable = isUtf8(response->body());
        object->set("body", readable ? response->body() : base64(response->body()));
        if (!readable) object->set("bodyEncoding", std::string("base64"));
    } else {
        object->set("status", Poco::Dynamic::Var());
        object->set("reason", Poco::Dynamic::Var());
        object->set("headers", headers);
        object->set("body", std::string());
    }
    Poco::JSON::Array::Ptr list = new Poco::JSON::Array;
    for (const Attempt& attempt : attempts) list->add(attemptJson(attempt));
    object->set("attempts", list);
    return object;
}

} // namespace

Poco::JSON::Object::Ptr answerJson(const Response& response)
{
    auto object = report(&response, response.attempts());
    object->set("error", Poco::Dynamic::Var());
    return object;
}

Poco::JSON::Object::Ptr failureJson(const Failure& failure)
{
    auto object = report(failure.details().response.get(), failure.details().attempts);
    object->set("error", failure.json());
    return object;
}

std::string jsonLine(const Poco::JSON::Object::Ptr& object) { return toJson(object) + '\n'; }

} // namespace tollgate::command
