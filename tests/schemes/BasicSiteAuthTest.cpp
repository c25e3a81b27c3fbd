#include "tollgate/schemes/BasicSiteAuth.h"

#include "support/Throws.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace tollgate;
using tollgate::tests::contains;
using tollgate::tests::thrown;

namespace {

CredentialPtr credentialOf(AuthStrategy& strategy)
{
    const Request request("GET", "/");
    return std::get<CredentialPtr>(strategy.acquire({request, {}, {}}));
}

Exchange applied(AuthStrategy& strategy, const char* url = "https://h/fetch/tags")
{
    Exchange exchange;
    exchange.url = Url(url);
    credentialOf(strategy)->apply(exchange);
    return exchange;
}

} // namespace

BOOST_AUTO_TEST_SUITE(BasicSiteAuthTest)

BOOST_AUTO_TEST_CASE(rfc_7617_vectors)
{
    // Section 2, and section 2.1 with UTF-8.
    BOOST_TEST(applied(*basic("Aladdin", Secret("open sesame"))).headers.get("Authorization", "") ==
               "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    BOOST_TEST(applied(*basic("test", Secret("123\xc2\xa3"))).headers.get("Authorization", "") == "Basic dGVzdDoxMjPCow==");
}

BOOST_AUTO_TEST_CASE(the_example_of_bento_s_documentation)
{
    const auto auth = basicWithSite(Secret("your_publishable_key"), Secret("your_secret_key"), Secret("YOUR_SITE_UUID"));
    const Exchange exchange = applied(*auth);
    BOOST_TEST(exchange.headers.get("Authorization", "") == "Basic eW91cl9wdWJsaXNoYWJsZV9rZXk6eW91cl9zZWNyZXRfa2V5");
    BOOST_TEST(exchange.url.text() == "https://h/fetch/tags?site_uuid=YOUR_SITE_UUID");
}

BOOST_AUTO_TEST_CASE(base64_never_wraps)
{
    // RFC 4648 section 10, and a key longer than MIME's and PEM's lines.
    BOOST_TEST(base64("") == "");
    BOOST_TEST(base64("f") == "Zg==");
    BOOST_TEST(base64("fo") == "Zm8=");
    BOOST_TEST(base64("foobar") == "Zm9vYmFy");
    const std::string encoded = base64(std::string(500, 'k'));
    BOOST_TEST(encoded.size() == 668U);
    BOOST_TEST(encoded.find_first_of("\r\n ") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_site_is_added_to_an_existing_query_and_not_twice)
{
    const auto auth = basicWithSite(Secret("pk_1"), Secret("sk_1"), Secret("site-1"));
    BOOST_TEST(applied(*auth, "https://h/x?page=2").url.target() == "/x?page=2&site_uuid=site-1");
    BOOST_TEST(applied(*auth, "https://h/x?site_uuid=site-2").url.target() == "/x?site_uuid=site-2");
}

BOOST_AUTO_TEST_CASE(a_user_with_a_colon_or_control_character_is_refused)
{
    const auto colon = thrown<InvalidCredential>([] { credentialOf(*basic("us:er", Secret("pass"))); });
    BOOST_TEST(contains(colon->hint(), "RFC 7617"));
    thrown<InvalidCredential>([] { credentialOf(*basic("us\ner", Secret("pass"))); });
    thrown<InvalidCredential>([] { credentialOf(*basic("us\x7f", Secret("pass"))); });
    thrown<InvalidCredential>([] { credentialOf(*basic("user", Secret("pa\rss"))); });
    BOOST_TEST(credentialOf(*basic("user name", Secret("a pass phrase: with spaces"))) != nullptr);
}

BOOST_DATA_TEST_CASE(keys_that_cannot_be_real_are_refused,
                     boost::unit_test::data::make({" sk_1", "sk_1\n", "sk 1", "{{secret}}", "<secret>", "\"sk_1\""}), bad)
{
    const auto error =
        thrown<InvalidCredential>([&] { credentialOf(*basicWithSite(Secret("pk_1"), Secret(bad), Secret("site"))); });
    BOOST_TEST(contains(error->what(), "the secret key"));
    BOOST_TEST(!contains(error->what(), bad));
    BOOST_TEST((error->delivery() == Delivery::NotSent));
    thrown<InvalidCredential>([&] { credentialOf(*basicWithSite(Secret(bad), Secret("sk_1"), Secret("site"))); });
    thrown<InvalidCredential>([&] { credentialOf(*basicWithSite(Secret("pk_1"), Secret("sk_1"), Secret(bad))); });
}

BOOST_AUTO_TEST_CASE(a_key_in_the_place_of_the_site_is_noticed)
{
    const auto error =
        thrown<InvalidCredential>([] { credentialOf(*basicWithSite(Secret("pk_1"), Secret("sk_1"), Secret("sk_1"))); });
    BOOST_TEST(contains(error->what(), "same text"));
}

BOOST_AUTO_TEST_CASE(carriers_and_secrets_name_all_that_must_be_hidden)
{
    const auto auth = basicWithSite(Secret("pk_publishable"), Secret("sk_secret"), Secret("site-uuid-1"));
    BOOST_TEST(auth->carriers().headers.at(0) == "Authorization");
    BOOST_TEST(auth->carriers().queryParameters.at(0) == "site_uuid");
    std::vector<std::string> hidden;
    for (const Secret& secret : credentialOf(*auth)->secrets()) hidden.emplace_back(secret.expose());
    const std::vector<std::string> expected{"sk_secret", base64("pk_publishable:sk_secret"), "pk_publishable", "site-uuid-1"};
    BOOST_TEST(hidden == expected, boost::test_tools::per_element());
    BOOST_TEST(basic("user", Secret("password"))->carriers().queryParameters.empty());
}

BOOST_AUTO_TEST_CASE(sites_of_one_key_are_partitions_of_one_account)
{
    const auto publishable = fixedSource(Secret("pk_1"));
    const auto secret = fixedSource(Secret("sk_1"));
    const auto a = basicWithSite(publishable, secret, fixedSource(Secret("site-a")));
    const auto b = basicWithSite(publishable, secret, fixedSource(Secret("site-b")));
    BOOST_TEST(a->identity().principal == b->identity().principal);
    BOOST_TEST((a->identity().partition != b->identity().partition));
    BOOST_TEST(credentialOf(*a)->fingerprint() == credentialOf(*b)->fingerprint());
}

BOOST_AUTO_TEST_CASE(rotation_makes_a_new_version_and_keeps_the_account)
{
    std::string key = "sk_old";
    const auto auth = basicWithSite(fixedSource(Secret("pk_1")), callbackSource("vault", [&key] { return Secret(key); }),
                                    fixedSource(Secret("site")));
    const CredentialPtr old = credentialOf(*auth);
    BOOST_TEST(credentialOf(*auth) == old);
    BOOST_TEST(!auth->onChallenge({}, *old));
    const std::string principal = auth->identity().principal;
    key = "sk_new";
    BOOST_TEST(auth->onChallenge({}, *old));
    BOOST_TEST(credentialOf(*auth)->fingerprint() != old->fingerprint());
    BOOST_TEST(auth->identity().principal == principal);
}

BOOST_AUTO_TEST_SUITE_END()
