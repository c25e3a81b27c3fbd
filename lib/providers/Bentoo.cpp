#include "tollgate/providers/Bentoo.h"

#include "providers/JsonRead.h"
#include "providers/JsonText.h"
#include "providers/Reviews.h"
#include "providers/Setup.h"
#include "tollgate/Json.h"

#include <utility>

namespace tollgate {

using namespace providers; // NOLINT(google-build-using-namespace): the readers and writers this file is made of

namespace {

constexpr const char* whereKeysAre = "Create a key in the Bentoo dashboard under Settings, API Keys; it is shown once.";

/// Null: none.
RateLimitPolicyPtr limitOf(const BentooOptions& options)
{
    if (options.requestsPerMinute == 0U) return nullptr;
    if (options.requestsPerMinute) return perMinute(*options.requestsPerMinute);
    switch (options.plan) {
    case BentooPlan::Free: return perMinute(20);
    case BentooPlan::Pro: return perMinute(1000);
    case BentooPlan::Unknown: break;
    }
    return serverDeclared(perMinute(1000));
}

Client makeClient(const BentooOptions& options)
{
    demandUserAgent(options, "Bentoo", "It tells your programs apart in logs, on their side and on yours.");
    demand(options.apiKey, "apiKey", whereKeysAre);
    ClientBuilder builder = clientFor(options, "https://api.bentoo.ai/v1", &reviewBentoo);
    builder.auth(bearer(options.apiKey, {"btoo_", "Bentoo key"}));
    if (const RateLimitPolicyPtr limit = limitOf(options)) builder.limit(limit);
    return builder.build();
}

std::string bodyOf(const bentoo::ChatRequest& request)
{
    if (request.model.empty()) throw InvalidRequest("The chat request names no model.", "Ask models() which ones there are.");
    if (request.messages.empty())
        throw InvalidRequest("The chat request has no messages.", "Give at least one, with the role \"user\".");
    std::string messages = "[";
    for (const bentoo::Message& message : request.messages) {
        if (messages.size() > 1) messages += ',';
        messages += JsonObject().set("role", message.role).set("content", message.content).text();
    }
    JsonObject body;
    body.set("model", request.model).setJson("messages", messages + ']');
    if (request.temperature) body.set("temperature", *request.temperature);
    if (request.maxTokens) body.set("max_tokens", *request.maxTokens);
    return body.text();
}

bentoo::Usage usageOf(const JsonObjectPtr& usage)
{
    return {integerAt(usage, {"prompt_tokens"}), integerAt(usage, {"completion_tokens"}), integerAt(usage, {"total_tokens"})};
}

} // namespace

Bentoo Bentoo::fromEnvironment(std::string userAgent, TransportPtr transport)
{
    BentooOptions options;
    options.userAgent = std::move(userAgent);
    options.baseUrl = environment("BENTOO_BASE_URL");
    options.transport = std::move(transport);
    options.apiKey = demandedVariable("BENTOO_API_KEY", whereKeysAre);
    return Bentoo(std::move(options));
}

Bentoo::Bentoo(BentooOptions options) : ProviderClient(makeClient(options)) {}

std::vector<bentoo::Model> Bentoo::models() const
{
    std::vector<bentoo::Model> models;
    for (const JsonObjectPtr& model : listOf(client().get("/models").repeat(Repeat::Safe).send(), {"models"}))
        models.push_back({textAt(model, {"id"}), textAt(model, {"owned_by"}), integerAt(model, {"created"})});
    return models;
}

bentoo::ChatReply Bentoo::chat(const bentoo::ChatRequest& request) const
{
    const Response response = client().post("/chat/completions").json(bodyOf(request)).repeat(Repeat::Never).send();
    const JsonObjectPtr body = oneOf(response);
    const JsonArrayPtr choices = arrayAt(body, {"choices"});
    if (!choices || choices->size() == 0) throwWithout("choice", response);
    const JsonObjectPtr choice = asObject(choices->get(0));
    return {textAt(body, {"id"}), textAt(body, {"model"}), textAt(objectAt(choice, {"message"}), {"content"}),
            textAt(choice, {"finish_reason"}), usageOf(objectAt(body, {"usage"}))};
}

} // namespace tollgate
