#include "Certificates.h"
#include "Support.h"
#include "TcpState.h"

#include <Poco/Net/AcceptCertificateHandler.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/SSLManager.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <openssl/err.h>
#include <poll.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

using namespace tollgate;
using tollgate::transport::TlsStep;
using tollgate::transport::TlsStream;
using namespace tollgate::transport::test;

namespace {

std::shared_ptr<Transport> trusting(const Authority& authority)
{
    TransportOptions options;
    options.tls.caFile = authority.file();
    return Transport::create(options);
}

/// The peer must be refused before a byte of the request leaves.
void checkRefused(const ServerContext& context, const std::shared_ptr<Transport>& transport, const std::string& host,
                  const std::string& reason)
{
    Record requests;
    {
        RawServer server([&](Peer& peer) { requests.add(peer.readToEnd()); }, context.get());
        Exchange exchange = request("POST", server.url("/", host), "secret");
        const auto error = errorOf<TlsError>([&] { transport->exchange(exchange); });
        BOOST_CHECK(error->delivery() == Delivery::NotSent);
        BOOST_TEST(error->details().message.find(reason) != std::string::npos, error->what());
        BOOST_TEST(exchange.attempt.error == "TlsError");
        BOOST_TEST(server.connections() == 1u); // not tried again
    }
    for (const std::string& bytes : requests.all()) BOOST_TEST(bytes.empty());
    BOOST_TEST(transport->stats().openConnections == 0u);
}

/// Sets an environment variable and takes it back.
class Environment
{
public:
    Environment(const char* name, const std::string& value) : _name(name) { ::setenv(name, value.c_str(), 1); }
    ~Environment() { ::unsetenv(_name); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

private:
    const char* _name;
};

/// Takes an environment variable away for a while.
class Without
{
public:
    explicit Without(const char* name) : _name(name)
    {
        if (const char* value = std::getenv(name)) _value = value;
        ::unsetenv(name);
    }
    ~Without()
    {
        if (_value) ::setenv(_name, _value->c_str(), 1);
    }
    Without(const Without&) = delete;
    Without& operator=(const Without&) = delete;

private:
    const char* _name;
    std::optional<std::string> _value;
};

} // namespace

BOOST_AUTO_TEST_SUITE(TlsTests)

BOOST_AUTO_TEST_CASE(https_works_by_name_and_by_address)
{
    const Authority authority;
    const ServerContext context = authority.serve("DNS:localhost,IP:127.0.0.1");
    Record names;
    SSL_CTX_set_tlsext_servername_arg(context.get(), &names);
    SSL_CTX_set_tlsext_servername_callback(
        context.get(), +[](SSL* ssl, int*, void* record) {
            const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
            static_cast<Record*>(record)->add(name ? name : "none");
            return SSL_TLSEXT_ERR_OK;
        });
    RawServer server(always(answer("private")), context.get());
    const auto transport = trusting(authority);
    for (const char* host : {"localhost", "127.0.0.1", "localhost."})
        for (int i = 0; i < 2; ++i) {
            Exchange exchange = request("POST", server.url("/", host), "body");
            BOOST_TEST(bodyOf(transport->exchange(exchange)) == "private");
            BOOST_TEST(exchange.attempt.reusedConnection == (i == 1));
            BOOST_TEST((exchange.attempt.tls.count() > 0) == (i == 0));
        }
    BOOST_TEST(server.connections() == 3u);
    BOOST_TEST(transport->stats().stale == 0u); // tickets that wait to be read do not make a connection dead
    BOOST_TEST(names.all() == (std::vector<std::string>{"localhost", "none", "localhost"}), boost::test_tools::per_element());
    BOOST_TEST(ERR_peek_error() == 0u);
}

BOOST_AUTO_TEST_CASE(a_certificate_for_another_host_is_refused)
{
    const Authority authority;
    checkRefused(authority.serve("DNS:example.com"), trusting(authority), "localhost", "ostname mismatch");
    checkRefused(authority.serve("DNS:localhost,IP:127.0.0.2"), trusting(authority), "127.0.0.1", "IP address mismatch");
    checkRefused(authority.serve(""), trusting(authority), "localhost", "ostname mismatch");
}

BOOST_AUTO_TEST_CASE(an_expired_certificate_is_refused)
{
    const Authority authority;
    checkRefused(authority.serve("DNS:localhost", true), trusting(authority), "localhost", "expired");
}

BOOST_AUTO_TEST_CASE(an_unknown_authority_is_refused)
{
    const Authority ours;
    const Authority theirs;
    checkRefused(theirs.serve("DNS:localhost"), trusting(ours), "localhost", "issuer certificate");
}

BOOST_AUTO_TEST_CASE(a_global_handler_of_the_host_program_does_not_relax_us)
{
    Poco::Net::SSLManager::instance().initializeClient(
        nullptr, new Poco::Net::AcceptCertificateHandler(false),
        new Poco::Net::Context(Poco::Net::Context::TLS_CLIENT_USE, "", Poco::Net::Context::VERIFY_NONE));
    const Authority ours;
    const Authority theirs;
    checkRefused(theirs.serve("DNS:localhost"), trusting(ours), "localhost", "issuer certificate");
    checkRefused(ours.serve("DNS:example.com"), trusting(ours), "localhost", "ostname mismatch");
}

BOOST_AUTO_TEST_CASE(old_protocol_versions_are_refused)
{
    const Authority authority;
    const ServerContext context = authority.serve("DNS:localhost");
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
    checkRefused(context, trusting(authority), "localhost", "handshake failed");
}

BOOST_AUTO_TEST_CASE(plain_http_on_the_port_is_explained)
{
    const Authority authority;
    RawServer server([](Peer& peer) {
        peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        peer.readToEnd();
    });
    Exchange exchange = request("GET", "https://127.0.0.1:" + std::to_string(server.port()) + "/");
    const auto error = errorOf<TlsError>([&] { trusting(authority)->exchange(exchange); });
    BOOST_CHECK(error->delivery() == Delivery::NotSent);
}

BOOST_AUTO_TEST_CASE(a_body_that_ends_without_close_notify_is_cut_off)
{
    const Authority authority;
    const ServerContext context = authority.serve("IP:127.0.0.1");
    for (const bool orderly : {true, false}) {
        RawServer server(
            [orderly](Peer& peer) {
                peer.readRequest();
                peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end");
                if (orderly) peer.closeNotify();
            },
            context.get());
        Exchange exchange = request("GET", server.url());
        const Response response = trusting(authority)->exchange(exchange);
        if (orderly)
            BOOST_TEST(bodyOf(response) == "until the end");
        else
            errorOf<ConnectionLost>([&] { bodyOf(response); });
    }
}

BOOST_AUTO_TEST_CASE(no_kind_of_body_survives_a_cut_or_a_damaged_record)
{
    const Authority authority;
    const ServerContext context = authority.serve("IP:127.0.0.1");
    const std::string heads[] = {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe first part",
                                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ne\r\nthe first part\r\n",
                                 "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthe first part"};
    // A record of application data that no key of this connection has made: its tag cannot be right.
    const std::string damaged = std::string("\x17\x03\x03\x00\x28", 5) + std::string(40, 'z');
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
        for (const std::string& head : heads)
            for (const bool cut : {true, false}) {
                SSL_CTX_set_max_proto_version(context.get(), version);
                RawServer server(
                    [&](Peer& peer) {
                        peer.readRequest();
                        peer.send(head);
                        if (cut) return peer.close();
                        ::send(peer.descriptor(), damaged.data(), damaged.size(), MSG_NOSIGNAL);
                        peer.readToEnd();
                    },
                    context.get());
                const auto transport = trusting(authority);
                Exchange exchange = request("GET", server.url());
                const auto error = errorOf<ConnectionLost>([&] { bodyOf(transport->exchange(exchange)); });
                const char* reason = cut ? "without ending TLS" : "bad record mac";
                BOOST_TEST(error->details().message.find(reason) != std::string::npos, error->what());
                BOOST_TEST(transport->stats().openConnections == 0u);
            }
}

BOOST_AUTO_TEST_CASE(a_stream_itself_sends_nothing_to_a_peer_that_is_not_verified)
{
    const Authority authority;
    const ServerContext good = authority.serve("DNS:localhost");
    const ServerContext anonymous(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_max_proto_version(anonymous.get(), TLS1_2_VERSION);
    SSL_CTX_set_dh_auto(anonymous.get(), 1);
    SSL_CTX_set_cipher_list(anonymous.get(), "aNULL:@SECLEVEL=0");
    // What no context of ours does: lets a refused chain pass, and offers ciphers that need no certificate.
    const ServerContext lenient(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_cipher_list(lenient.get(), "ALL:aNULL:@SECLEVEL=0");
    const auto waveThrough = [](X509_STORE_CTX* store, void*) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
        return 1;
    };
    SSL_CTX_set_cert_verify_callback(lenient.get(), waveThrough, nullptr);

    for (SSL_CTX* context : {good.get(), anonymous.get()})
        for (const bool early : {false, true}) {
            std::atomic<std::size_t> bytes{0};
            {
                RawServer server([&](Peer& peer) { bytes += peer.readToEnd().size(); }, context);
                Poco::Net::StreamSocket socket(Poco::Net::SocketAddress("127.0.0.1", server.port()));
                socket.setBlocking(false);
                const int descriptor = socket.impl()->sockfd();
                const auto stream = TlsStream::client(lenient.get(), descriptor, "localhost");
                std::size_t count = 0;
                const auto go = [&] { return early ? stream->write("secret", 6, count) : stream->handshake(); };
                TlsStep step = go();
                while (step == TlsStep::WantRead) {
                    pollfd ready{descriptor, POLLIN, 0};
                    BOOST_REQUIRE(::poll(&ready, 1, 10'000) == 1);
                    step = go();
                }
                BOOST_CHECK(step == TlsStep::Failed);
                BOOST_TEST(stream->certificateRejected() != early);
                BOOST_CHECK(stream->write("secret", 6, count) == TlsStep::Failed);
                BOOST_TEST(!stream->failure().empty());
            }
            BOOST_TEST(bytes == 0u);
        }
}

BOOST_AUTO_TEST_CASE(errors_that_others_left_in_the_queue_are_not_ours)
{
    const Authority authority;
    const ServerContext context = authority.serve("IP:127.0.0.1");
    RawServer server(
        [](Peer& peer) {
            while (!peer.readRequest().empty()) {
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
                Peer::pause(20ms); // so that the client has to wait for the rest
                peer.send("def");
            }
        },
        context.get());
    const auto leave = [] {
        ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
        ERR_raise(ERR_LIB_SSL, SSL_R_UNEXPECTED_EOF_WHILE_READING);
    };
    const auto transport = trusting(authority);
    for (int i = 0; i < 3; ++i) {
        leave();
        Exchange exchange = request("GET", server.url());
        const Response response = transport->exchange(exchange);
        leave();
        BOOST_TEST(bodyOf(response) == "abcdef");
        BOOST_TEST(exchange.attempt.reusedConnection == (i > 0));
    }
    leave();
    transport->closeIdle();
    BOOST_TEST(ERR_peek_error() == 0u);
    BOOST_TEST(server.connections() == 1u);
}

BOOST_AUTO_TEST_CASE(to_close_never_waits_for_the_peer)
{
    const Authority authority;
    const ServerContext context = authority.serve("IP:127.0.0.1");
    std::atomic<bool> done{false};
    RawServer server(
        [&](Peer& peer) { // answers one request on the first connection, and reads no more
            peer.readSome();
            if (peer.index == 0) peer.send(answer("ok"));
            eventually([&] { return done.load(); });
        },
        context.get());
    const auto started = std::chrono::steady_clock::now();
    {
        const auto transport = trusting(authority);
        Exchange idle = request("GET", server.url());
        BOOST_TEST(bodyOf(transport->exchange(idle)) == "ok");
        transport->closeIdle();
        // With the socket's buffer full, not even a close_notify goes out.
        Exchange stuck = request("POST", server.url(), std::string(20'000'000, 'x'));
        stuck.deadline = std::chrono::steady_clock::now() + 300ms;
        errorOf<Timeout>([&] { transport->exchange(stuck); });
        BOOST_TEST(transport->stats().openConnections == 0u);
    }
    BOOST_CHECK(std::chrono::steady_clock::now() - started < 5s); // the server would go on for 10
    done = true;
}

// For OpenSSL ".example.com" is any name below example.com.
BOOST_AUTO_TEST_CASE(an_empty_label_stands_for_no_host)
{
    const ServerContext context(SSL_CTX_new(TLS_client_method()));
    for (const char* host : {"", ".", ".com", ".example.com", "..example.com"})
        BOOST_CHECK_THROW(TlsStream::client(context.get(), 0, host), std::invalid_argument);
}

// OpenSSL skips them by itself as long as more of them are there, without a look at any clock. Hangs without the guard.
BOOST_AUTO_TEST_CASE(a_flood_of_hello_requests_does_not_outlast_anything)
{
    static constexpr char helloRequest[] = "\x16\x03\x03\x00\x04\x00\x00\x00"; // and the final '\0' is its ninth byte
    std::string flood;
    for (int i = 0; i < 4000; ++i) flood.append(helloRequest, sizeof helloRequest);
    RawServer server([&](Peer& peer) {
        peer.readSome();
        while (peer.send(flood)) {
        }
    });
    const std::string url = "https" + server.url().substr(4);
    TransportOptions options;
    options.tlsTimeout = 300ms;
    const auto impatient = Transport::create(options);
    Exchange first = request("GET", url);
    errorOf<Timeout>([&] { impatient->exchange(first); });
    BOOST_CHECK(first.attempt.delivery == Delivery::NotSent);
    errorOf<Timeout>([&] { impatient->tlsReport(url); });

    const auto patient = Transport::create();
    Exchange second = request("GET", url);
    second.deadline = std::chrono::steady_clock::now() + 300ms;
    errorOf<Timeout>([&] { patient->exchange(second); });

    CancellationSource source;
    Exchange third = request("GET", url);
    third.cancellation = source.token();
    std::thread canceller([&] {
        std::this_thread::sleep_for(200ms);
        source.cancel();
    });
    errorOf<Cancelled>([&] { patient->exchange(third); });
    canceller.join();
}

BOOST_AUTO_TEST_CASE(a_read_timeout_is_waited_once)
{
    const Authority authority;
    const ServerContext context = authority.serve("IP:127.0.0.1");
    RawServer server(
        [](Peer& peer) {
            peer.readRequest();
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe first part");
            peer.readToEnd();
        },
        context.get());
    TransportOptions options;
    options.tls.caFile = authority.file();
    options.readTimeout = 400ms;
    const auto transport = Transport::create(options);
    const auto once = [&] {
        Exchange exchange = request("GET", server.url());
        Response response;
        try {
            response = transport->exchange(exchange);
        } catch (const Timeout&) {
            return false; // it covers the wait for the head too
        }
        const auto started = std::chrono::steady_clock::now();
        errorOf<Timeout>([&] { bodyOf(response); });
        const auto took = std::chrono::steady_clock::now() - started;
        BOOST_CHECK(took >= 390ms);
        return took < 700ms;
    };
    bool good = false;
    for (int i = 0; i < 5 && !good; ++i) good = once(); // a busy machine may be late, though not each time by that much
    BOOST_CHECK(good);
}

BOOST_AUTO_TEST_CASE(a_known_length_needs_no_close_notify)
{
    const Authority authority;
    const ServerContext context = authority.serve("IP:127.0.0.1");
    RawServer server(
        [](Peer& peer) {
            peer.readRequest();
            peer.send(answer("whole", "Connection: close\r\n"));
        },
        context.get());
    Exchange exchange = request("GET", server.url());
    BOOST_TEST(bodyOf(trusting(authority)->exchange(exchange)) == "whole");
}

BOOST_AUTO_TEST_CASE(an_idle_tls_connection_that_ended_is_noticed)
{
    const Authority authority;
    const ServerContext context = authority.serve("IP:127.0.0.1");
    for (const bool orderly : {true, false}) {
        RawServer server(
            [orderly](Peer& peer) {
                peer.readRequest();
                peer.send(answer("one"));
                if (peer.index > 0)
                    peer.readToEnd();
                else if (orderly)
                    peer.closeNotify();
                else
                    peer.close();
            },
            context.get());
        const auto transport = trusting(authority);
        const long resumed = SSL_CTX_sess_hits(context.get());
        Exchange first = request("GET", server.url());
        bodyOf(transport->exchange(first));
        BOOST_TEST(transport->stats().idleConnections == 1u);
        BOOST_REQUIRE(eventually([&] { return tcpStateTo(server.port()) != TCP_ESTABLISHED; }));
        Exchange second = request("POST", server.url(), "x");
        BOOST_TEST(bodyOf(transport->exchange(second)) == "one");
        BOOST_TEST(!second.attempt.reusedConnection);
        BOOST_TEST(transport->stats().stale == 1u);
        BOOST_TEST(SSL_CTX_sess_hits(context.get()) == resumed + 1); // a session outlives a connection that ended badly
    }
}

BOOST_AUTO_TEST_CASE(sessions_are_resumed_for_the_same_name_only)
{
    const Authority authority;
    const ServerContext context = authority.serve("DNS:localhost,IP:127.0.0.1");
    RawServer server(always(answer("x", "Connection: close\r\n")), context.get());
    const auto transport = trusting(authority);
    const auto send = [&](const char* host) {
        const long before = SSL_CTX_sess_hits(context.get());
        Exchange exchange = request("GET", server.url("/", host));
        bodyOf(transport->exchange(exchange));
        return SSL_CTX_sess_hits(context.get()) - before;
    };
    BOOST_TEST(send("localhost") == 0);
    BOOST_TEST(send("localhost") == 1);
    BOOST_TEST(send("localhost") == 1);
    BOOST_TEST(send("127.0.0.1") == 0);
    BOOST_TEST(send("127.0.0.1") == 1);
}

BOOST_AUTO_TEST_CASE(large_bodies_both_ways_over_tls)
{
    const Authority authority;
    const ServerContext context = authority.serve("IP:127.0.0.1");
    const std::string body(3'000'000, 'y');
    RawServer server(
        [&](Peer& peer) {
            for (std::string text = peer.readRequest(); !text.empty(); text = peer.readRequest())
                peer.send(answer(text.substr(text.find("\r\n\r\n") + 4)));
        },
        context.get());
    const auto transport = trusting(authority);
    for (int i = 0; i < 2; ++i) {
        Exchange exchange = request("POST", server.url(), body);
        BOOST_CHECK(bodyOf(transport->exchange(exchange)) == body);
    }
    BOOST_TEST(server.connections() == 1u);
}

BOOST_AUTO_TEST_CASE(no_trusted_certificates_is_said_with_the_places_tried)
{
    TransportOptions options;
    options.tls.caFile = "/nowhere/ca.pem";
    Exchange exchange = request("GET", "https://127.0.0.1:1/");
    RawServer server([](Peer& peer) { peer.readToEnd(); });
    exchange.url = Url("https://127.0.0.1:" + std::to_string(server.port()) + "/");
    const auto named = errorOf<ConfigurationError>([&] { Transport::create(options)->exchange(exchange); });
    BOOST_TEST(named->details().message.find("/nowhere/ca.pem") != std::string::npos);
    BOOST_CHECK(named->delivery() == Delivery::NotSent);

    const Environment file("SSL_CERT_FILE", "/nowhere/bundle.pem");
    const Environment directory("SSL_CERT_DIR", "/nowhere/certs");
    const auto probed = errorOf<ConfigurationError>([&] { Transport::create()->exchange(exchange); });
    BOOST_TEST(probed->details().message.find("SSL_CERT_FILE=/nowhere/bundle.pem") != std::string::npos);
    BOOST_TEST(probed->details().message.find("SSL_CERT_DIR=/nowhere/certs") != std::string::npos);
}

// Debian's place; where a system keeps its own elsewhere, or has none, the other places are named.
BOOST_AUTO_TEST_CASE(the_systems_certificates_are_found_where_it_keeps_them)
{
    const Authority ours;
    const ServerContext context = ours.serve("IP:127.0.0.1");
    RawServer server([](Peer& peer) { peer.readToEnd(); }, context.get());
    const Without file("SSL_CERT_FILE"), directory("SSL_CERT_DIR");
    const std::string debians = "/etc/ssl/certs/ca-certificates.crt";
    try {
        const TlsReport report = Transport::create()->tlsReport(server.url());
        BOOST_TEST(report.trust.compare(0, 5, "/etc/") == 0, report.trust);
        BOOST_TEST((report.trust == debians) == std::filesystem::exists(debians), report.trust);
        BOOST_TEST(!report.verified); // nobody there vouches for our authority
    } catch (const ConfigurationError& error) {
        BOOST_TEST(!std::filesystem::exists(debians));
        for (const char* place : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs"})
            BOOST_TEST(error.details().message.find(place) != std::string::npos, error.details().message);
    }
}

BOOST_AUTO_TEST_CASE(the_environment_may_name_the_certificates)
{
    const Authority authority;
    const ServerContext context = authority.serve("IP:127.0.0.1");
    RawServer server(always(answer("x")), context.get());
    const Environment file("SSL_CERT_FILE", authority.file());
    Exchange exchange = request("GET", server.url());
    BOOST_TEST(bodyOf(Transport::create()->exchange(exchange)) == "x");
}

BOOST_AUTO_TEST_SUITE_END()
