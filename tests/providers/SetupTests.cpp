#include "Scripted.h"

#include <cstdlib>
#include <map>
#include <optional>

using namespace tollgate;
using namespace scripted;

namespace {

/// Sets variables for one test; an empty value unsets. Puts back what was there.
class Environment
{
public:
    Environment(std::initializer_list<std::pair<std::string, std::string>> variables)
    {
        for (const auto& [name, value] : variables) {
            const char* before = std::getenv(name.c_str());
            _before[name] = before ? std::optional<std::string>(before) : std::nullopt;
            set(name, value.empty() ? std::nullopt : std::optional(value));
        }
    }
    ~Environment()
    {
        for (const auto& [name, value] : _before) set(name, value);
    }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

private:
    static void set(const std::string& name, const std::optional<std::string>& value)
    {
        if (value)
            ::setenv(name.c_str(), value->c_str(), 1);
        else
            ::unsetenv(name.c_str());
    }
    std::map<std::string, std::optional<std::string>> _before;
};

} // namespace

BOOST_AUTO_TEST_SUITE(SetupTests)

BOOST_AUTO_TEST_CASE(BentoReadsItsVariables)
{
    const Environment environment{{"BENTO_PUBLISHABLE_KEY", publishableKey},
                                  {"BENTO_SECRET_KEY", secretKey},
                                  {"BENTO_SITE_UUID", siteUuid},
                                  {"BENTO_BASE_URL", ""}};
    auto transport = always(200, R"({"data":[]})");
    Bento::fromEnvironment("AcmeCRM/1.0", transport).tags();

    BOOST_REQUIRE_EQUAL(transport->sent().size(), 1U);
    const auto request = transport->sent()[0];
    BOOST_CHECK_EQUAL(request.method, "GET");
    BOOST_CHECK(request.url == "https://app.bentonow.com/api/v1/fetch/tags?site_uuid=" + siteUuid);
    BOOST_CHECK(request.headers.get("Authorization", "") == "Basic " + base64(publishableKey + ":" + secretKey));
    BOOST_CHECK_EQUAL(request.headers.get("User-Agent", ""), "AcmeCRM/1.0");
    BOOST_CHECK_EQUAL(request.headers.get("Accept", ""), "application/json");
}

BOOST_AUTO_TEST_CASE(BentoNamesTheMissingVariable)
{
    const Environment environment(
        {{"BENTO_PUBLISHABLE_KEY", publishableKey}, {"BENTO_SECRET_KEY", ""}, {"BENTO_SITE_UUID", siteUuid}});
    thrownBy<MissingCredential>([] { Bento::fromEnvironment("AcmeCRM/1.0", script()); },
                                {"BENTO_SECRET_KEY", "Settings, API Keys"});
}

BOOST_AUTO_TEST_CASE(BentoDemandsAUserAgent)
{
    BentoOptions options;
    options.publishableKey = options.secretKey = options.siteUuid = fixed("abcdefgh");
    for (const char* agent : {"", "  "}) {
        options.userAgent = agent;
        thrownBy<ConfigurationError>([&] { Bento{options}; }, {"user agent", "Cloudflare", "AcmeCRM/1.0"});
    }
}

BOOST_AUTO_TEST_CASE(BentoDemandsItsKeysAndASaneBatch)
{
    BentoOptions options;
    options.userAgent = "Test/1.0";
    options.transport = script();
    options.publishableKey = options.secretKey = fixed("abcdefgh");
    thrownBy<ConfigurationError>([&] { Bento{options}; }, {"siteUuid"});
    options.siteUuid = fixed(siteUuid);
    BOOST_CHECK_NO_THROW(Bento{options});
    for (const std::size_t size : std::initializer_list<std::size_t>{0, 1001}) {
        options.batchSize = size;
        thrownBy<ConfigurationError>([&] { Bento{options}; }, {"1 to 1000"});
    }
}

BOOST_AUTO_TEST_CASE(BentoLimitsStandAsPublishedAndCanBeSwitchedOff)
{
    std::vector<std::uint64_t> capacities;
    for (const QuotaView& view : bentoOver(script()).quota().limits) capacities.push_back(view.capacity);
    const std::vector<std::uint64_t> published{100, 100, 100, 30};
    BOOST_CHECK_EQUAL_COLLECTIONS(capacities.begin(), capacities.end(), published.begin(), published.end());

    BentoOptions options;
    options.userAgent = "Test/1.0";
    options.transport = script();
    options.publishableKey = options.secretKey = options.siteUuid = fixed("abcdefgh");
    options.limits = BentoLimits::off();
    BOOST_CHECK(Bento(options).quota().limits.empty());
}

BOOST_AUTO_TEST_CASE(BentooReadsItsVariables)
{
    const Environment environment{{"BENTOO_API_KEY", bentooKey}, {"BENTOO_BASE_URL", "https://gateway.example.com/v1"}};
    auto transport = always(200, R"({"data":[]})");
    Bentoo::fromEnvironment("AcmeCRM/1.0", transport).models();
    BOOST_CHECK_EQUAL(transport->sent().at(0).url, "https://gateway.example.com/v1/models");
    BOOST_CHECK(transport->sent().at(0).headers.get("Authorization", "") == "Bearer " + bentooKey);
}

BOOST_AUTO_TEST_CASE(BentooNamesTheMissingVariable)
{
    const Environment environment{{"BENTOO_API_KEY", ""}};
    thrownBy<MissingCredential>([] { Bentoo::fromEnvironment("AcmeCRM/1.0", script()); },
                                {"BENTOO_API_KEY", "Settings, API Keys"});
    thrownBy<ConfigurationError>([] { Bentoo(BentooOptions{}); }, {"user agent"});
}

BOOST_AUTO_TEST_CASE(BentooPlanGivesTheLimit)
{
    BentooOptions options;
    options.userAgent = "Test/1.0";
    options.apiKey = fixed(bentooKey);
    const auto capacity = [&options] {
        options.transport = script();
        return Bentoo(options).quota().limits.at(0).capacity;
    };
    BOOST_CHECK_EQUAL(capacity(), 1000U); // the ceiling of what Bentoo says itself
    options.plan = tollgate::BentooPlan::Free;
    BOOST_CHECK_EQUAL(capacity(), 20U);
    options.plan = tollgate::BentooPlan::Pro;
    BOOST_CHECK_EQUAL(capacity(), 1000U);
    options.requestsPerMinute = 5000;
    BOOST_CHECK_EQUAL(capacity(), 5000U);
    options.requestsPerMinute = 0;
    BOOST_CHECK(Bentoo(options).quota().limits.empty());
}

BOOST_AUTO_TEST_CASE(BandoIsAnonymousWithoutAToken)
{
    const Environment environment{{"BANDO_API_TOKEN", ""}, {"BANDO_BASE_URL", ""}};
    auto transport = always(200, "cool");
    const auto api = Bando::fromEnvironment("AcmeCRM/1.0", transport);
    BOOST_CHECK(api.anonymous());
    BOOST_CHECK_EQUAL(api.coolness(), "cool");
    BOOST_CHECK_EQUAL(transport->sent().at(0).url, "https://api.bando.cool/coolness");
    BOOST_CHECK(!transport->sent().at(0).headers.has("Authorization"));
}

BOOST_AUTO_TEST_CASE(BandoUsesTheTokenOfItsVariable)
{
    const Environment environment{{"BANDO_API_TOKEN", bandoToken}, {"BANDO_BASE_URL", "https://bando.example.com/"}};
    auto transport = always(200, "cool");
    const auto api = Bando::fromEnvironment("AcmeCRM/1.0", transport);
    BOOST_CHECK(!api.anonymous());
    api.coolness();
    BOOST_CHECK_EQUAL(transport->sent().at(0).url, "https://bando.example.com/coolness");
    BOOST_CHECK(transport->sent().at(0).headers.get("Authorization", "") == "Bearer " + bandoToken);
    BOOST_CHECK_EQUAL(api.quota().limits.at(0).capacity, 100U);
}

BOOST_AUTO_TEST_CASE(BandoRefusesThePlaceHolderOfItsOwnSamples)
{
    const Environment environment{{"BANDO_API_TOKEN", "{{token}}"}, {"BANDO_BASE_URL", ""}};
    auto transport = always(200, "cool");
    thrownBy<InvalidCredential>([&] { Bando::fromEnvironment("AcmeCRM/1.0", transport).coolness(); });
    BOOST_CHECK(transport->sent().empty());
}

BOOST_AUTO_TEST_CASE(ChatbotDemandsARealBaseUrl)
{
    {
        const Environment environment{{"CHATBOT_API_KEY", chatbotKey}, {"CHATBOT_BASE_URL", ""}};
        thrownBy<ConfigurationError>([] { Chatbot::fromEnvironment("AcmeCRM/1.0", script()); },
                                     {"CHATBOT_BASE_URL", "place holder"});
    }
    const Environment environment{{"CHATBOT_API_KEY", chatbotKey}, {"CHATBOT_BASE_URL", "https://API.yourdomain.com/v1"}};
    thrownBy<ConfigurationError>([] { Chatbot::fromEnvironment("AcmeCRM/1.0", script()); },
                                 {"place holder", "api.yourdomain.com"});
    ChatbotOptions options;
    options.apiKey = fixed(chatbotKey);
    thrownBy<ConfigurationError>([&] { Chatbot{options}; }, {"base URL"});
}

BOOST_AUTO_TEST_CASE(ChatbotReadsItsVariables)
{
    const Environment environment{{"CHATBOT_API_KEY", chatbotKey}, {"CHATBOT_BASE_URL", "https://bots.example.com"}};
    auto transport = always(200, "[]");
    Chatbot::fromEnvironment("AcmeCRM/1.0", transport).bots();
    BOOST_CHECK_EQUAL(transport->sent().at(0).url, "https://bots.example.com/v1/bots");
    BOOST_CHECK(transport->sent().at(0).headers.get("Authorization", "") == "Bearer " + chatbotKey);

    const Environment other{{"CHATBOT_BASE_URL", "https://bots.example.com/api/v2"}, {"CHATBOT_API_KEY", ""}};
    thrownBy<MissingCredential>([] { Chatbot::fromEnvironment("AcmeCRM/1.0", script()); }, {"CHATBOT_API_KEY", "Settings, API"});
}

BOOST_AUTO_TEST_CASE(EveryProviderLeadsToItsClient)
{
    auto transport = always(200, R"({"data":[]})");
    const Bento api = bentoOver(transport);
    BOOST_CHECK_EQUAL(api.request("GET", "/stats/site").send().status(), 200);
    BOOST_CHECK(contains(transport->sent().at(0).url, "/api/v1/stats/site?site_uuid="));
    BOOST_CHECK(api.client().transport() == transport);
    BOOST_CHECK_EQUAL(api.quota().limits.at(3).remaining, 29U);
}

BOOST_AUTO_TEST_SUITE_END()
