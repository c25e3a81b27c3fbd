#include "Scripted.h"

using namespace tollgate;
using namespace scripted;

namespace {

template <class Leaf>
std::shared_ptr<const Error> botsWith(int status, const std::string& body, std::initializer_list<std::string> parts,
                                      const std::string& type = "application/json")
{
    auto transport = always(status, body, type);
    return thrownBy<Leaf>([&] { chatbotOver(transport).bots(); }, parts);
}

} // namespace

BOOST_AUTO_TEST_SUITE(ChatbotTests)

BOOST_AUTO_TEST_CASE(ListsOfEveryShapeAreRead)
{
    const std::string list = R"([{"id":5,"name":"Greeter","language":"en"},{"id":"b-2","name":"Helper"}])";
    for (const std::string& body :
         {list, R"({"data":)" + list + "}", R"({"bots":)" + list + ",\"total\":2}", R"({"data":{"bots":)" + list + "}}"})
    {
        const auto bots = chatbotOver(always(200, body)).bots();
        BOOST_REQUIRE_EQUAL(bots.size(), 2U);
        BOOST_CHECK_EQUAL(bots[0].id, "5");
        BOOST_CHECK_EQUAL(bots[0].name, "Greeter");
        BOOST_CHECK(contains(bots[0].json, R"("language":"en")"));
        BOOST_CHECK_EQUAL(bots[1].id, "b-2");
    }
    BOOST_CHECK(chatbotOver(always(200, "[]")).bots().empty());
    thrownBy<UnexpectedContent>([] { chatbotOver(always(200, "{}")).bots(); }, {"no list"});
}

BOOST_AUTO_TEST_CASE(ABotIsCreatedAndChanged)
{
    for (const char* body :
         {R"({"id":"b/1","name":"G"})", R"({"data":{"id":"b/1","name":"G"}})", R"({"bot":{"id":"b/1","name":"G"}})"})
    {
        auto transport = always(201, body);
        const Chatbot api = chatbotOver(transport);
        BOOST_CHECK_EQUAL(api.createBot({"G", {{"language", "en"}, {"active", true}}}).id, "b/1");
        BOOST_CHECK_EQUAL(api.updateBot("b/1", {"", {{"active", false}}}).name, "G");
        BOOST_CHECK_EQUAL(transport->sent()[0].method, "POST");
        BOOST_CHECK_EQUAL(transport->sent()[0].url, "https://bots.example.com/v1/bots");
        BOOST_CHECK_EQUAL(transport->sent()[0].body, R"({"name":"G","language":"en","active":true})");
        BOOST_CHECK_EQUAL(transport->sent()[1].method, "PATCH");
        BOOST_CHECK_EQUAL(transport->sent()[1].url, "https://bots.example.com/v1/bots/b%2F1");
        BOOST_CHECK_EQUAL(transport->sent()[1].body, R"({"active":false})");
        thrownBy<InvalidRequest>([&] { api.updateBot("", {"G"}); });
    }
}

BOOST_AUTO_TEST_CASE(AMissingScopeIsRefusedHere)
{
    auto transport = always(200, "[]");
    const Chatbot reader = chatbotOver(transport, {"read"});
    BOOST_CHECK(reader.bots().empty());
    const auto error = thrownBy<MissingScope>([&] { reader.createBot({"G"}); }, {"write"});
    BOOST_CHECK((dynamic_cast<const MissingScope&>(*error).missing() == std::vector<std::string>{"write"}));
    thrownBy<MissingScope>([&] { reader.updateBot("1", {"G"}); });
    const Chatbot writer = chatbotOver(transport, {"write"}); // write does not include read
    thrownBy<MissingScope>([&] { writer.bots(); }, {"read"});
    BOOST_CHECK_EQUAL(transport->sent().size(), 1U);
    BOOST_CHECK(chatbotOver(transport, {"admin"}).bots().empty()); // admin includes everything
}

BOOST_AUTO_TEST_CASE(ChangesAreNotRepeated)
{
    auto transport = always(500, "{}");
    const Chatbot api = chatbotOver(transport);
    thrownBy<ServerError>([&] { api.createBot({"G"}); });
    thrownBy<ServerError>([&] { api.updateBot("1", {"G"}); });
    BOOST_CHECK_EQUAL(transport->sent().size(), 2U);
}

BOOST_AUTO_TEST_CASE(InvalidApiKey)
{
    const auto error = botsWith<CredentialRejected>(401, R"({"error":"Invalid API Key"})", {"Invalid API Key"});
    for (const char* part : {"entire key", "without spaces", "expired", "revoked"}) BOOST_CHECK(contains(error->hint(), part));
    BOOST_CHECK(!error->support().empty());
}

BOOST_AUTO_TEST_CASE(InsufficientPermissions)
{
    const auto error = botsWith<PermissionDenied>(
        403, R"({"error":{"code":"INSUFFICIENT_SCOPE","message":"Insufficient Permissions"}})", {"Insufficient Permissions"});
    BOOST_CHECK(contains(error->hint(), "scope"));
    BOOST_CHECK(contains(error->hint(), "Professional plan"));
    BOOST_CHECK(!error->support().empty());
}

BOOST_AUTO_TEST_CASE(TooManyCalls)
{
    const auto error = botsWith<RateLimited>(429, R"({"message":"slow"})", {"slow", "1000 calls an hour"});
    BOOST_CHECK(!error->support().empty());
}

BOOST_AUTO_TEST_CASE(OtherFailuresKeepTheirTypes)
{
    botsWith<BadRequest>(422, R"({"message":"name is taken"})", {"name is taken"});
    botsWith<NotFound>(404, "", {"404"});
    botsWith<ServerError>(500, "", {"500"});
    botsWith<Blocked>(200, "<html>", {"HTML page"}, "text/html");
    botsWith<UnexpectedContent>(200, "plain", {"plain"}, "text/plain");
}

BOOST_AUTO_TEST_CASE(AKeyWithSpacesIsNotSent)
{
    auto transport = script();
    ChatbotOptions options;
    options.baseUrl = "https://bots.example.com";
    options.transport = transport;
    for (const char* key : {" cb-1234567890", "cb-12345 67890", "YOUR KEY"}) {
        options.apiKey = fixed(key);
        thrownBy<InvalidCredential>([&] { Chatbot(options).bots(); });
    }
    BOOST_CHECK(transport->sent().empty());
}

BOOST_AUTO_TEST_SUITE_END()
