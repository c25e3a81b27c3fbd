// A real squid between a client and servers of ours.

#include "servers/Daemon.h"
#include "support/Throws.h"
#include "transport/Certificates.h"
#include "transport/RawServer.h"

#include "tollgate/tollgate.h"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

using namespace tollgate;
using namespace tollgate::tests;
using namespace tollgate::transport::test;
using namespace std::chrono_literals;

namespace {

/// Answers each request with its own body, and remembers them.
struct Echo
{
    std::mutex mutex;
    std::vector<std::string> heads;
    RawServer server;

    explicit Echo(SSL_CTX* tls = nullptr)
        : server(
              [this](Peer& peer) {
                  for (std::string got = peer.readRequest(); !got.empty(); got = peer.readRequest()) {
                      const std::size_t end = got.find("\r\n\r\n") + 4;
                      {
                          const std::lock_guard<std::mutex> lock(mutex);
                          heads.push_back(got.substr(0, end));
                      }
                      const std::string body = got.substr(end);
                      if (!peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body))
                          return;
                  }
              },
              tls)
    {}
    std::string last()
    {
        const std::lock_guard<std::mutex> lock(mutex);
        return heads.empty() ? std::string() : heads.back();
    }
};

ClientBuilder through(const Daemon& proxy, const std::string& url, const std::string& caFile = {})
{
    TransportOptions options;
    options.proxy = proxy.url();
    options.tls.caFile = caFile;
    ClientBuilder builder = Client::to(url);
    builder.transport(Transport::create(options)).timeout(30s);
    return builder;
}

bool startsWith(const std::string& text, const std::string& start) { return text.compare(0, start.size(), start) == 0; }

} // namespace

BOOST_AUTO_TEST_SUITE(RealProxyTest)

BOOST_AUTO_TEST_CASE(plain_requests_and_their_answers_come_through_whole)
{
    Echo echo;
    const Squid squid(443);
    const Client api = through(squid, echo.server.url("")).build();
    for (const std::size_t size : {0U, 1U, 5'000U, 3'000'000U}) {
        const std::string body(size, 'x');
        const Response response = api.post("/things?page=2").body(body, "text/plain").send();
        BOOST_CHECK(response.body() == body);
        BOOST_TEST(startsWith(echo.last(), "POST /things?page=2 HTTP/1.1\r\n"), echo.last());
        BOOST_TEST(contains(echo.last(), "squid.test"), "it did not go through the proxy: " << echo.last()); // in Via
    }
    const Response again = api.get("/").send();
    BOOST_TEST(again.attempts().back().reusedConnection);
}

BOOST_AUTO_TEST_CASE(tls_goes_through_a_tunnel_and_the_proxy_sees_no_credential)
{
    const Authority authority;
    const ServerContext context = authority.serve("IP:127.0.0.1");
    Echo echo(context.get());
    const Squid squid(echo.server.port());
    const Client api =
        through(squid, echo.server.url(""), authority.file()).auth(bearer(fixedSource(Secret("the-key-of-the-account")))).build();
    for (int i = 0; i < 3; ++i) {
        const std::string body(100'000, static_cast<char>('a' + i));
        BOOST_CHECK(api.post("/").body(body, "text/plain").send().body() == body);
        BOOST_TEST(contains(echo.last(), "Authorization: Bearer the-key-of-the-account"));
        BOOST_TEST(!contains(echo.last(), "squid")); // what it cannot see it cannot change
    }
    BOOST_TEST(echo.server.connections() == 1U);
}

BOOST_AUTO_TEST_CASE(a_server_behind_the_tunnel_with_another_name_gets_nothing)
{
    const Authority authority;
    const ServerContext context = authority.serve("DNS:elsewhere.test");
    Echo echo(context.get());
    const Squid squid(echo.server.port());
    const Client api = through(squid, echo.server.url(""), authority.file()).build();
    const auto error = thrown<TlsError>([&] { api.get("/").send(); });
    BOOST_TEST(toString(error->delivery()) == toString(Delivery::NotSent));
    BOOST_TEST(echo.last().empty());
}

BOOST_AUTO_TEST_CASE(what_the_proxy_refuses_or_cannot_reach_is_said)
{
    const Authority authority;
    const ServerContext context = authority.serve("IP:127.0.0.1");
    Echo echo(context.get());
    const ReservedPort nobody;
    RetryPolicy once;
    once.attempts = 1;
    const std::string closed = "127.0.0.1:" + std::to_string(nobody.number());

    const Squid strict(443);
    const auto refused =
        thrown<ConnectError>([&] { through(strict, echo.server.url(""), authority.file()).retry(once).build().get("/").send(); });
    BOOST_TEST(contains(refused->what(), "403"), refused->what());
    BOOST_TEST(toString(refused->delivery()) == toString(Delivery::NotSent));
    BOOST_TEST(echo.server.connections() == 0U);

    const Squid squid(nobody.number());
    const auto unreached =
        thrown<ConnectError>([&] { through(squid, "https://" + closed, authority.file()).retry(once).build().get("/").send(); });
    BOOST_TEST(contains(unreached->what(), "503"), unreached->what());
    // Over plain http the proxy's own answer is all that there is.
    const auto answer = through(squid, "http://" + closed).retry(once).build().get("/").trySend();
    BOOST_REQUIRE(!answer);
    BOOST_TEST(answer.error().status() == 503);
}

BOOST_AUTO_TEST_SUITE_END()
