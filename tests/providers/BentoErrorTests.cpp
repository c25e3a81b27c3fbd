// One test for each row of the error tables that Bento publishes.

#include "Scripted.h"

using namespace tollgate;
using namespace scripted;

namespace {

const std::string page = "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>";
const std::string supportAddress = "support@bentonow.com";

template <class Leaf>
std::shared_ptr<const Error> tagsWith(int status, const std::string& body, std::initializer_list<std::string> parts,
                                      const std::string& type = "application/json")
{
    auto transport = always(status, body, type);
    return thrownBy<Leaf>([&] { bentoOver(transport).tags(); }, parts);
}

} // namespace

BOOST_AUTO_TEST_SUITE(BentoErrorTests)

BOOST_AUTO_TEST_CASE(Status400QuotesTheServer)
{
    const auto error = tagsWith<BadRequest>(400, R"({"error":"events is missing"})", {"events is missing", "400"});
    BOOST_CHECK(contains(error->hint(), "examples"));
}

BOOST_AUTO_TEST_CASE(Status401NamesTheKeysAndTheSite)
{
    const auto error =
        tagsWith<CredentialRejected>(401, "HTTP Basic: Access denied.\n", {"HTTP Basic: Access denied."}, "text/plain");
    for (const char* part : {"publishable key", "secret key", "site_uuid", "Settings"})
        BOOST_CHECK(contains(error->hint(), part));
    tagsWith<CredentialRejected>(401, R"({"error":"Unauthorized"})", {"Unauthorized"});
}

BOOST_AUTO_TEST_CASE(Status403NamesTheAddressAndSupport)
{
    const auto error =
        tagsWith<PermissionDenied>(403, R"({"error":"Forbidden"})", {"IP address is blocked", "issue with the account"});
    BOOST_CHECK_EQUAL(error->support(), supportAddress);
}

BOOST_AUTO_TEST_CASE(AnHtmlPageIsBlockedOnAnyStatus)
{
    for (const int status : {200, 201, 401, 403, 404}) {
        const auto error = tagsWith<Blocked>(status, page, {"HTML page", std::to_string(status)}, "text/html; charset=utf-8");
        BOOST_CHECK(contains(error->hint(), "User-Agent"));
        BOOST_CHECK_EQUAL(error->support(), supportAddress);
        BOOST_CHECK_EQUAL(error->status(), status);
    }
    tagsWith<Blocked>(200, page, {"HTML page"}, "application/json"); // the first bytes tell, whatever the type says
    tagsWith<Blocked>(403, "", {"HTML page"}, "text/html");          // an error without a body: the type is all there is
}

BOOST_AUTO_TEST_CASE(AnEmptySuccessIsNoPageWhateverItsType)
{
    for (const char* body : {"", " "}) {
        BOOST_CHECK_NO_THROW(bentoOver(always(200, body, "text/html; charset=utf-8")).deleteTag("1", "lead"));
        tagsWith<UnexpectedContent>(200, body, {"The answer is empty"}, "text/html"); // tags() has to have JSON
    }
}

BOOST_AUTO_TEST_CASE(AGatewaysPageKeepsItsStatus)
{
    tagsWith<ServerError>(502, page, {"502"}, "text/html");
    tagsWith<RateLimited>(429, page, {"429"}, "text/html");
}

BOOST_AUTO_TEST_CASE(TheWordBlockedIsBlocked)
{
    for (const int status : {200, 403}) {
        const auto error = tagsWith<Blocked>(status, "BLOCKED", {"BLOCKED"}, "text/plain");
        BOOST_CHECK(contains(error->hint(), "User-Agent"));
        BOOST_CHECK(contains(error->hint(), "legitimate"));
    }
    tagsWith<PermissionDenied>(403, R"({"error":"The author is BLOCKED"})", {"The author is BLOCKED"});
}

BOOST_AUTO_TEST_CASE(Status422QuotesTheServer)
{
    tagsWith<BadRequest>(422, R"({"errors":[{"field":"email","message":"is invalid"}]})", {"email: is invalid"});
    tagsWith<BadRequest>(422, R"({"error":"tag.name is missing"})", {"tag.name is missing"});
}

BOOST_AUTO_TEST_CASE(Status429SaysSlowDown)
{
    const auto error = tagsWith<RateLimited>(429, R"({"error":"Too many"})", {"Too many", "Slow down", "100 requests a minute"});
    BOOST_CHECK_EQUAL(error->support(), supportAddress);
}

BOOST_AUTO_TEST_CASE(Status500MayBeAMalformedRequest)
{
    const auto error = tagsWith<ServerError>(500, R"({"error":"boom"})", {"boom", "500"});
    BOOST_CHECK(contains(error->hint(), "malformed request"));
    BOOST_CHECK(contains(error->hint(), "uptime status"));
    BOOST_CHECK_EQUAL(error->support(), supportAddress);
}

BOOST_AUTO_TEST_CASE(Status404IsNotFound) { tagsWith<NotFound>(404, R"({"error":"visitor_not_found"})", {"visitor_not_found"}); }

BOOST_AUTO_TEST_CASE(OnlyTheFirst200CharactersAreQuoted)
{
    const auto error =
        tagsWith<BadRequest>(400, R"({"error":")" + std::string(500, 'e') + "\"}", {std::string(200, 'e') + "..."});
    BOOST_CHECK(!contains(error->what(), std::string(201, 'e')));
}

BOOST_AUTO_TEST_CASE(AnEchoedSecretDoesNotReachTheText)
{
    // thrownBy() looks for every secret in every form.
    for (const int status : {400, 401, 403, 422, 429, 500}) {
        const std::string echo = "key " + secretKey + " at site " + siteUuid;
        auto transport = always(status, R"({"error":")" + echo + "\"}");
        try {
            bentoOver(transport).tags();
            BOOST_ERROR("nothing was thrown");
        } catch (const Error& error) {
            checkHoldsNoSecret(error.displayText());
            BOOST_CHECK(contains(error.what(), "***"));
        }
    }
    // Half a secret, where the quotation is cut, is one too.
    const std::string cut = std::string(190, 'x') + secretKey;
    const auto error = tagsWith<BadRequest>(400, R"({"error":")" + cut + "\"}", {"x***"});
    BOOST_CHECK(!contains(error->what(), secretKey.substr(0, 8)));
    const auto notJson = tagsWith<UnexpectedContent>(200, "{ " + cut, {"x***"});
    BOOST_CHECK(!contains(notJson->what(), secretKey.substr(0, 8)));
}

BOOST_AUTO_TEST_CASE(AnEchoedPublishableKeyDoesNotReachTheTextEither)
{
    tagsWith<BadRequest>(400, R"({"error":"key )" + publishableKey + "\"}", {"key ***"});
}

BOOST_AUTO_TEST_SUITE_END()
