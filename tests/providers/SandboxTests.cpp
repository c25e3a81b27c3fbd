#include "OverSandbox.h"

#include <mutex>

using namespace tollgate;
using namespace scripted;
using tollgate::testing::Provider;
using tollgate::testing::Sandbox;
using tollgate::testing::SandboxOptions;

namespace {

/// A key that can be exchanged while it is in use.
class Slot
{
public:
    explicit Slot(std::string key) : _key(std::move(key)) {}
    void set(std::string key)
    {
        const std::lock_guard<std::mutex> lock(_mutex);
        _key = std::move(key);
    }
    CredentialSourcePtr source(const std::string& name)
    {
        return callbackSource(name, [this] {
            const std::lock_guard<std::mutex> lock(_mutex);
            return Secret(_key);
        });
    }

private:
    std::mutex _mutex;
    std::string _key;
};

} // namespace

BOOST_AUTO_TEST_SUITE(ProviderSandboxTests)

BOOST_AUTO_TEST_CASE(BentooAnswersAndCounts)
{
    const Sandbox sandbox;
    const Bentoo api(over::bentooOptions(sandbox));
    const auto models = api.models();
    BOOST_REQUIRE(!models.empty());
    const auto reply = api.chat({models[0].id, {{"user", "Say \"hello\", Zoë."}}});
    BOOST_CHECK(contains(reply.content, "Say \"hello\", Zoë."));
    BOOST_CHECK_EQUAL(reply.model, models[0].id);
    BOOST_CHECK_EQUAL(reply.finishReason, "stop");
    BOOST_CHECK_EQUAL(reply.usage.totalTokens, reply.usage.promptTokens + reply.usage.completionTokens);
    BOOST_CHECK_EQUAL(api.quota().limits.at(0).remaining, 998U); // the sandbox's account has the Pro plan
    thrownBy<NotFound>([&] { api.chat({"no-such-model", {{"user", "x"}}}); }, {"no such model"});
}

BOOST_AUTO_TEST_CASE(ABentooKeyIsRotatedWithoutAFailure)
{
    Sandbox sandbox;
    Slot slot(sandbox.bentoo().apiKey);
    BentooOptions options = over::bentooOptions(sandbox);
    options.apiKey = slot.source("key store");
    const Bentoo api(options);
    BOOST_CHECK_NO_THROW(api.models());
    const std::string second = sandbox.createBentooKey();
    slot.set(second); // 1. create, 2. move over
    BOOST_CHECK_NO_THROW(api.models());
    sandbox.revoke(sandbox.bentoo().apiKey); // 4. revoke the old one
    BOOST_CHECK_NO_THROW(api.models());
    BOOST_CHECK_EQUAL(api.client().stats().errors, 0U);

    // Revoked without a new key: told at once, and not tried again, until there is a new one.
    const std::string before = sandbox.createBentooKey();
    slot.set(before);
    BOOST_CHECK_NO_THROW(api.models());
    sandbox.revoke(second);
    sandbox.revoke(before);
    thrownBy<CredentialRejected>([&] { api.models(); }, {"revoked"}); // the newest one...
    thrownBy<CredentialRejected>([&] { api.models(); });              // ...and the good one before it
    const std::size_t sent = sandbox.requests(Provider::Bentoo).size();
    thrownBy<CredentialRejected>([&] { api.models(); });
    BOOST_CHECK_EQUAL(sandbox.requests(Provider::Bentoo).size(), sent);
    slot.set(sandbox.createBentooKey());
    BOOST_CHECK_NO_THROW(api.models());
}

BOOST_AUTO_TEST_CASE(BandoSells)
{
    const Sandbox sandbox;
    const Bando api(over::bandoOptions(sandbox));
    BOOST_CHECK(!api.coolness().empty());
    const auto products = api.products();
    BOOST_REQUIRE(!products.empty());
    BOOST_CHECK(!products[0].price.value.empty());
    const auto quote = api.quote({products[0].sku, products[0].price.currency, "0x0000000000000000000000000000000000000000",
                                  42161, "0x00000000000000000000000000000000000000aa"});
    BOOST_CHECK(!quote.id.empty());
    BOOST_CHECK_EQUAL(quote.sku, products[0].sku);
    for (const auto& product : api.products({{}, "MX"})) BOOST_CHECK_EQUAL(product.country, "MX");

    BandoOptions open = over::bandoOptions(sandbox);
    open.token = nullptr;
    BOOST_CHECK_NO_THROW(Bando(open).coolness());
}

BOOST_AUTO_TEST_CASE(BandoIsNeverLockedOutByABadToken)
{
    const Sandbox sandbox;
    BandoOptions options = over::bandoOptions(sandbox);
    options.token = fixed("bnd.wrong0123456789");
    const Bando wrong(options);
    for (int i = 0; i < 20; ++i) thrownBy<CredentialRejected>([&] { wrong.coolness(); });
    BOOST_CHECK_EQUAL(sandbox.requests(Provider::Bando).size(), 1U);
    BOOST_CHECK_NO_THROW(Bando(over::bandoOptions(sandbox)).coolness()); // the good token was not locked out
}

BOOST_AUTO_TEST_CASE(ABandoLockoutIsWaitedOutInSilence)
{
    auto clock = testing::VirtualClock::create();
    SandboxOptions sandboxOptions;
    sandboxOptions.clock = clock;
    const Sandbox sandbox(sandboxOptions);
    Slot slot("");
    BandoOptions options = over::bandoOptions(sandbox);
    options.transport = over::transport(clock);
    options.token = slot.source("token store");
    options.lockout.tolerance = sandboxOptions.bandoLockoutAfter + 1; // else the client stops before the server does
    const Bando api(options);

    // Somebody rotates through bad tokens: each is tried once, until the server locks the account.
    for (unsigned i = 0; i < sandboxOptions.bandoLockoutAfter; ++i) {
        slot.set("bnd.wrong012345" + std::to_string(i));
        thrownBy<CredentialRejected>([&] { api.coolness(); });
    }
    slot.set(sandbox.bando().token);
    const auto error = thrownBy<LockedOut>([&] { api.coolness(); }, {"locked out"});
    BOOST_CHECK(dynamic_cast<const LockedOut&>(*error).until() > clock->wallNow());
    const std::size_t sent = sandbox.requests(Provider::Bando).size();
    for (int i = 0; i < 10; ++i) thrownBy<LockedOut>([&] { api.coolness(); });
    BOOST_CHECK_EQUAL(sandbox.requests(Provider::Bando).size(), sent); // nothing was sent

    clock->advance(std::chrono::minutes(6));
    BOOST_CHECK_NO_THROW(api.coolness());
    BOOST_CHECK_NO_THROW(api.coolness());
}

BOOST_AUTO_TEST_CASE(ChatbotScopesAreCheckedBeforeAnythingIsSent)
{
    const Sandbox sandbox;
    const Chatbot reader(over::chatbotOptions(sandbox, sandbox.chatbot().readKey, {"read"}));
    thrownBy<MissingScope>([&] { reader.createBot({"G"}); }, {"write"});
    thrownBy<MissingScope>([&] { reader.updateBot("1", {"G"}); }, {"write"});
    BOOST_CHECK(sandbox.requests(Provider::Chatbot).empty());

    const Chatbot writer(over::chatbotOptions(sandbox, sandbox.chatbot().writeKey, {"write"}));
    const auto bot = writer.createBot({"Zoë's bot"});
    BOOST_CHECK_EQUAL(bot.name, "Zoë's bot");
    BOOST_CHECK_EQUAL(writer.updateBot(bot.id, {"Renamed"}).name, "Renamed");
    bool found = false;
    for (const auto& known : reader.bots()) found = found || (known.id == bot.id && known.name == "Renamed");
    BOOST_CHECK(found);
    BOOST_CHECK_NO_THROW(Chatbot(over::chatbotOptions(sandbox, sandbox.chatbot().adminKey, {"admin"})).createBot({"Other"}));
}

BOOST_AUTO_TEST_CASE(ChatbotKeysFailAsTheGuideSays)
{
    auto clock = testing::VirtualClock::create();
    SandboxOptions sandboxOptions;
    sandboxOptions.clock = clock;
    Sandbox sandbox(sandboxOptions);
    const auto api = [&](const std::string& key, std::vector<std::string> granted) {
        ChatbotOptions options = over::chatbotOptions(sandbox, key, std::move(granted));
        options.transport = over::transport(clock);
        return Chatbot(options);
    };
    // Declared wider than it is: the server says so.
    thrownBy<PermissionDenied>(
        [&] {
            api(sandbox.chatbot().readKey, {"read", "write"}).createBot({"G"});
        },
        {"Insufficient Permissions"});
    // A plan without API access is not an invalid key.
    thrownBy<PermissionDenied>([&] { api(sandbox.createChatbotKey({"read"}, {}, false), {"read"}).bots(); },
                               {"Professional plan"});
    const std::string expiring = sandbox.createChatbotKey({"read"}, std::chrono::minutes(1));
    BOOST_CHECK_NO_THROW(api(expiring, {"read"}).bots());
    clock->advance(std::chrono::minutes(2));
    thrownBy<CredentialRejected>([&] { api(expiring, {"read"}).bots(); }, {"expired"});
    sandbox.revoke(sandbox.chatbot().readKey);
    thrownBy<CredentialRejected>([&] { api(sandbox.chatbot().readKey, {"read"}).bots(); }, {"Invalid API Key"});
    BOOST_CHECK_NO_THROW(api(sandbox.chatbot().adminKey, {"admin"}).bots());
}

BOOST_AUTO_TEST_SUITE_END()
