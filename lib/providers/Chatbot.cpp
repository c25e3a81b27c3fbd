#include "tollgate/providers/Chatbot.h"

#include "providers/JsonRead.h"
#include "providers/JsonText.h"
#include "providers/Reviews.h"
#include "providers/Setup.h"
#include "tollgate/Json.h"

#include <utility>

namespace tollgate {

using namespace providers; // NOLINT(google-build-using-namespace): the readers and writers this file is made of

namespace {

constexpr const char* whereKeysAre = "Generate a key in the dashboard under Settings, API; it is shown once.";
constexpr const char* whereUrlIs =
    "Ask the platform for the address of your API. \"api.yourdomain.com\" in its guide is a place holder, not a server.";

std::string baseUrlOf(const ChatbotOptions& options)
{
    if (options.baseUrl.empty()) throw ConfigurationError("The chatbot platform needs a base URL.", whereUrlIs);
    const Url url(options.baseUrl);
    if (url.origin().host == "api.yourdomain.com")
        throw ConfigurationError("The base URL of the chatbot platform is the place holder of its guide.", whereUrlIs);
    return url.path() == "/" ? url.below("/v1").text() : options.baseUrl;
}

Client makeClient(ChatbotOptions options)
{
    demand(options.apiKey, "apiKey", whereKeysAre);
    options.baseUrl = baseUrlOf(options);
    ClientBuilder builder = clientFor(options, {}, &reviewChatbot);
    builder.auth(scopedBearer(options.apiKey, {options.granted, "admin"}));
    if (options.perHour) builder.limit(perHour(options.perHour));
    return builder.build();
}

chatbot::Bot botOf(const JsonObjectPtr& bot) { return {textAt(bot, {"id", "_id", "uuid"}), textAt(bot, {"name"}), toJson(bot)}; }

std::string bodyOf(const chatbot::BotSpec& spec)
{
    JsonObject body;
    if (!spec.name.empty()) body.set("name", spec.name);
    for (const auto& [name, value] : spec.settings) body.set(name, value);
    return body.text();
}

} // namespace

Chatbot Chatbot::fromEnvironment(std::string userAgent, TransportPtr transport, std::vector<std::string> granted)
{
    ChatbotOptions options;
    options.userAgent = std::move(userAgent);
    options.transport = std::move(transport);
    options.granted = std::move(granted);
    options.baseUrl = environment("CHATBOT_BASE_URL");
    if (options.baseUrl.empty())
        throw ConfigurationError("The environment variable CHATBOT_BASE_URL is not set.", std::string("Set it. ") + whereUrlIs);
    options.apiKey = demandedVariable("CHATBOT_API_KEY", whereKeysAre);
    return Chatbot(std::move(options));
}

Chatbot::Chatbot(ChatbotOptions options) : ProviderClient(makeClient(std::move(options))) {}

std::vector<chatbot::Bot> Chatbot::bots() const
{
    std::vector<chatbot::Bot> bots;
    for (const JsonObjectPtr& bot :
         listOf(client().get("/bots").needs({"read"}).repeat(Repeat::Safe).send(), {"bots", "items", "results"}))
        bots.push_back(botOf(bot));
    return bots;
}

chatbot::Bot Chatbot::createBot(const chatbot::BotSpec& bot) const
{
    return botOf(oneOf(client().post("/bots").needs({"write"}).json(bodyOf(bot)).repeat(Repeat::Never).send(), {"bot"}));
}

chatbot::Bot Chatbot::updateBot(std::string_view id, const chatbot::BotSpec& change) const
{
    if (id.empty()) throw InvalidRequest("The id of the bot is empty.", "Ask bots() for the ids.");
    Request request = client().patch("/bots/" + percentEncode(id)).needs({"write"}).json(bodyOf(change)).repeat(Repeat::Never);
    return botOf(oneOf(request.send(), {"bot"}));
}

} // namespace tollgate
