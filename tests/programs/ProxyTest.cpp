// tollgate request --proxy, through a proxy that follows a script.

#include "programs/Command.h"
#include "transport/Support.h"

using namespace tollgate::test;
using tollgate::transport::test::answer;
using tollgate::transport::test::Peer;
using tollgate::transport::test::RawServer;
using tollgate::transport::test::Record;

namespace {

const Environment key{{"KEY", "a-key-that-no-proxy-may-read"}};

// A proxy that gives the same answer to whatever it is asked, and keeps what it was asked.
class Proxy
{
public:
    explicit Proxy(const std::string& bytes)
        : _server([this, bytes](Peer& peer) {
            for (std::string request = peer.readRequest(); !request.empty(); request = peer.readRequest()) {
                requests.add(request);
                if (!peer.send(bytes)) return;
            }
        })
    {}
    std::string url() const { return _server.url(""); }

    Record requests;

private:
    RawServer _server;
};

Finished request(std::vector<std::string> arguments)
{
    arguments.insert(arguments.begin(), {"request", "--store", "none"});
    auto done = runProgram("tollgate", arguments, key);
    BOOST_TEST(!done.timedOut);
    BOOST_TEST(done.all().find(key.at("KEY")) == std::string::npos);
    return done;
}

} // namespace

BOOST_AUTO_TEST_SUITE(ProxyOption)

BOOST_AUTO_TEST_CASE(plain_http_is_asked_for_in_absolute_form)
{
    // The host has no address: only the proxy can have answered, and the name was never looked up here.
    Proxy proxy(answer("from the proxy"));
    const auto done = request({"GET", "http://" + noSuchHost() + "/path?q=1", "--proxy", proxy.url()});
    BOOST_TEST(done.status == 0, done.err);
    BOOST_TEST(done.out == "from the proxy");
    BOOST_REQUIRE(proxy.requests.size() == 1U);
    const std::string seen = proxy.requests[0];
    BOOST_TEST(seen.find("GET http://" + noSuchHost() + "/path?q=1 HTTP/1.1\r\n") == 0U, seen);
    BOOST_TEST(seen.find("\r\nHost: " + noSuchHost() + "\r\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(redirects_go_through_it_too)
{
    Proxy proxy("HTTP/1.1 302 Found\r\nLocation: http://other.example.com/\r\nContent-Length: 0\r\n\r\n");
    const auto done = request({"GET", "http://example.com/", "--follow", "--proxy", proxy.url()});
    BOOST_TEST(done.status == 10); // a circle: the script knows one answer
    BOOST_REQUIRE(proxy.requests.size() == 2U);
    BOOST_TEST(proxy.requests[1].find("GET http://other.example.com/ ") == 0U);
}

BOOST_AUTO_TEST_CASE(https_asks_for_a_tunnel_and_shows_the_proxy_nothing_else)
{
    Proxy proxy("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    const auto done = request({"GET", "https://" + noSuchHost() + "/path", "--auth", "bearer:env:KEY", "--json", "--retries", "0",
                               "--proxy", proxy.url()});
    BOOST_TEST(done.status == 10);
    const auto error = onlyObject(done)->getObject("error");
    BOOST_TEST(textOf(error, "type") == "ConnectError");
    BOOST_TEST(textOf(error, "delivery") == "NotSent");
    BOOST_TEST(textOf(error, "message").find("proxy") != std::string::npos);
    BOOST_REQUIRE(proxy.requests.size() == 1U);
    const std::string seen = proxy.requests[0];
    BOOST_TEST(seen.find("CONNECT " + noSuchHost() + ":443 HTTP/1.1\r\n") == 0U, seen);
    BOOST_TEST(seen.find("/path") == std::string::npos);
    BOOST_TEST(seen.find(key.at("KEY")) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_credential_never_goes_over_plain_http_through_it)
{
    // Loopback is no exception here: the proxy reads along.
    Proxy proxy(answer("from the proxy"));
    const auto done = request({"GET", "http://127.0.0.1:1/", "--auth", "bearer:env:KEY", "--json", "--proxy", proxy.url()});
    BOOST_TEST(done.status == 3);
    BOOST_TEST(textOf(onlyObject(done)->getObject("error"), "type") == "InsecureTransport");
    BOOST_TEST(proxy.requests.size() == 0U);
}

BOOST_AUTO_TEST_CASE(bad_urls_are_refused_before_anything_is_sent_or_printed)
{
    for (const char* bad : {"proxy.example.com:3128", "https://proxy.example.com", "socks5://proxy.example.com", "http://",
                            "http://proxy:99999", "http://proxy/path", "http://user:s3cret@proxy:3128"})
        for (const char* way : {"--json", "--curl"}) {
            const auto done = request({"GET", "http://" + noSuchHost() + "/", "--json", way, "--proxy", bad});
            BOOST_TEST_CONTEXT(bad << ' ' << way << ": " << done.all())
            {
                BOOST_TEST(done.status == 3);
                const auto error = onlyObject(done)->getObject("error");
                BOOST_REQUIRE(error);
                BOOST_TEST(textOf(error, "type") == "ConfigurationError");
                BOOST_TEST(textOf(error, "delivery") == "NotSent");
                BOOST_TEST(textOf(error, "message").find("proxy") != std::string::npos);
                BOOST_TEST(done.all().find("s3cret") == std::string::npos);
            }
        }
    const auto empty = request({"GET", "http://" + noSuchHost() + "/", "--json", "--proxy", ""});
    BOOST_TEST(empty.status == 2);
    BOOST_TEST(textOf(onlyObject(empty)->getObject("error"), "type") == "UsageError");
}

BOOST_AUTO_TEST_CASE(curl_takes_the_same_proxy)
{
    const auto done = request({"GET", "https://example.com/", "--proxy", "http://127.0.0.1:3128", "--curl"});
    BOOST_TEST(done.status == 0);
    BOOST_TEST(done.out.find(" --proxy 'http://127.0.0.1:3128' ") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
