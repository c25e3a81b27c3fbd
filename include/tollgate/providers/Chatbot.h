#pragma once

#include "tollgate/CredentialSource.h"
#include "tollgate/providers/FieldValue.h"
#include "tollgate/providers/Provider.h"

#include <string>
#include <string_view>
#include <vector>

namespace tollgate {

/// The base URL is demanded: the vendor publishes none, api.yourdomain.com in its guide is a place holder.
struct TOLLGATE_API ChatbotOptions : ProviderOptions
{
    CredentialSourcePtr apiKey;
    /// The scopes that were picked when the key was made: "read", "write", "admin". They do not include each other, but "admin"
    /// includes all. A call that needs another one is refused here with MissingScope.
    std::vector<std::string> granted = {"read"};
    unsigned perHour = 1000; ///< 0 switches the limit off
};

namespace chatbot {

struct TOLLGATE_API Bot
{
    std::string id;
    std::string name;
    std::string json; ///< the whole bot as JSON text, for fields that have no name here
};

/// A bot to be, or what to change of one.
struct TOLLGATE_API BotSpec
{
    std::string name;     ///< empty: not changed
    Fields settings = {}; ///< further fields of the bot
};

} // namespace chatbot

/// The chatbot platform AI Chat for Business. Of its calls only GET /v1/bots is in the vendor's guide; the paths of createBot()
/// and updateBot() follow the usual convention. Thread-safe, cheap to copy.
///
///     auto chatbot = tollgate::Chatbot::fromEnvironment("AcmeCRM/1.0", transport, {"read", "write"});
///     for (const auto& bot : chatbot.bots()) fmt::print("{} {}\n", bot.id, bot.name);
class TOLLGATE_API Chatbot : public ProviderClient
{
public:
    /// Reads CHATBOT_API_KEY and CHATBOT_BASE_URL. Throws MissingCredential naming the variable, and as the constructor does.
    static Chatbot fromEnvironment(std::string userAgent, TransportPtr transport = {},
                                   std::vector<std::string> granted = {"read"});

    /// Throws ConfigurationError without a key, without a base URL and for the vendor's place holder. A base URL without a path
    /// gets
    /// "/v1", the version of the guide.
    explicit Chatbot(ChatbotOptions options);

    /// Needs "read".
    std::vector<chatbot::Bot> bots() const;
    /// Needs "write". Never repeated once it may have been processed: there would be two bots.
    chatbot::Bot createBot(const chatbot::BotSpec& bot) const;
    /// Changes what `change` names, by PATCH. Needs "write". Never repeated once it may have been processed: the vendor does not
    /// say what a change triggers, and somebody else's change may lie between. The error's delivery() tells you what you can do.
    chatbot::Bot updateBot(std::string_view id, const chatbot::BotSpec& change) const;
};

} // namespace tollgate
