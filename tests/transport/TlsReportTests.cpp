#include "Certificates.h"
#include "ForwardingProxy.h"
#include "Support.h"

#include <cmath>

using namespace tollgate;
using namespace tollgate::transport::test;

namespace {

TransportOptions trusting(const Authority& authority)
{
    TransportOptions options;
    options.tls.caFile = authority.file();
    return options;
}

/// Reports on a server with that context, which must not get to see a byte of a request.
TlsReport reportOn(SSL_CTX* context, const TransportOptions& options, const std::string& host = "localhost")
{
    std::atomic<std::size_t> bytes{0};
    TlsReport report;
    {
        RawServer server([&](Peer& peer) { bytes += peer.readToEnd().size(); }, context);
        const auto transport = Transport::create(options);
        report = transport->tlsReport(server.url("/", host));
        BOOST_TEST(server.connections() == 1u);
        BOOST_TEST(transport->stats().openConnections == 0u);
        BOOST_TEST(report.port == server.port());
        BOOST_TEST(report.address == "127.0.0.1:" + std::to_string(server.port()));
    }
    BOOST_TEST(bytes == 0u);
    BOOST_TEST(report.host == host);
    BOOST_TEST(report.trust == options.tls.caFile);
    BOOST_TEST(report.verified == report.problem.empty());
    return report;
}

void checkProblem(const TlsReport& report, const std::string& problem)
{
    BOOST_TEST(!report.verified);
    BOOST_TEST(report.problem.find(problem) != std::string::npos, report.problem);
}

} // namespace

BOOST_AUTO_TEST_SUITE(TlsReportTests)

BOOST_AUTO_TEST_CASE(a_good_server_is_described)
{
    const Authority authority;
    CertificateOptions names;
    names.names = "DNS:localhost,IP:127.0.0.1,IP:::1,email:a@example.com,URI:https://example.com/,RID:1.2.3.4,"
                  "otherName:1.2.3.4;UTF8:other";
    const Issued issued = authority.issue(names);
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const ServerContext context = serverContext(issued);
        SSL_CTX_set_max_proto_version(context.get(), version);
        BOOST_REQUIRE(SSL_CTX_add1_chain_cert(context.get(), authority.certificate()) == 1);
        const TlsReport report = reportOn(context.get(), trusting(authority));
        BOOST_TEST(report.verified, report.problem);
        BOOST_TEST(report.version == (version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2"));
        BOOST_TEST(report.cipher.find("AES") != std::string::npos);
        BOOST_TEST(report.group == "x25519");
        BOOST_TEST(!report.clientCertificateAsked);
        BOOST_REQUIRE(report.chain.size() == 2u);
        const TlsCertificate& own = report.chain[0];
        BOOST_TEST(own.subject == "CN=tollgate test server");
        BOOST_TEST(own.issuer == report.chain[1].subject);
        const std::vector<std::string> known{"DNS:localhost", "IP:127.0.0.1", "IP:::1"};
        BOOST_TEST(own.names == known, boost::test_tools::per_element());
        BOOST_TEST(own.pin == pinOf(issued.key.get()));
        BOOST_TEST(report.chain[1].pin == pinOf(authority.key()));
        const auto hours = [](WallTime time) {
            return std::chrono::duration<double, std::ratio<3600>>(time - std::chrono::system_clock::now()).count();
        };
        BOOST_TEST(std::abs(hours(own.validFrom) + 2) < 0.2);
        BOOST_TEST(std::abs(hours(own.validUntil) - 2) < 0.2);
    }
}

BOOST_AUTO_TEST_CASE(every_fault_of_a_certificate_is_found_and_the_chain_shown)
{
    const Authority ours;
    const Authority theirs;
    const TransportOptions options = trusting(ours);
    const auto report = [&](const Authority& authority, void (*change)(CertificateOptions&), const char* host = "localhost") {
        CertificateOptions certificate;
        certificate.names = "DNS:localhost";
        change(certificate);
        const ServerContext context = authority.serve(certificate);
        const TlsReport found = reportOn(context.get(), options, host);
        BOOST_TEST(found.version == "TLSv1.3"); // it went on to the end, to see all there is
        BOOST_TEST(found.chain.size() == 1u);
        return found;
    };
    checkProblem(report(ours, [](CertificateOptions& c) { c.names = "DNS:example.com,IP:127.0.0.2"; }),
                 "not for localhost, but for DNS:example.com, IP:127.0.0.2");
    checkProblem(report(
                     ours, [](CertificateOptions& c) { c.names = "DNS:localhost,IP:127.0.0.2"; }, "127.0.0.1"),
                 "not for 127.0.0.1, but for");
    checkProblem(report(ours, [](CertificateOptions& c) { c.names.clear(); }), "names no host");
    checkProblem(report(ours, [](CertificateOptions& c) { c.validUntil = -3600; }), "CN=tollgate test server expired on 20");
    checkProblem(report(ours, [](CertificateOptions& c) { c.validFrom = 3600; }),
                 "CN=tollgate test server is not valid before 20");
    checkProblem(report(ours, [](CertificateOptions& c) { c.selfSigned = true; }), "self-signed");
    checkProblem(report(theirs, [](CertificateOptions&) {}), "leads to nobody who is trusted: CN=tollgate test authority");
    checkProblem(report(ours, [](CertificateOptions& c) { c.usage = "clientAuth"; }), "not meant for servers");
}

// Names come from whoever answers, and go to terminals and logs: none may move a cursor, forge a line or turn the writing round.
BOOST_AUTO_TEST_CASE(what_a_stranger_calls_itself_is_harmless_to_read)
{
    const Authority ours;
    CertificateOptions certificate;
    certificate.names = "DNS:\x1b[2J.example.com,DNS:a\nb.example.com";
    certificate.subject = "\x1b[31mbad\r\nverified: yes\x7f\t\xc2\x9b"
                          "2J \xe2\x80\xaeten\xe2\x81\xa6 Stra\xc3\x9f"
                          "e";
    certificate.selfSigned = true;
    const ServerContext context = ours.serve(certificate);
    const TlsReport report = reportOn(context.get(), trusting(ours));
    BOOST_REQUIRE(report.chain.size() == 1u);
    std::string all = report.problem + report.chain[0].subject + report.chain[0].issuer;
    for (const std::string& name : report.chain[0].names) all += name;
    {
        RawServer server([](Peer& peer) { peer.readToEnd(); }, context.get());
        const auto transport = Transport::create(trusting(ours));
        Exchange exchange = request("GET", server.url("/", "localhost"));
        all += errorOf<TlsError>([&] { transport->exchange(exchange); })->what();
    }

    BOOST_TEST(report.chain[0].subject.find("Stra\xc3\x9f"
                                            "e") != std::string::npos,
               report.chain[0].subject); // letters may be any
    BOOST_TEST(report.chain[0].names.size() == 2u);
    for (const char* harmful : {"\xc2\x9b", "\xe2\x80\xae", "\xe2\x81\xa6"})
        BOOST_TEST(all.find(harmful) == std::string::npos, all);
    BOOST_TEST(std::count_if(all.begin(), all.end(), [](unsigned char each) { return each < 0x20 || each == 0x7f; }) == 0, all);
}

BOOST_AUTO_TEST_CASE(a_pin_that_does_not_match_is_found)
{
    const Authority authority;
    CertificateOptions names;
    names.names = "DNS:localhost";
    const Issued issued = authority.issue(names);
    const ServerContext context = serverContext(issued);
    TransportOptions options = trusting(authority);
    options.tls.pins = {{"localhost", pinOf(authority.key())}};
    BOOST_TEST(reportOn(context.get(), options).verified);
    options.tls.pins = {{"localhost", std::string(43, 'A') + "="}};
    const TlsReport report = reportOn(context.get(), options);
    checkProblem(report, "sha256/" + pinOf(issued.key.get()));
    BOOST_TEST(report.chain.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_protocol_that_is_too_old_is_found)
{
    const Authority authority;
    const ServerContext context = authority.serve("DNS:localhost");
    SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    TransportOptions options = trusting(authority);
    options.tls.minimumVersion = TlsVersion::Tls13;
    TlsReport report = reportOn(context.get(), options);
    checkProblem(report, "no version of TLS that is new enough");
    BOOST_TEST(report.version.empty());

    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
    checkProblem(reportOn(context.get(), trusting(authority)), "no version of TLS that is new enough");
}

BOOST_AUTO_TEST_CASE(the_client_certificate_is_reported)
{
    const Authority authority;
    CertificateOptions named;
    named.subject = "Acme CRM";
    const Issued identity = authority.issue(named);
    const PemFile file;
    file.add(identity.certificate.get());
    file.add(identity.key.get());
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const ServerContext context = authority.serve("DNS:localhost");
        SSL_CTX_set_max_proto_version(context.get(), version);
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
        BOOST_REQUIRE(SSL_CTX_load_verify_locations(context.get(), authority.file().c_str(), nullptr) == 1);
        TransportOptions options = trusting(authority);
        TlsReport report = reportOn(context.get(), options);
        BOOST_TEST(report.verified);
        BOOST_TEST(report.clientCertificateAsked);
        BOOST_TEST(!report.clientCertificateShown);
        options.tls.clientCertificates = {{"localhost", file.path(), "", Secret()}};
        report = reportOn(context.get(), options);
        BOOST_TEST(report.verified);
        BOOST_TEST(report.clientCertificateShown);
    }
}

BOOST_AUTO_TEST_CASE(a_look_through_the_proxy_goes_through_its_tunnel)
{
    const Authority authority;
    const ServerContext context = authority.serve("DNS:api.example.test");
    RawServer server([](Peer& peer) { peer.readToEnd(); }, context.get());
    ForwardingProxy proxy(server.port());
    TransportOptions options = trusting(authority);
    options.proxy = proxy.url();
    const TlsReport report = Transport::create(options)->tlsReport("https://api.example.test/");
    BOOST_TEST(report.verified, report.problem);
    BOOST_TEST(report.host == "api.example.test");
    BOOST_TEST(report.port == 443);
    BOOST_TEST(report.address == proxy.address());
    BOOST_TEST(proxy.requests[0].find("CONNECT api.example.test:443 ") == 0u);
}

BOOST_AUTO_TEST_CASE(what_has_no_handshake_is_an_error)
{
    const Authority authority;
    const auto transport = Transport::create(trusting(authority));
    errorOf<InvalidUrl>([&] { transport->tlsReport("http://localhost/"); });
    errorOf<InvalidUrl>([&] { transport->tlsReport("localhost"); });
    errorOf<ConnectError>([&] { transport->tlsReport("https://127.0.0.1:1/"); });

    RawServer silent([](Peer& peer) { peer.readToEnd(); });
    TransportOptions options = trusting(authority);
    options.tlsTimeout = 200ms;
    const auto impatient = Transport::create(options);
    const auto timeout = errorOf<Timeout>([&] { impatient->tlsReport("https://localhost:" + std::to_string(silent.port())); });
    BOOST_TEST(timeout->details().message.find("tlsTimeout") != std::string::npos, timeout->what());
    BOOST_CHECK(timeout->delivery() == Delivery::NotSent);
    BOOST_TEST(impatient->stats().openConnections == 0u);

    RawServer closing([](Peer& peer) { peer.readSome(); });
    const auto closed = errorOf<TlsError>([&] { transport->tlsReport("https://localhost:" + std::to_string(closing.port())); });
    BOOST_TEST(closed->details().message.find("broke off") != std::string::npos, closed->what());

    RawServer plain([](Peer& peer) {
        peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        peer.readToEnd();
    });
    checkProblem(transport->tlsReport("https://localhost:" + std::to_string(plain.port())), "does not speak TLS");
    BOOST_TEST(transport->stats().openConnections == 0u);
}

BOOST_AUTO_TEST_CASE(a_look_leaves_no_session_behind)
{
    const Authority authority;
    const ServerContext context = authority.serve("DNS:localhost");
    SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION); // its session comes with the handshake itself
    RawServer server(always(answer("ok", "Connection: close\r\n")), context.get());
    const auto transport = Transport::create(trusting(authority));
    const std::string url = server.url("/", "localhost");
    BOOST_TEST(transport->tlsReport(url).verified);
    Exchange exchange = request("GET", url);
    bodyOf(transport->exchange(exchange));
    BOOST_TEST(SSL_CTX_sess_hits(context.get()) == 0);
    BOOST_TEST(!transport->tlsReport(url).chain.empty()); // today's certificate, not that of the session
    BOOST_TEST(SSL_CTX_sess_hits(context.get()) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
