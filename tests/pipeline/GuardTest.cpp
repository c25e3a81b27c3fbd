#include "pipeline/Fixture.h"

#include "pipeline/Guard.h"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace tollgate;
using namespace tollgate::tests;

namespace bdata = boost::unit_test::data;

/// Whatever is refused here must never reach the transport.
struct GuardFixture : Fixture
{
    ~GuardFixture() { BOOST_TEST(transport->sent().empty()); }
};

BOOST_AUTO_TEST_SUITE(GuardTest)

BOOST_DATA_TEST_CASE_F(GuardFixture, header_fields_that_cannot_be_sent,
                       bdata::make({"X:Y", "X Y", "", "X\r\n", "H\xc3\xa4", "Host", "content-length", "Transfer-Encoding",
                                    "connection"}),
                       name)
{
    const auto error = thrown<InvalidRequest>([&] { to().build().get("/").header(name, "v").send(); });
    BOOST_TEST(!error->hint().empty());
    BOOST_TEST((error->delivery() == Delivery::NotSent));
    thrown<InvalidRequest>([&] { to().header(name, "v").build(); });
}

BOOST_DATA_TEST_CASE_F(GuardFixture, values_that_would_smuggle_something_in,
                       bdata::make({"a\r\nX: y", "a\nb", "a\rb", "a\x01", "\x7f"}), value)
{
    const auto error = thrown<InvalidRequest>([&] { to().build().get("/").header("X-Name", value).send(); });
    BOOST_TEST(contains(error->what(), "X-Name"));
    thrown<InvalidRequest>([&] { to().userAgent(value).build(); });
}

BOOST_DATA_TEST_CASE_F(GuardFixture, targets_that_cannot_be_sent,
                       bdata::make({"/a\r\nHost: evil", "/a b", "/%zz", "https://user:pass@api.example.com/x", "/a?b=\n"}),
                       target)
{
    thrown<InvalidUrl>([&] { to().build().get(target).send(); });
}

BOOST_DATA_TEST_CASE_F(GuardFixture, methods_that_are_none, bdata::make({"", "GE T", "GET\r\n", "G(T"}), method)
{
    thrown<InvalidRequest>([&] { to().build().request(method, "/").send(); });
}

BOOST_AUTO_TEST_CASE(a_bad_base_url_fails_at_build)
{
    const Fixture fixture;
    thrown<InvalidUrl>([&] { fixture.to("api.example.com").build(); });
    const auto error = thrown<InvalidUrl>([&] { fixture.to("https://PK:SK-secret@app.bentonow.com/api/v1").build(); });
    BOOST_TEST(!contains(error->what(), "SK-secret"));
}

BOOST_DATA_TEST_CASE_F(GuardFixture, credentials_do_not_travel_over_plain_http,
                       bdata::make({"http://api.example.com", "http://10.0.0.1", "http://localhost.example.com",
                                    "http://127.0.0.1.example.com"}),
                       url)
{
    const auto error = thrown<InsecureTransport>([&] { to(url).auth(bearer(Secret("token"))).build().get("/").send(); });
    BOOST_TEST(contains(error->hint(), "https"));
    BOOST_TEST((error->delivery() == Delivery::NotSent));
    thrown<InsecureTransport>([&] { to(url).build().get("/").header("Authorization", "Basic eDp5").send(); });
    thrown<InsecureTransport>([&] { to(url).header("Authorization", "Basic eDp5").build().get("/").send(); });
    thrown<InsecureTransport>([&] { to(url).header("Cookie", "session=1").build().get("/").send(); });
}

BOOST_DATA_TEST_CASE_F(Fixture, loopback_and_anonymous_calls_may_use_plain_http,
                       bdata::make({"http://localhost:8080", "http://127.0.0.1", "http://127.9.9.9", "http://[::1]:99"}), url)
{
    always(200);
    to(url).auth(bearer(Secret("token"))).build().get("/").send();
    to("http://api.example.com").build().get("/").send();
    to("http://api.example.com").auth(bearer(Secret("token"))).dangerouslyAllowCredentialsInClearText().build().get("/").send();
    BOOST_TEST(transport->sent().size() == 3U);
}

BOOST_AUTO_TEST_SUITE_END()
