// The sandbox as an HTTP server: framing, keep-alive, limits, TLS, many clients at once.

#include "RawClient.h"

#include "tollgate/Error.h"
#include "tollgate/testing/Sandbox.h"

#include <Poco/Net/NetException.h>
#include <Poco/URI.h>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

using namespace tollgate::testing;
using namespace std::chrono_literals;

namespace {

SandboxOptions withoutLimits()
{
    SandboxOptions options;
    options.bandoPerHour = 0;
    options.bentooPerWindow = 0;
    options.chatbotPerHour = 0;
    return options;
}

struct Fixture
{
    explicit Fixture(SandboxOptions options = withoutLimits()) : sandbox(std::move(options)) {}

    Sandbox sandbox;
    std::string url = sandbox.baseUrl(Provider::Bando);
    std::string chatbotUrl = sandbox.baseUrl(Provider::Chatbot);
    std::string write = "Authorization: Bearer " + sandbox.chatbot().writeKey;
};

} // namespace

BOOST_AUTO_TEST_SUITE(SandboxServer)

BOOST_AUTO_TEST_CASE(base_urls_are_loopback_with_their_base_paths)
{
    const Sandbox sandbox;
    const auto endsWith = [&](Provider provider, const std::string& path) {
        const Poco::URI uri(sandbox.baseUrl(provider));
        return uri.getHost() == "127.0.0.1" && uri.getPath() == path && uri.getPort() != 80;
    };
    BOOST_TEST(endsWith(Provider::Bento, "/api/v1"));
    BOOST_TEST(endsWith(Provider::Bentoo, "/v1"));
    BOOST_TEST(endsWith(Provider::Bando, ""));
    BOOST_TEST(endsWith(Provider::Chatbot, "/v1"));
    BOOST_TEST(sandbox.caFile().empty());
    BOOST_TEST(sandbox.controlUrl().empty());
}

BOOST_AUTO_TEST_CASE(a_connection_serves_many_requests)
{
    const Fixture f;
    RawClient client(f.url);
    for (int i = 0; i < 20; ++i) BOOST_TEST(client.request("GET", "/coolness").status == 200);
    BOOST_TEST(f.sandbox.connections() == 1U);
    BOOST_TEST(f.sandbox.answered() == 20U);
}

BOOST_AUTO_TEST_CASE(connection_close_and_http_1_0_end_the_connection)
{
    const Fixture f;
    RawClient asked(f.url);
    const auto answer = asked.request("GET", "/coolness", {"Connection: close"});
    BOOST_TEST(answer.status == 200);
    BOOST_TEST(answer.headers.get("Connection", "") == "close");
    BOOST_TEST(asked.waitForEnd() == "closed");
    RawClient old(f.url);
    old.send("GET /coolness HTTP/1.0\r\n\r\n");
    BOOST_TEST(old.receive().status == 200);
    BOOST_TEST(old.waitForEnd() == "closed");
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_order)
{
    const Fixture f;
    RawClient client(f.url);
    const std::string host = "Host: x\r\n\r\n";
    client.send("GET /coolness HTTP/1.1\r\n" + host + "GET /nothing HTTP/1.1\r\n" + host + "GET /api/v1/networks/ HTTP/1.1\r\n" +
                host);
    BOOST_TEST(client.receive().status == 200);
    BOOST_TEST(client.receive().status == 404);
    BOOST_TEST(client.receive().body.find("Arbitrum") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_request_may_come_byte_by_byte)
{
    const Fixture f;
    RawClient client(f.chatbotUrl);
    const std::string request =
        "POST /v1/bots HTTP/1.1\r\nHost: x\r\n" + f.write + "\r\nContent-Length: 15\r\n\r\n{\"name\":\"slow\"";
    for (const char c : request) client.send(std::string(1, c));
    BOOST_TEST(client.staysSilent(50));
    client.send("}");
    BOOST_TEST(client.receive().status == 201);
}

BOOST_AUTO_TEST_CASE(chunked_bodies_are_joined)
{
    const Fixture f;
    RawClient client(f.chatbotUrl);
    client.send("POST /v1/bots HTTP/1.1\r\nHost: x\r\n" + f.write +
                "\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"name\":\r\n8;x=y\r\n\"joined\"\r\n1\r\n}\r\n0\r\n\r\n");
    const auto answer = client.receive();
    BOOST_TEST(answer.status == 201);
    BOOST_TEST(answer.body.find("joined") != std::string::npos);
    BOOST_TEST(client.request("GET", "/nothing", {f.write}).status == 404);
}

BOOST_AUTO_TEST_CASE(expect_continue_is_answered_before_the_body)
{
    const Fixture f;
    RawClient client(f.chatbotUrl);
    for (int i = 0; i < 2; ++i) {
        client.send("POST /v1/bots HTTP/1.1\r\nHost: x\r\n" + f.write + "\r\nExpect: 100-continue\r\nContent-Length: 12\r\n\r\n");
        BOOST_TEST(client.receive().status == 100);
        client.send("{\"name\":\"x\"}");
        BOOST_TEST(client.receive().status == 201);
    }
}

BOOST_AUTO_TEST_CASE(head_has_the_fields_of_get_and_no_body)
{
    const Fixture f;
    RawClient client(f.url);
    const auto answer = client.request("HEAD", "/coolness");
    BOOST_TEST(answer.status == 200);
    BOOST_TEST(answer.headers.get("Content-Length", "") == "24");
    BOOST_TEST(client.request("GET", "/coolness").body.size() == 24U);
}

BOOST_AUTO_TEST_CASE(a_head_over_64_kib_is_431_and_a_body_over_64_mib_413)
{
    const Fixture f;
    RawClient longHead(f.url);
    BOOST_TEST(longHead.request("GET", "/coolness", {"X-Long: " + std::string(70'000, 'x')}).status == 431);
    BOOST_TEST(longHead.waitForEnd() == "closed");
    RawClient fits(f.url);
    BOOST_TEST(fits.request("GET", "/coolness", {"X-Long: " + std::string(60'000, 'x')}).status == 200);
    RawClient longBody(f.chatbotUrl);
    longBody.send("POST /v1/bots HTTP/1.1\r\nHost: x\r\n" + f.write + "\r\nContent-Length: 67108865\r\n\r\n{");
    BOOST_TEST(longBody.receive().status == 413);
    BOOST_TEST(longBody.waitForEnd() == "closed");
}

BOOST_AUTO_TEST_CASE(what_is_not_http_is_400_and_ends_the_connection)
{
    const Fixture f;
    for (const char* bytes : {"hello there\r\n\r\n", "GET /coolness HTTP/1.1\r\nBad Name: x\r\n\r\n",
                              "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"})
    {
        RawClient client(f.url);
        client.send(bytes);
        BOOST_TEST(client.receive().status == 400);
        BOOST_TEST(client.waitForEnd() == "closed");
    }
    BOOST_TEST(once(f.url, "GET", "/coolness").status == 200);
}

BOOST_AUTO_TEST_CASE(paths_outside_the_base_path_are_404)
{
    const Fixture f;
    RawClient client(f.chatbotUrl);
    client.send("GET /bots HTTP/1.1\r\nHost: x\r\n" + f.write + "\r\n\r\n");
    BOOST_TEST(client.receive().status == 404);
    client.send("GET /v1x/bots HTTP/1.1\r\nHost: x\r\n" + f.write + "\r\n\r\n");
    BOOST_TEST(client.receive().status == 404);
}

BOOST_AUTO_TEST_CASE(tls_serves_with_a_certificate_of_its_own_authority)
{
    auto options = withoutLimits();
    options.tls = true;
    std::string caFile;
    {
        const Fixture f(options);
        caFile = f.sandbox.caFile();
        BOOST_TEST(f.url.rfind("https://127.0.0.1:", 0) == 0U);
        RawClient client(f.url, caFile);
        for (int i = 0; i < 3; ++i) BOOST_TEST(client.request("GET", "/coolness").status == 200);
        BOOST_TEST(client.request("GET", "/coolness", {"Connection: close"}).status == 200);
        BOOST_TEST(client.waitForEnd() == "closed");
        std::ostringstream pem;
        pem << std::ifstream(caFile).rdbuf();
        BOOST_TEST(pem.str().find("BEGIN CERTIFICATE") != std::string::npos);
        BOOST_TEST(pem.str().find("PRIVATE") == std::string::npos);
    }
    BOOST_TEST(!std::ifstream(caFile).good());
}

BOOST_AUTO_TEST_CASE(tls_is_refused_by_a_client_that_trusts_another_authority)
{
    auto options = withoutLimits();
    options.tls = true;
    const Fixture f(options), other(options);
    BOOST_CHECK_THROW(RawClient(f.url, other.sandbox.caFile()), std::runtime_error);
    RawClient plain(f.url);
    plain.send("GET /coolness HTTP/1.1\r\nHost: x\r\n\r\n");
    BOOST_TEST(plain.waitForEnd() != "data");
    BOOST_TEST(RawClient(f.url, f.sandbox.caFile()).request("GET", "/coolness").status == 200);
}

BOOST_AUTO_TEST_CASE(many_clients_are_served_at_once)
{
    const Fixture f;
    constexpr int threads = 8, rounds = 100;
    std::atomic<int> good{0};
    std::vector<std::thread> clients;
    for (int t = 0; t < threads; ++t)
        clients.emplace_back([&, t] {
            RawClient reader(f.url), writer(f.chatbotUrl);
            for (int i = 0; i < rounds; ++i) {
                const auto name = R"({"name":"bot )" + std::to_string(t * rounds + i) + "\"}";
                if (reader.request("GET", "/coolness").status == 200) ++good;
                if (writer.request("POST", "/bots", {f.write}, name).status == 201) ++good;
            }
        });
    for (auto& client : clients) client.join();
    BOOST_TEST(good == 2 * threads * rounds);
    BOOST_TEST(f.sandbox.answered() == static_cast<std::uint64_t>(2 * threads * rounds));
    const auto bots = once(f.chatbotUrl, "GET", "/bots", {"Authorization: Bearer " + f.sandbox.chatbot().readKey}).body;
    for (int i = 0; i < threads * rounds; i += 37)
        BOOST_TEST(bots.find("\"bot " + std::to_string(i) + "\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(two_hundred_connections_stay_open_side_by_side)
{
    const Fixture f;
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<RawClient>(f.url));
    for (int round = 0; round < 2; ++round)
        for (const auto& client : clients) BOOST_REQUIRE(client->request("GET", "/coolness").status == 200);
    BOOST_TEST(f.sandbox.connections() == 200U);
}

BOOST_AUTO_TEST_CASE(clients_that_leave_early_do_no_harm)
{
    Fixture f;
    f.sandbox.inject(Provider::Bando, Fault::slow(50ms), 2);
    f.sandbox.inject(Provider::Bando, Fault::of(Fault::Kind::StalledBody), 2);
    for (int i = 0; i < 4; ++i) RawClient(f.url).send("GET /coolness HTTP/1.1\r\nHost: x\r\n\r\n");
    RawClient(f.url).send("GET /cool");
    while (f.sandbox.requests().size() < 4) std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(100ms);
    BOOST_TEST(once(f.url, "GET", "/coolness").status == 200);
}

BOOST_AUTO_TEST_CASE(a_taken_port_and_an_address_of_the_network_are_refused)
{
    const Fixture f;
    SandboxOptions taken;
    taken.bandoPort = Poco::URI(f.url).getPort();
    BOOST_CHECK_THROW(Sandbox{taken}, Poco::Net::NetException);
    SandboxOptions open;
    open.address = "0.0.0.0";
    BOOST_CHECK_THROW(Sandbox{open}, tollgate::ConfigurationError);
    open.address = "localhost";
    BOOST_CHECK_THROW(Sandbox{open}, tollgate::ConfigurationError);
}

BOOST_AUTO_TEST_CASE(a_sandbox_ends_while_clients_are_connected)
{
    auto sandbox = std::make_unique<Sandbox>();
    RawClient idle(sandbox->baseUrl(Provider::Bando));
    BOOST_TEST(idle.request("GET", "/coolness").status == 200);
    sandbox->inject(Provider::Bando, Fault::slow(1h));
    RawClient waiting(sandbox->baseUrl(Provider::Bando));
    waiting.send("GET /coolness HTTP/1.1\r\nHost: x\r\n\r\n");
    BOOST_TEST(waiting.staysSilent(20));
    sandbox.reset();
    BOOST_TEST(idle.waitForEnd() == "closed");
    BOOST_TEST(waiting.waitForEnd() != "data");
}

BOOST_AUTO_TEST_SUITE_END()
