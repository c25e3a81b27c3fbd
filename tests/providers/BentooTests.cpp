#include "Scripted.h"

#include <tollgate/Json.h>

using namespace tollgate;
using namespace scripted;
using bentoo::ChatRequest;

namespace {

const ChatRequest hello{"claude-sonnet-4-6", {{"user", "Say hello."}}};

std::string errorBody(const std::string& message, const std::string& code)
{
    return R"({"error":{"message":")" + message + R"(","type":"invalid_request_error","param":null,"code":")" + code + "\"}}";
}

template <class Leaf>
std::shared_ptr<const Error> chatWith(int status, const std::string& body, std::initializer_list<std::string> parts,
                                      const std::string& type = "application/json")
{
    auto transport = always(status, body, type);
    return thrownBy<Leaf>([&] { bentooOver(transport).chat(hello); }, parts);
}

} // namespace

BOOST_AUTO_TEST_SUITE(BentooTests)

BOOST_AUTO_TEST_CASE(ModelsAreRead)
{
    for (const char* body :
         {R"({"object":"list","data":[{"id":"m-1","object":"model","created":1767225600,"owned_by":"x"},{"id":"m-2"}]})",
          R"([{"id":"m-1","created":1767225600,"owned_by":"x"},{"id":"m-2"}])",
          R"({"models":[{"id":"m-1","created":"1767225600","owned_by":"x"},{"id":"m-2"}]})"})
    {
        const auto models = bentooOver(always(200, body)).models();
        BOOST_REQUIRE_EQUAL(models.size(), 2U);
        BOOST_CHECK_EQUAL(models[0].id, "m-1");
        BOOST_CHECK_EQUAL(models[0].ownedBy, "x");
        BOOST_CHECK_EQUAL(models[0].created, 1767225600);
        BOOST_CHECK_EQUAL(models[1].created, 0);
    }
}

BOOST_AUTO_TEST_CASE(ACompletionIsAskedForAndRead)
{
    auto transport = always(200, R"({"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"claude-sonnet-4-6",
        "choices":[{"index":0,"message":{"role":"assistant","content":"Hello, Zoë!"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}})");
    ChatRequest request{"claude-sonnet-4-6", {{"system", "Be \"brief\"."}, {"user", "Hi\n"}}};
    request.temperature = 0.2;
    request.maxTokens = 60;
    const auto reply = bentooOver(transport).chat(request);
    BOOST_CHECK_EQUAL(reply.id, "chatcmpl-1");
    BOOST_CHECK_EQUAL(reply.model, "claude-sonnet-4-6");
    BOOST_CHECK_EQUAL(reply.content, "Hello, Zoë!");
    BOOST_CHECK_EQUAL(reply.finishReason, "stop");
    BOOST_CHECK_EQUAL(reply.usage.promptTokens, 3);
    BOOST_CHECK_EQUAL(reply.usage.completionTokens, 4);
    BOOST_CHECK_EQUAL(reply.usage.totalTokens, 7);
    const auto sent = transport->sent().at(0);
    BOOST_CHECK_EQUAL(sent.method, "POST");
    BOOST_CHECK_EQUAL(sent.url, "https://api.bentoo.ai/v1/chat/completions");
    BOOST_CHECK_EQUAL(sent.body, R"({"model":"claude-sonnet-4-6","messages":[{"role":"system","content":"Be \"brief\"."},)"
                                 R"({"role":"user","content":"Hi\n"}],"temperature":0.2,"max_tokens":60})");
}

BOOST_AUTO_TEST_CASE(AThinAnswerIsEnough)
{
    const auto reply = bentooOver(always(200, R"({"choices":[{"message":{"content":null}}]})")).chat(hello);
    BOOST_CHECK_EQUAL(reply.content, "");
    BOOST_CHECK_EQUAL(reply.usage.totalTokens, 0);
    thrownBy<UnexpectedContent>([] { bentooOver(always(200, R"({"choices":[]})")).chat(hello); }, {"no choice"});
    thrownBy<UnexpectedContent>([] { bentooOver(always(200, "nope")).chat(hello); }, {"not JSON"});
}

BOOST_AUTO_TEST_CASE(RequestsThatCannotWorkAreNotSent)
{
    auto transport = script();
    thrownBy<InvalidRequest>([&] { bentooOver(transport).chat({"", {{"user", "x"}}}); }, {"model"});
    thrownBy<InvalidRequest>([&] { bentooOver(transport).chat({"m", {}}); }, {"messages"});
    thrownBy<InvalidRequest>([&] { bentooOver(transport).chat({"m", {{"user", "\xff"}}}); }, {"UTF-8"});
    BOOST_CHECK(transport->sent().empty());
}

BOOST_AUTO_TEST_CASE(ACompletionIsNotRepeated)
{
    auto transport = script();
    transport->fail(connectionLost(Delivery::MaybeProcessed));
    const auto error = thrownBy<ConnectionLost>([&] { bentooOver(transport).chat(hello); }, {"lost"});
    BOOST_CHECK(error->delivery() == Delivery::MaybeProcessed);
    BOOST_CHECK_EQUAL(transport->sent().size(), 1U);

    auto failing = always(500, "{}");
    thrownBy<ServerError>([&] { bentooOver(failing).chat(hello); });
    BOOST_CHECK_EQUAL(failing->sent().size(), 1U);
}

BOOST_AUTO_TEST_CASE(AKeyThatIsNoBentooKeyIsNotSent)
{
    auto transport = script();
    BentooOptions options;
    options.userAgent = "Test/1.0";
    options.transport = transport;
    for (const char* key : {"sk_live_0123456789abcdef", " btoo_x1234567", "{{token}}", "<bentoo_key>"}) {
        options.apiKey = fixed(key);
        thrownBy<InvalidCredential>([&] { Bentoo(options).models(); });
    }
    BOOST_CHECK(transport->sent().empty());
}

BOOST_AUTO_TEST_CASE(Status401NamesTheDashboardAndTheProbe)
{
    const auto error =
        chatWith<CredentialRejected>(401, errorBody("Incorrect API key provided", "invalid_api_key"), {"Incorrect API key"});
    for (const char* part : {"Settings, API Keys", "revoked", "GET /v1/models"}) BOOST_CHECK(contains(error->hint(), part));
}

BOOST_AUTO_TEST_CASE(OutOfCreditIsNoMatterOfWaiting)
{
    chatWith<PermissionDenied>(402, errorBody("Payment required", "billing"), {"out of credit", "402"});
    chatWith<PermissionDenied>(429, errorBody("You exceeded your current quota", "insufficient_quota"), {"out of credit", "429"});

    // No waiting mends it: it is not repeated, and the limit is not shut because of it.
    auto transport = script();
    transport->otherwise([](Exchange&) {
        ResponseHead head;
        head.status = 429;
        head.headers.add("Retry-After", "1");
        return Response(head, errorBody("You exceeded your current quota", "insufficient_quota"));
    });
    const auto error = thrownBy<PermissionDenied>([&] { bentooOver(transport).chat(hello); }, {"Add credit"});
    BOOST_CHECK_EQUAL(transport->sent().size(), error->attempts().size());
    BOOST_CHECK_EQUAL(transport->sent().size(), 1U);
    BOOST_CHECK(!contains(error->hint(), "repeat"));
}

BOOST_AUTO_TEST_CASE(Status403NamesTheAllowlist)
{
    const auto error =
        chatWith<PermissionDenied>(403, errorBody("IP not authorized", "ip_not_allowed"), {"IP not authorized", "IP addresses"});
    BOOST_CHECK_EQUAL(error->support(), "support@bentoo.ai");
}

BOOST_AUTO_TEST_CASE(Status404NamesTheModels)
{
    const auto error =
        chatWith<NotFound>(404, errorBody("The model does not exist", "model_not_found"), {"The model does not exist"});
    BOOST_CHECK(contains(error->hint(), "models()"));
}

BOOST_AUTO_TEST_CASE(Status400PointsAtTheBody)
{
    const auto error = chatWith<BadRequest>(400, errorBody("messages is missing", "invalid"), {"messages is missing"});
    BOOST_CHECK(contains(error->hint(), "GET /v1/models"));
}

BOOST_AUTO_TEST_CASE(Status429NamesThePlan)
{
    const auto error = chatWith<RateLimited>(429, errorBody("Slow down", "rate_limit_exceeded"), {"Slow down"});
    BOOST_CHECK(contains(error->hint(), "plan"));
}

BOOST_AUTO_TEST_CASE(OtherFailuresKeepTheirTypes)
{
    chatWith<ServerError>(503, "", {"503"});
    chatWith<Blocked>(200, "<html>", {"HTML page"}, "text/html");
    chatWith<Blocked>(403, "BLOCKED", {"BLOCKED"}, "text/plain");
    chatWith<BadRequest>(400, R"({"error":{"message":"odd","code":400}})", {"odd"});
}

BOOST_AUTO_TEST_CASE(WhateverStartsLikeAKeyIsScrubbed)
{
    const auto error = chatWith<CredentialRejected>(
        401, errorBody("Incorrect API key provided: btoo_sk_live_other****cret9, not btoo_", "invalid_api_key"),
        {"btoo_***, not btoo_***"});
    BOOST_CHECK(!contains(error->what(), "cret9"));
    chatWith<CredentialRejected>(401, errorBody("Incorrect API key provided: " + bentooKey, "invalid_api_key"), {"***"});
}

BOOST_AUTO_TEST_SUITE_END()
