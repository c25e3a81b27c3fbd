#include "Certificates.h"
#include "ForwardingProxy.h"
#include "Support.h"

#include "tollgate/Client.h"
#include "tollgate/schemes/BearerAuth.h"

using namespace tollgate;
using namespace tollgate::transport::test;

namespace {

using Steady = std::chrono::steady_clock;

TransportOptions through(const std::string& proxy)
{
    TransportOptions options;
    options.proxy = proxy;
    return options;
}

std::shared_ptr<Transport> through(const ForwardingProxy& proxy, const Authority& authority)
{
    TransportOptions options = through(proxy.url());
    options.tls.caFile = authority.file();
    return Transport::create(options);
}

/// Answers CONNECT with these bytes, and keeps the connection open unless it is to be closed.
RawServer::Script answering(std::string bytes, bool close = false)
{
    return [bytes = std::move(bytes), close](Peer& peer) {
        peer.readRequest();
        peer.send(bytes);
        if (!close) peer.readToEnd();
    };
}

/// What an https request meets at a proxy of that script.
template <class ErrorType>
ErrorPtr tunnelError(const RawServer::Script& script)
{
    RawServer proxy(script);
    TransportOptions options = through(proxy.url(""));
    options.maxHeadBytes = 8 * 1024;
    const auto transport = Transport::create(options);
    Exchange exchange = request("POST", "https://api.example.test/", "secret");
    auto error = errorOf<ErrorType>([&] { transport->exchange(exchange); });
    BOOST_CHECK(error->delivery() == Delivery::NotSent);
    BOOST_TEST(error->details().message.find("https://api.example.test: the proxy " + proxy.url("") + ": ") == 0u, error->what());
    BOOST_TEST(exchange.attempt.address == "127.0.0.1:" + std::to_string(proxy.port()));
    BOOST_TEST(exchange.attempt.status == 0);
    BOOST_TEST(transport->stats().openConnections == 0u);
    BOOST_TEST(proxy.connections() == 1u);
    return error;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace

BOOST_AUTO_TEST_SUITE(ProxyTests)

BOOST_AUTO_TEST_CASE(plain_http_goes_in_absolute_form)
{
    Record seen;
    RawServer server([&](Peer& peer) {
        for (std::string got = peer.readRequest(); !got.empty(); got = peer.readRequest()) {
            seen.add(got);
            peer.send(answer("plain"));
        }
    });
    ForwardingProxy proxy(server.port());
    TransportOptions options = through(proxy.url() + "/");
    options.decompress = false;
    const auto transport = Transport::create(options);
    BOOST_TEST(transport->usesProxy());
    // The name exists nowhere: only the proxy's is looked up.
    for (int i = 0; i < 2; ++i) {
        Exchange exchange = request("POST", "http://api.example.test:8080/things?page=2", "body");
        BOOST_TEST(bodyOf(transport->exchange(exchange)) == "plain");
        BOOST_TEST(exchange.attempt.reusedConnection == (i == 1));
        BOOST_TEST(exchange.attempt.address == proxy.address());
        BOOST_TEST(proxy.requests[proxy.requests.size() - 1] == "POST http://api.example.test:8080/things?page=2 HTTP/1.1\r\n"
                                                                "Host: api.example.test:8080\r\nContent-Length: 4\r\n\r\nbody");
    }
    BOOST_TEST(proxy.connections() == 1u);
    BOOST_TEST(seen.size() == 2u);
    BOOST_TEST(seen[1].find("POST /things?page=2 HTTP/1.1\r\n") == 0u);

    Exchange literal = request("GET", "http://[::1]/");
    BOOST_TEST(bodyOf(transport->exchange(literal)) == "plain");
    BOOST_TEST(proxy.requests[2] == "GET http://[::1]/ HTTP/1.1\r\nHost: [::1]\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(a_refusal_of_plain_http_is_an_answer)
{
    RawServer proxy(always("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"));
    Exchange exchange = request("GET", "http://api.example.test/");
    BOOST_TEST(Transport::create(through(proxy.url("")))->exchange(exchange).status() == 407);
}

BOOST_AUTO_TEST_CASE(https_goes_through_a_tunnel)
{
    const Authority authority;
    const ServerContext context = authority.serve("DNS:api.example.test");
    Record seen;
    RawServer server(
        [&](Peer& peer) {
            for (std::string got = peer.readRequest(); !got.empty(); got = peer.readRequest()) {
                seen.add(got);
                peer.send(answer("private"));
            }
        },
        context.get());
    ForwardingProxy proxy(server.port());
    const auto transport = through(proxy, authority);
    for (int i = 0; i < 2; ++i) {
        Exchange exchange = request("GET", "https://api.example.test/things");
        exchange.headers.add("Authorization", "Bearer secret");
        BOOST_TEST(bodyOf(transport->exchange(exchange)) == "private");
        BOOST_TEST(exchange.attempt.reusedConnection == (i == 1));
        BOOST_TEST(exchange.attempt.address == proxy.address());
        BOOST_TEST((exchange.attempt.tls.count() > 0) == (i == 0));
        BOOST_TEST(seen[seen.size() - 1].find("GET /things HTTP/1.1\r\nHost: api.example.test\r\n") == 0u);
    }
    BOOST_TEST(server.connections() == 1u);
    BOOST_TEST(proxy.requests.size() == 1u);
    BOOST_TEST(proxy.requests[0] == "CONNECT api.example.test:443 HTTP/1.1\r\nHost: api.example.test:443\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(an_ipv6_literal_is_bracketed)
{
    const Authority authority;
    const ServerContext context = authority.serve("IP:::1");
    RawServer server(always(answer("six")), context.get());
    ForwardingProxy proxy(server.port());
    Exchange exchange = request("GET", "https://[::1]:8443/");
    BOOST_TEST(bodyOf(through(proxy, authority)->exchange(exchange)) == "six");
    BOOST_TEST(proxy.requests[0] == "CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(any_2xx_opens_the_tunnel_and_has_no_body)
{
    const Authority authority;
    const ServerContext context = authority.serve("DNS:api.example.test");
    RawServer server(always(answer("private")), context.get());
    for (const char* opened :
         {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 201 Made\r\nConnection: close\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 299 Fine\r\n\r\n"})
        BOOST_TEST_CONTEXT(opened)
        {
            ForwardingProxy proxy(server.port(), opened);
            Exchange exchange = request("GET", "https://api.example.test/");
            BOOST_TEST(bodyOf(through(proxy, authority)->exchange(exchange)) == "private");
        }
}

BOOST_AUTO_TEST_CASE(the_certificate_must_be_the_targets)
{
    const Authority authority;
    const Authority unknown;
    struct Wrong
    {
        ServerContext context;
        const char* reason;
    };
    const Wrong all[] = {{authority.serve("DNS:other.example.test"), "ostname mismatch"},
                         {authority.serve("IP:127.0.0.1,DNS:localhost"), "ostname mismatch"}, // good for the proxy's own address
                         {unknown.serve("DNS:api.example.test"), "issuer certificate"}};
    for (const Wrong& wrong : all) BOOST_TEST_CONTEXT(wrong.reason)
        {
            Record requests;
            {
                RawServer server([&](Peer& peer) { requests.add(peer.readToEnd()); }, wrong.context.get());
                ForwardingProxy proxy(server.port());
                const auto transport = through(proxy, authority);
                Exchange exchange = request("POST", "https://api.example.test/", "secret");
                const auto error = errorOf<TlsError>([&] { transport->exchange(exchange); });
                BOOST_CHECK(error->delivery() == Delivery::NotSent);
                BOOST_TEST(has(error->details().message, wrong.reason), error->what());
                BOOST_TEST(server.connections() == 1u);
                BOOST_TEST(proxy.requests.size() == 1u);
                BOOST_TEST(transport->stats().openConnections == 0u);
            }
            for (const std::string& bytes : requests.all()) BOOST_TEST(bytes.empty());
        }
}

BOOST_AUTO_TEST_CASE(a_proxy_that_refuses_is_named_with_its_status)
{
    for (const int status : {300, 403, 407, 502}) BOOST_TEST_CONTEXT(status)
        {
            const std::string head = "HTTP/1.1 " + std::to_string(status) + " No\r\nProxy-Authenticate: Basic realm=\"x\"\r\n";
            const auto error = tunnelError<ConnectError>(answering(head + "Content-Length: 4\r\n\r\nbody"));
            BOOST_TEST(
                has(error->details().message, "it answered " + std::to_string(status) + " to CONNECT api.example.test:443"),
                error->what());
            BOOST_TEST(has(error->hint(), "login") == (status == 407), error->hint());
            BOOST_TEST(has(error->hint(), "could not reach") == (status == 502), error->hint());
        }
}

BOOST_AUTO_TEST_CASE(a_proxy_that_talks_nonsense_is_refused)
{
    tunnelError<ProtocolError>(answering("SSH-2.0-OpenSSH_9.2\r\n"));
    tunnelError<ProtocolError>(answering("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
    tunnelError<ProtocolError>(answering("HTTP/1.1 200 OK\r\n\r\n\x16")); // a byte in the tunnel that nobody asked for
    tunnelError<ResponseTooLarge>(answering("HTTP/1.1 200 OK\r\nA: " + std::string(10'000, 'a')));
    tunnelError<ConnectionLost>(answering("", true));
    tunnelError<ConnectionLost>(answering("HTTP/1.1 200 OK\r\n", true));
}

BOOST_AUTO_TEST_CASE(a_stalled_proxy_costs_the_connect_timeout)
{
    for (const bool drips : {false, true}) BOOST_TEST_CONTEXT(drips)
        {
            RawServer proxy([drips](Peer& peer) {
                peer.readRequest();
                peer.send("HTTP/1.1 200 OK\r\n");
                while (drips && peer.send("A: b\r\n")) Peer::pause(10ms);
                peer.readToEnd();
            });
            TransportOptions options = through(proxy.url(""));
            options.connectTimeout = 250ms;
            const auto transport = Transport::create(options);
            Exchange exchange = request("GET", "https://api.example.test/");
            const auto error = errorOf<Timeout>([&] { transport->exchange(exchange); });
            BOOST_TEST(has(error->details().message, "no answer to CONNECT within 250 ms (connectTimeout)"), error->what());
            BOOST_CHECK(error->delivery() == Delivery::NotSent);
            BOOST_TEST(transport->stats().openConnections == 0u);
        }
}

BOOST_AUTO_TEST_CASE(the_deadline_holds_while_the_proxy_is_silent)
{
    RawServer proxy([](Peer& peer) { peer.readToEnd(); });
    const auto transport = Transport::create(through(proxy.url("")));
    Exchange exchange = request("GET", "https://api.example.test/");
    exchange.deadline = Steady::now() + 1s;
    const auto error = errorOf<Timeout>([&] { transport->exchange(exchange); });
    BOOST_TEST(has(error->details().message, "deadline"), error->what());
    BOOST_TEST(has(error->details().message, "the proxy to open a tunnel"), error->what());
}

BOOST_AUTO_TEST_CASE(a_tunnel_can_be_cancelled_while_it_is_waited_for)
{
    CancellationSource source;
    RawServer proxy([&](Peer& peer) {
        peer.readRequest();
        source.cancel(); // now the client waits for the answer
        peer.readToEnd();
    });
    const auto transport = Transport::create(through(proxy.url("")));
    Exchange exchange = request("GET", "https://api.example.test/");
    exchange.cancellation = source.token();
    const auto error = errorOf<Cancelled>([&] { transport->exchange(exchange); });
    BOOST_CHECK(error->delivery() == Delivery::NotSent);
    BOOST_TEST(transport->stats().openConnections == 0u);
}

BOOST_AUTO_TEST_CASE(a_proxy_that_is_down_is_named)
{
    std::string gone;
    {
        const RawServer server([](Peer&) {});
        gone = server.url("", "localhost"); // its name is looked up
    }
    RawServer target(always(answer("direct")));
    const auto transport = Transport::create(through(gone));
    for (const std::string& url : {std::string("https://api.example.test/"), target.url()}) {
        Exchange exchange = request("GET", url);
        const auto error = errorOf<ConnectError>([&] { transport->exchange(exchange); });
        BOOST_CHECK(error->delivery() == Delivery::NotSent);
        BOOST_TEST(has(error->details().message, "the proxy " + gone + ": no connection: "), error->what());
    }
    BOOST_TEST(target.connections() == 0u); // never around the proxy
}

BOOST_AUTO_TEST_CASE(only_the_url_of_an_http_proxy_is_taken)
{
    BOOST_TEST(!Transport::create()->usesProxy());
    BOOST_TEST(Transport::create(through("http://[::1]:3128"))->usesProxy());
    for (const char* url : {"proxy.example.com:3128", "https://proxy.example.com:3128", "socks5://proxy.example.com",
                            "http://proxy.example.com/path", "http://proxy.example.com/?a=b", "http://proxy.example.com?a",
                            "http://proxy.example.com#top", "http://proxy.example.com:99999", "http://", " "})
        BOOST_TEST_CONTEXT(url) errorOf<ConfigurationError>([&] { Transport::create(through(url)); });
    const auto error =
        errorOf<ConfigurationError>([&] { Transport::create(through("http://user:hunter2@proxy.example.com:3128")); });
    BOOST_TEST(has(error->hint(), "not supported yet"));
    BOOST_TEST(!has(error->what(), "hunter2"));
    BOOST_TEST(!has(error->what(), "user:"));
}

BOOST_AUTO_TEST_CASE(no_credential_passes_a_proxy_in_clear_text)
{
    RawServer server(always(answer("plain")));
    ForwardingProxy proxy(server.port());
    const auto get = [&](const TransportPtr& transport) {
        const Client client = Client::to(server.url()).auth(bearer(Secret("token"))).transport(transport).build();
        return client.get("/").send().status();
    };
    errorOf<InsecureTransport>([&] { get(Transport::create(through(proxy.url()))); });
    BOOST_TEST(proxy.connections() == 0u);
    BOOST_TEST(get(Transport::create()) == 200); // loopback without a proxy
}

BOOST_AUTO_TEST_SUITE_END()
