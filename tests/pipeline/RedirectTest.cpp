// Where a redirect may lead, and what travels there.

#include "pipeline/Fixture.h"

#include "tollgate/schemes/BasicSiteAuth.h"
#include "tollgate/schemes/BearerAuth.h"
#include "tollgate/schemes/ScopedBearerAuth.h"

#include <algorithm>
#include <functional>
#include <iostream>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

using namespace tollgate;
using namespace tollgate::tests;

namespace {

const std::string key = "sk_live_51c0ffee0000beef";
const std::string site = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

/// How the credential looks on the wire, in any form that gives it away.
const std::vector<std::string> secrets{key, site, base64("pk_live_1234567890:" + key)};

struct Scheme
{
    const char* name;
    std::function<AuthStrategyPtr()> make;
};

const std::vector<Scheme> schemes{
    {"bearer", [] { return bearer(Secret(key)); }},
    {"scoped bearer",
     [] {
         return scopedBearer(Secret(key), Scopes{{"read", "write"}});
     }},
    {"basic with site", [] { return basicWithSite(Secret("pk_live_1234567890"), Secret(key), Secret(site)); }},
};

enum class Place
{
    Home,
    Stranger,
    Refused ///< nothing is sent there
};

struct Destination
{
    const char* location;
    Place place;
};

/// Seen from https://api.example.com/v1/start.
const std::vector<Destination> destinations{
    {"/next", Place::Home},
    {"next", Place::Home},
    {"?page=2", Place::Home},
    {"https://api.example.com/next", Place::Home},
    {"https://API.Example.COM/next", Place::Home},
    {"https://api.example.com:443/next", Place::Home},
    {"HTTPS://api.example.com/next#there", Place::Home},
    {"//api.example.com/next", Place::Home},

    {"https://api.example.com:8443/next", Place::Stranger},
    {"https://api.example.com:80/next", Place::Stranger},
    {"https://www.example.com/next", Place::Stranger},
    {"https://example.com/next", Place::Stranger},
    {"https://sub.api.example.com/next", Place::Stranger},
    {"https://api.example.com.evil.org/next", Place::Stranger},
    {"https://api.example.com./next", Place::Stranger},
    {"https://evil.org/next", Place::Stranger},
    {"https://evil.org/https://api.example.com/next", Place::Stranger},
    {"//evil.org/next", Place::Stranger},
    {"https://127.0.0.1/next", Place::Stranger},
    {"https://[::1]/next", Place::Stranger},

    {"http://api.example.com/next", Place::Refused},
    {"http://api.example.com:443/next", Place::Refused},
    {"http://evil.org/next", Place::Refused},
    {"http://127.0.0.1/next", Place::Refused},
    {"https://me@api.example.com/next", Place::Refused},
    {"https://me:s3same@evil.org/next", Place::Refused},
    {"https://api.example.com@evil.org/next", Place::Refused},
    {"https://api.example.com%40evil.org/next", Place::Refused},
    {"https://evil.org\\@api.example.com/next", Place::Refused},
    {"https://", Place::Refused},
    {"https://api.example.com:99999/next", Place::Refused},
    {"ftp://api.example.com/next", Place::Refused},
    {"javascript:alert(1)", Place::Refused},
    {"/next\r\nX-Injected: 1", Place::Refused},
    {"/ne xt", Place::Refused},
    {"/n\xc3\xa4xt", Place::Refused},
};

std::string expectedMethod(const std::string& method, int status)
{
    if (status == 303) return method == "HEAD" ? "HEAD" : "GET";
    if (status == 301 || status == 302) return method == "POST" ? "GET" : method;
    return method;
}

/// All that goes over the wire, as one text.
std::string wire(const testing::SentRequest& request)
{
    std::ostringstream text;
    text << request.method << ' ' << request.url << '\n';
    for (const auto& [name, value] : request.headers) text << name << ": " << value << '\n';
    return text.str() + request.body;
}

bool holdsSecret(const std::string& text)
{
    return std::any_of(secrets.begin(), secrets.end(), [&](const std::string& secret) { return contains(text, secret); });
}

Headers location(std::string_view where) { return Fixture::field("Location", where); }

Request everything(const Client& client, const std::string& method)
{
    Request request = client.request(method, "/start");
    request.header("Cookie", "session=1").header("X-Api-Key", "mine").header("Accept", "text/plain").header("X-Trace", "7");
    if (method[0] == 'P') request.body("text", "text/plain").header("Content-Language", "de");
    return request;
}

void checkHop(const std::vector<testing::SentRequest>& sent, const std::string& method, int status, Place place)
{
    BOOST_REQUIRE_EQUAL(sent.size(), 2U);
    BOOST_TEST(holdsSecret(wire(sent[0])));
    const testing::SentRequest& hop = sent[1];
    const std::string then = expectedMethod(method, status);
    BOOST_TEST(hop.method == then);
    const bool body = method[0] == 'P' && then == method;
    BOOST_TEST(hop.body == (body ? "text" : ""));
    BOOST_TEST(hop.headers.has("Content-Type") == body);
    const bool home = place == Place::Home;
    BOOST_TEST(hop.headers.has("Content-Language") == (body && home));
    BOOST_TEST(holdsSecret(wire(hop)) == home);
    for (const char* name : {"Authorization", "Cookie", "X-Api-Key", "X-Trace", "X-Default"})
        BOOST_TEST(hop.headers.has(name) == home, name);
    BOOST_TEST(hop.headers.get("Accept", {}) == "text/plain");
    BOOST_TEST(hop.headers.get("User-Agent", {}) == "Acme/1");
}

} // namespace

BOOST_AUTO_TEST_SUITE(RedirectTest)

BOOST_AUTO_TEST_CASE(the_matrix_of_places_methods_statuses_and_schemes)
{
    std::size_t cases = 0;
    std::size_t leaked = 0;
    for (const Scheme& scheme : schemes)
        for (const Destination& to : destinations)
            for (const int status : {301, 302, 303, 307, 308})
                for (const std::string method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
                    BOOST_TEST_CONTEXT(scheme.name << ", " << status << " after " << method << " to " << to.location)
                    {
                        ++cases;
                        const Fixture fixture;
                        fixture.transport->answer(status, "moved", location(to.location)).answer(200, "here");
                        const Client client = fixture.to()
                                                  .auth(scheme.make())
                                                  .userAgent("Acme/1")
                                                  .header("X-Default", "1")
                                                  .followRedirects()
                                                  .build();
                        const Result<Response> result = everything(client, method).trySend();
                        const auto sent = fixture.transport->sent();
                        if (to.place == Place::Refused) {
                            BOOST_REQUIRE(!result);
                            const Error& error = result.error();
                            BOOST_TEST(
                                (dynamic_cast<const InvalidUrl*>(&error) || dynamic_cast<const InsecureTransport*>(&error)),
                                error.what());
                            BOOST_TEST((error.delivery() == Delivery::Answered));
                            BOOST_REQUIRE(error.response());
                            BOOST_TEST(error.response()->body() == "moved");
                            BOOST_TEST(!contains(error.what(), "s3same"));
                            BOOST_TEST(!holdsSecret(error.what()));
                            BOOST_TEST(sent.size() == 1U);
                            continue;
                        }
                        BOOST_REQUIRE_MESSAGE(result, (result ? "" : result.error().what()));
                        BOOST_TEST(result.value().attempts().size() == 2U);
                        checkHop(sent, method, status, to.place);
                        leaked += to.place == Place::Stranger && sent.size() == 2 && holdsSecret(wire(sent[1])) ? 1U : 0U;
                    }
    BOOST_TEST(leaked == 0U);
    std::cout << "redirect cases: " << cases << ", credentials sent to another origin: " << leaked << '\n';
}

BOOST_FIXTURE_TEST_CASE(by_default_the_redirect_is_the_answer, Fixture)
{
    transport->answer(302, "moved", location("/next"));
    const Response answer = to().build().get("/start").send();
    BOOST_TEST(answer.status() == 302);
    BOOST_TEST(transport->sent().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(once_away_no_hop_carries_the_credential_not_even_back_home, Fixture)
{
    transport->answer(302, {}, location("https://evil.org/a"))
        .answer(302, {}, location("https://api.example.com/v1/delete-all"))
        .answer(302, {}, location("/v1/more"))
        .answer(200, "here");
    const Client client = to().auth(bearer(Secret(key))).header("X-Default", "1").followRedirects().build();
    client.get("/start").header("X-Api-Key", "mine").send();
    const auto sent = transport->sent();
    BOOST_REQUIRE_EQUAL(sent.size(), 4U);
    for (std::size_t hop = 1; hop < sent.size(); ++hop) {
        BOOST_TEST(!holdsSecret(wire(sent[hop])));
        BOOST_TEST(!sent[hop].headers.has("X-Api-Key"));
        BOOST_TEST(!sent[hop].headers.has("X-Default"));
    }
    // The next call starts at home again.
    transport->answer(200);
    client.get("/start").send();
    BOOST_TEST(holdsSecret(wire(transport->sent().back())));
}

BOOST_FIXTURE_TEST_CASE(a_rejected_stray_hop_does_not_condemn_the_credential, Fixture)
{
    transport->answer(302, {}, location("https://evil.org/a"))
        .answer(302, {}, location("https://api.example.com/v1/b"))
        .answer(401);
    const Client client = to().auth(bearer(Secret(key))).limit(lockout()).followRedirects().build();
    const auto error = thrown<CredentialRejected>([&] { client.get("/start").send(); });
    BOOST_TEST(contains(error->what(), "another host"));
    transport->answer(302, {}, location("https://evil.org/a")).answer(401);
    thrown<CredentialRejected>([&] { client.get("/start").send(); });
    transport->answer(200);
    BOOST_TEST(client.get("/start").send().status() == 200);
}

BOOST_FIXTURE_TEST_CASE(a_carrier_in_the_query_is_taken_out_on_the_way_to_a_stranger, Fixture)
{
    const auto auth = [] { return basicWithSite(Secret("pk_live_1234567890"), Secret(key), Secret(site)); };
    for (const auto& [there, expected] : std::vector<std::pair<std::string, std::string>>{
             {"https://evil.org/x?a=1&site_uuid=" + site + "&b=2", "https://evil.org/x?a=1&b=2"},
             {"https://evil.org/x?site_uuid=" + site, "https://evil.org/x"},
             {"https://evil.org/x?site_uuid=", "https://evil.org/x"},
             {"https://evil.org/x?site_uuid", "https://evil.org/x"},
             {"https://evil.org/x?a=site_uuid", "https://evil.org/x?a=site_uuid"}})
    {
        const Fixture fixture;
        fixture.transport->answer(307, {}, location(there)).answer(200);
        fixture.to().auth(auth()).followRedirects().build().get("/start").send();
        BOOST_REQUIRE_EQUAL(fixture.transport->sent().size(), 2U);
        BOOST_TEST(fixture.transport->sent()[1].url == expected);
    }
}

BOOST_FIXTURE_TEST_CASE(a_credential_anywhere_else_in_the_location_goes_nowhere, Fixture)
{
    const auto auth = [] { return basicWithSite(Secret("pk_live_1234567890"), Secret(key), Secret(site)); };
    for (const std::string& there :
         {"https://evil.org/" + key, "https://evil.org/x?id=" + site, "https://evil.org/?site%5Fuuid=" + site,
          "https://evil.org/x?k=" + percentEncode(base64("pk_live_1234567890:" + key))})
    {
        const Fixture fixture;
        fixture.transport->answer(302, "moved", location(there)).answer(200);
        const Client client = fixture.to().auth(auth()).followRedirects().build();
        const auto error = thrown<InsecureTransport>([&] { client.get("/start").send(); });
        BOOST_TEST(!holdsSecret(error->what()));
        BOOST_TEST(fixture.transport->sent().size() == 1U, there);
    }
    // At home it is where it belongs.
    transport->answer(302, {}, location("/v1/x?id=" + site)).answer(200);
    to().auth(auth()).followRedirects().build().get("/start").send();
    BOOST_TEST(transport->sent().size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(circles_and_chains_without_end, Fixture)
{
    transport->otherwise([](Exchange& exchange) {
        ResponseHead head;
        head.status = 302;
        head.headers.add("Location", exchange.url.target() == "/v1/a" ? "/v1/b" : "/v1/a");
        return Response(head, std::string("moved"));
    });
    auto error = thrown<ProtocolError>([&] { to().followRedirects().build().get("/a").send(); });
    BOOST_TEST(contains(error->what(), "circle"));
    BOOST_TEST(transport->sent().size() == 2U);
    BOOST_TEST(error->attempts().size() == 2U);

    const Fixture endless;
    endless.transport->otherwise([](Exchange& exchange) {
        ResponseHead head;
        head.status = 302;
        head.headers.add("Location", exchange.url.target() + "x");
        return Response(head, std::string());
    });
    error = thrown<ProtocolError>([&] { endless.to().followRedirects(3).build().get("/a").send(); });
    BOOST_TEST(contains(error->what(), "more than 3 redirects"));
    BOOST_TEST(endless.transport->sent().size() == 4U);
}

BOOST_FIXTURE_TEST_CASE(each_hop_takes_its_own_permit, Fixture)
{
    transport->answer(302, {}, location("/v1/b")).answer(302, {}, location("https://evil.org/c")).answer(200);
    const Client client = to().limit(perMinute(5)).followRedirects().build();
    client.get("/a").send();
    BOOST_TEST(client.quota().limits.at(0).remaining == 3U); // the stranger's hop is none of this account's
}

BOOST_FIXTURE_TEST_CASE(a_hop_is_retried_by_itself, Fixture)
{
    transport->answer(302, {}, location("/v1/b")).answer(503).answer(200, "here");
    const Response answer = to().followRedirects().build().get("/a").send();
    BOOST_TEST(answer.body() == "here");
    const auto sent = transport->sent();
    BOOST_REQUIRE_EQUAL(sent.size(), 3U);
    BOOST_TEST(sent[2].url == "https://api.example.com/v1/b");
    BOOST_TEST(answer.attempts().size() == 3U);
}

BOOST_FIXTURE_TEST_CASE(what_fails_after_a_redirect_is_not_called_unsent, Fixture)
{
    transport->answer(307, {}, location("/v1/b"));
    for (int i = 0; i < 8; ++i) transport->fail(transportError<ConnectError>(Delivery::NotSent));
    const auto error = thrown<ConnectError>([&] { to().followRedirects().build().post("/a").json("{}").send(); });
    BOOST_TEST((error->delivery() == Delivery::MaybeProcessed));
}

BOOST_FIXTURE_TEST_CASE(a_body_that_cannot_be_sent_twice_is_not, Fixture)
{
    class Once final : public RequestBody
    {
    public:
        std::optional<std::uint64_t> length() const override { return 4; }
        bool replayable() const override { return false; }
        void rewind() override {}
        std::size_t read(char* buffer, std::size_t capacity) override
        {
            const std::size_t count = std::min(capacity, _left);
            std::fill_n(buffer, count, 'x');
            _left -= count;
            return count;
        }

    private:
        std::size_t _left = 4;
    };
    transport->answer(308, "moved", location("/v1/b"));
    const Client client = to().followRedirects().build();
    const auto error = thrown<InvalidRequest>([&] { client.post("/a").body(std::make_shared<Once>(), "text/plain").send(); });
    BOOST_TEST((error->delivery() == Delivery::Answered));
    BOOST_TEST(transport->sent().size() == 1U);

    // A GET after it needs no body.
    transport->answer(303, {}, location("/v1/b")).answer(200, "here");
    BOOST_TEST(client.post("/a").body(std::make_shared<Once>(), "text/plain").send().body() == "here");
}

BOOST_FIXTURE_TEST_CASE(the_calls_time_is_for_all_hops, Fixture)
{
    transport->otherwise([this](Exchange& exchange) {
        clock->parker()->park(clock->now() + std::chrono::seconds(4));
        ResponseHead head;
        head.status = 302;
        head.headers.add("Location", exchange.url.target() + "x");
        return Response(head, std::string());
    });
    thrown<Timeout>([&] { to().followRedirects().build().get("/a").timeout(std::chrono::seconds(10)).send(); });
    BOOST_TEST(transport->sent().size() == 3U);
}

BOOST_AUTO_TEST_SUITE_END()
