// Chatbot platform: list the bots, and see a missing scope refused before anything is sent.

#include "support/Sample.h"

#include <tollgate/providers/Chatbot.h>

using tollgate::testing::Provider;

namespace {

tollgate::Chatbot connect(const tollgate::testing::Sandbox* sandbox)
{
    if (!sandbox) return tollgate::Chatbot::fromEnvironment("sample-chatbot/1.0");

    tollgate::ChatbotOptions options;
    options.userAgent = "sample-chatbot/1.0";
    options.baseUrl = sandbox->baseUrl(Provider::Chatbot);
    options.apiKey = sample::fixed(sandbox->chatbot().readKey);
    options.granted = {"read"};
    return tollgate::Chatbot(options);
}

} // namespace

int main()
{
    return sample::run([] {
        const auto sandbox = sample::sandboxUnlessSet("chatbot", {"CHATBOT_API_KEY", "CHATBOT_BASE_URL"});
        const auto chatbot = connect(sandbox.get());

        for (const auto& bot : chatbot.bots()) fmt::print("Bot {}: {}\n", bot.id, bot.name);

        try {
            chatbot.createBot({"Greeter"});
        } catch (const tollgate::MissingScope& error) {
            fmt::print("Not sent, as it should be: {}\n", error.displayText());
        }
        for (const auto& limit : chatbot.quota().limits)
            fmt::print("{} of {} left: {}\n", limit.remaining, limit.capacity, limit.limit);
    });
}
