#include "tollgate/Url.h"

#include "support/Throws.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace tollgate;
using tollgate::tests::contains;
using tollgate::tests::thrown;

BOOST_AUTO_TEST_SUITE(UrlTest)

BOOST_AUTO_TEST_CASE(splits_what_it_was_given)
{
    const Url url("HTTPS://App.Example.com:8443/api/v1/fetch?a=1&b=%20#part");
    BOOST_TEST(url.origin().scheme == "https");
    BOOST_TEST(url.origin().host == "app.example.com");
    BOOST_TEST(url.origin().port == 8443);
    BOOST_TEST(url.target() == "/api/v1/fetch?a=1&b=%20");
    BOOST_TEST(url.path() == "/api/v1/fetch");
    BOOST_TEST(url.query() == "a=1&b=%20");
    BOOST_TEST(url.text() == "https://app.example.com:8443/api/v1/fetch?a=1&b=%20");
}

BOOST_AUTO_TEST_CASE(fills_in_the_default_port_and_path)
{
    BOOST_TEST(Url("http://h").origin().port == 80);
    BOOST_TEST(Url("https://h").origin().port == 443);
    BOOST_TEST(Url("https://h?x=1").target() == "/?x=1");
    BOOST_TEST(Url("https://h:443/").origin().text() == "https://h");
    BOOST_TEST(Url("http://h:443/").origin().authority() == "h:443");
    BOOST_TEST(Url("http://[::1]:8080/x").origin().authority() == "[::1]:8080");
    for (const char* host : {"::1", "0:0:0:0:0:0:0:1", "::0001", "0::0:1"})
        BOOST_TEST(Url("http://[" + std::string(host) + "]:8080/x").origin().host == "::1");
}

BOOST_DATA_TEST_CASE(refuses_what_is_no_http_url,
                     boost::unit_test::data::make({"",
                                                   "host/path",
                                                   "https://.example.com/",
                                                   "https://.",
                                                   "https://a..example.com/",
                                                   "https://example.com../",
                                                   "ftp://h/",
                                                   "https://",
                                                   "https:///path",
                                                   "https://h:0/",
                                                   "https://h:99999/",
                                                   "https://h:80x/",
                                                   "https://h h/",
                                                   "https://h/a b",
                                                   "https://h/a\r\nX: y",
                                                   "https://h/\t",
                                                   "https://h/\xc3\xa9",
                                                   "https://h/%zz",
                                                   "https://h/%2",
                                                   "https://[::1",
                                                   "https://[abc]/",
                                                   "https://[127.0.0.1]/",
                                                   "https://[::1::]/",
                                                   "https://[]/",
                                                   "https://h\xc3\xa9/",
                                                   "https://h/<id>",
                                                   "https://h/\"",
                                                   "https://h\\@evil/",
                                                   "javascript://x"}),
                     text)
{
    const auto error = thrown<InvalidUrl>([&] { Url{std::string(text)}; });
    BOOST_TEST(!error->hint().empty());
    BOOST_TEST((error->delivery() == Delivery::NotSent));
}

BOOST_DATA_TEST_CASE(refuses_userinfo_and_never_repeats_it,
                     boost::unit_test::data::make({"https://PK:s3cretvalue@app.example.com/api", "https://s3cretvalue@h/",
                                                   "https://a@s3cretvalue@h/", "https://s3cretvalue:@h",
                                                   "http://user:s3cretvalue@[::1]/"}),
                     text)
{
    const auto error = thrown<InvalidUrl>([&] { Url{std::string(text)}; });
    BOOST_TEST(!contains(error->what(), "s3cretvalue"));
    BOOST_TEST(!contains(error->displayText(), "s3cretvalue"));
    BOOST_TEST(contains(error->hint(), "tollgate::basic"));
}

BOOST_AUTO_TEST_CASE(an_at_sign_in_the_path_is_no_userinfo)
{
    BOOST_TEST(Url("https://h/users/a@b?c=d@e").target() == "/users/a@b?c=d@e");
}

BOOST_AUTO_TEST_CASE(below_joins_base_and_target)
{
    const Url base("https://h/api/v1/");
    BOOST_TEST(base.below("/fetch/tags").text() == "https://h/api/v1/fetch/tags");
    BOOST_TEST(base.below("fetch/tags?x=1").text() == "https://h/api/v1/fetch/tags?x=1");
    BOOST_TEST(Url("https://h/api/v1").below("/bots").text() == "https://h/api/v1/bots");
    BOOST_TEST(Url("https://h").below("").text() == "https://h/");
    BOOST_TEST(Url("https://h/a").below("?x=1").text() == "https://h/a?x=1");
    BOOST_TEST(base.below("https://other/x").text() == "https://other/x");
    BOOST_TEST(base.below("/a?next=https://other/x").text() == "https://h/api/v1/a?next=https://other/x");
    thrown<InvalidUrl>([&] { base.below("/a\r\nHost: evil"); });
    thrown<InvalidUrl>([&] { base.below("https://u:p@other/x"); });
}

BOOST_AUTO_TEST_CASE(queries_are_percent_encoded)
{
    Url url("https://h/x");
    url.addQuery("email", "a+b@c.de");
    url.addQuery("q", "ü &=\r\n");
    BOOST_TEST(url.target() == "/x?email=a%2Bb%40c.de&q=%C3%BC%20%26%3D%0D%0A");
    BOOST_TEST(url.hasQuery("email"));
    BOOST_TEST(url.hasQuery("q"));
    BOOST_TEST(!url.hasQuery("mail"));
}

BOOST_AUTO_TEST_SUITE_END()
