#include "tollgate/schemes/BearerAuth.h"

#include "support/Throws.h"
#include "tollgate/schemes/AnonymousAuth.h"
#include "tollgate/schemes/ScopedBearerAuth.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace tollgate;
using tollgate::tests::contains;
using tollgate::tests::thrown;

namespace {

CredentialPtr credentialOf(AuthStrategy& strategy, const Request& request = Request("GET", "/"))
{
    return std::get<CredentialPtr>(strategy.acquire({request, {}, {}}));
}

std::string headerOf(AuthStrategy& strategy)
{
    Exchange exchange;
    credentialOf(strategy)->apply(exchange);
    return std::string(exchange.headers.get("Authorization", "none"));
}

} // namespace

BOOST_AUTO_TEST_SUITE(BearerAuthTest)

BOOST_AUTO_TEST_CASE(rfc_6750_section_2_1)
{
    BOOST_TEST(headerOf(*bearer(Secret("mF_9.B5f-4.1JqM"))) == "Bearer mF_9.B5f-4.1JqM");
    BOOST_TEST(headerOf(*bearer(Secret("a~b+c/d=="))) == "Bearer a~b+c/d==");
}

BOOST_DATA_TEST_CASE(tokens_that_cannot_be_real_are_refused,
                     boost::unit_test::data::make({"{{token}}", "<bando_api_token>", " qzx9", "qzx9 ", "qz x9", "qzx9\n",
                                                   "t\xc3\xb6ken", "tok\"en", "a=b", "==", "Bearer abc", "'token'", "a,b"}),
                     bad)
{
    const auto error = thrown<InvalidCredential>([&] { credentialOf(*bearer(Secret(bad))); });
    BOOST_TEST(!error->hint().empty());
    BOOST_TEST((error->delivery() == Delivery::NotSent));
    BOOST_TEST(!contains(error->what(), bad));
}

BOOST_AUTO_TEST_CASE(an_empty_token_is_refused)
{
    const auto error = thrown<InvalidCredential>([] { credentialOf(*bearer(Secret(""))); });
    BOOST_TEST(contains(error->what(), "it is empty"));
}

BOOST_AUTO_TEST_CASE(a_prefix_that_every_key_has_is_demanded)
{
    const KeyShape bentoo{"btoo_", "Bentoo key"};
    BOOST_TEST(headerOf(*bearer(Secret("btoo_x1"), bentoo)) == "Bearer btoo_x1");
    const auto error = thrown<InvalidCredential>([&] { credentialOf(*bearer(Secret("sk_live_0123456789"), bentoo)); });
    BOOST_TEST(contains(error->what(), "the Bentoo key"));
    BOOST_TEST(contains(error->what(), "btoo_"));
    BOOST_TEST(!contains(error->what(), "0123456789"));
}

BOOST_AUTO_TEST_CASE(a_newer_key_is_used_at_once_and_cures_a_401)
{
    std::string key = "key-1";
    const auto auth = bearer(callbackSource("vault", [&key] { return Secret(key); }));
    const CredentialPtr old = credentialOf(*auth);
    BOOST_TEST(!auth->onChallenge({}, *old));
    key = "key-2";
    BOOST_TEST(auth->onChallenge({}, *old));
    BOOST_TEST(headerOf(*auth) == "Bearer key-2");
    BOOST_TEST(auth->identity().principal == "vault");
}

BOOST_AUTO_TEST_CASE(missing_scopes_are_named_and_nothing_is_sent)
{
    const auto auth = scopedBearer(Secret("token"), {{"read", "stats"}, "admin"});
    BOOST_TEST(credentialOf(*auth, Request("GET", "/").needs({"read"})) != nullptr);
    BOOST_TEST(credentialOf(*auth, Request("GET", "/")) != nullptr);
    const auto error = thrown<MissingScope>([&] { credentialOf(*auth, Request("POST", "/").needs({"read", "write", "team"})); });
    const std::vector<std::string> expected{"write", "team"};
    BOOST_TEST(error->missing() == expected, boost::test_tools::per_element());
    BOOST_TEST((error->delivery() == Delivery::NotSent));
    BOOST_TEST(contains(error->what(), "write, team"));
}

BOOST_AUTO_TEST_CASE(a_scope_may_include_all_others)
{
    const auto admin = scopedBearer(Secret("token"), {{"admin"}, "admin"});
    BOOST_TEST(credentialOf(*admin, Request("POST", "/").needs({"write", "team"})) != nullptr);
    const auto plain = scopedBearer(Secret("token"), {{"admin"}, {}});
    BOOST_CHECK_THROW(credentialOf(*plain, Request("POST", "/").needs({"write"})), MissingScope);
    const auto empty = scopedBearer(Secret("token"), {{}, {}});
    BOOST_CHECK_THROW(credentialOf(*empty, Request("POST", "/").needs({"write"})), MissingScope);
}

BOOST_AUTO_TEST_CASE(anonymous_applies_nothing)
{
    const auto nobody = anonymous("visitors");
    BOOST_TEST(headerOf(*nobody) == "none");
    BOOST_TEST(nobody->identity().principal == "visitors");
    BOOST_TEST(nobody->carriers().headers.empty());
    BOOST_TEST(credentialOf(*nobody)->fingerprint().empty());
}

BOOST_AUTO_TEST_SUITE_END()
