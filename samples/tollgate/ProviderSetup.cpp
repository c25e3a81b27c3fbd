#include "ProviderSetup.h"

#include "tollgate/providers/Bando.h"
#include "tollgate/providers/Bento.h"
#include "tollgate/providers/Bentoo.h"
#include "tollgate/providers/Chatbot.h"

#include <cstdlib>

namespace tollgate::command {

namespace {

template <class Options>
Options withCommon(const ProviderOptions& common)
{
    Options options;
    static_cast<ProviderOptions&>(options) = common;
    return options;
}

Client bentoClient(const ProviderOptions& common)
{
    auto options = withCommon<BentoOptions>(common);
    options.publishableKey = environmentSource("BENTO_PUBLISHABLE_KEY");
    options.secretKey = environmentSource("BENTO_SECRET_KEY");
    options.siteUuid = environmentSource("BENTO_SITE_UUID");
    return Bento(options).client();
}

Client bentooClient(const ProviderOptions& common)
{
    auto options = withCommon<BentooOptions>(common);
    options.apiKey = environmentSource("BENTOO_API_KEY");
    return Bentoo(options).client();
}

Client bandoClient(const ProviderOptions& common)
{
    auto options = withCommon<BandoOptions>(common);
    if (variableValue("BANDO_API_TOKEN")) options.token = environmentSource("BANDO_API_TOKEN");
    return Bando(options).client();
}

Client chatbotClient(const ProviderOptions& common)
{
    auto options = withCommon<ChatbotOptions>(common);
    options.apiKey = environmentSource("CHATBOT_API_KEY");
    return Chatbot(options).client();
}

std::vector<ProviderSetup> makeSetups()
{
    return {
        {"bento",
         "Bento",
         {{"BENTO_PUBLISHABLE_KEY", Role::PublishableKey, true},
          {"BENTO_SECRET_KEY", Role::SecretKey, true},
          {"BENTO_SITE_UUID", Role::SiteUuid, true},
          {"BENTO_BASE_URL", Role::BaseUrl, false}},
         "In Bento: Settings, API Keys. All three values stand there, and they belong together.",
         "support@bentonow.com",
         "https://app.bentonow.com/api/v1",
         "/api/v1",
         true,
         {"/fetch/tags"},
         "The keys are wrong, or the site_uuid is missing or belongs to another site: Bento answers 401 to all three.",
         "The IP address is blocked, or something is the matter with the account.",
         bentoClient},
        {"bentoo",
         "Bentoo",
         {{"BENTOO_API_KEY", Role::BentooKey, true}, {"BENTOO_BASE_URL", Role::BaseUrl, false}},
         "In the Bentoo dashboard: Settings, API Keys. A key is shown once; if it is lost, make a new one.",
         "support@bentoo.ai",
         "https://api.bentoo.ai/v1",
         "/v1",
         true,
         {"/models"},
         "The key is wrong, incomplete or revoked: a revoked key gets 401 at once.",
         "The account allows only certain IP addresses, and this machine's is not among them.",
         bentooClient},
        {"bando",
         "Bando",
         {{"BANDO_API_TOKEN", Role::Token, false}, {"BANDO_BASE_URL", Role::BaseUrl, false}},
         "Bando sends tokens by e-mail on request: api@bando.cool. Without one calls are anonymous, with fewer requests an hour.",
         "api@bando.cool",
         "https://api.bando.cool",
         "",
         false,
         {"/coolness", "/api/v1/networks/"},
         "The token is wrong. Several bad tries within a short time lock the account for everybody, good tokens included: do not "
         "try again "
         "before it is mended.",
         "Either the account is locked for a while after several bad tokens, or this IP address is not allowed: Bando's answer "
         "is the same.",
         bandoClient},
        {"chatbot",
         "the chatbot platform",
         {{"CHATBOT_API_KEY", Role::Token, true}, {"CHATBOT_BASE_URL", Role::BaseUrl, true}},
         "In the dashboard: Settings, API. A key is shown once. The base URL is your organisation's own.",
         "the platform's support, or its Discord community",
         "",
         "",
         false,
         {"/bots"},
         "\"Invalid API Key\": the key is incomplete, has expired or was revoked.",
         "\"Insufficient Permissions\": the key lacks the Read scope, or the plan has no API access (Professional has).",
         chatbotClient},
    };
}

} // namespace

const std::vector<ProviderSetup>& providerSetups()
{
    static const std::vector<ProviderSetup> setups = makeSetups();
    return setups;
}

const ProviderSetup* findProvider(std::string_view name) noexcept
{
    for (const ProviderSetup& setup : providerSetups())
        if (setup.name == name) return &setup;
    return nullptr;
}

std::optional<std::string> variableValue(const char* name)
{
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nothing here changes the environment
    return value ? std::optional<std::string>(value) : std::nullopt;
}

} // namespace tollgate::command
