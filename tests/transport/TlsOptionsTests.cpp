#include "Certificates.h"
#include "Support.h"

#include "tollgate/Client.h"

#include <fcntl.h>

using namespace tollgate;
using namespace tollgate::transport::test;

namespace {

std::string get(Transport& transport, const std::string& url)
{
    Exchange exchange = request("GET", url);
    return bodyOf(transport.exchange(exchange));
}

/// A server which asks for client certificates and writes down those it gets to see.
struct AskingServer
{
    AskingServer(const Authority& authority, const std::string& names, bool insists = true) : context(authority.serve(names))
    {
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | (insists ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
        SSL_CTX_set_cert_verify_callback(
            context.get(),
            [](X509_STORE_CTX* store, void* record) {
                const X509* certificate = X509_STORE_CTX_get0_cert(store);
                char name[200] = "";
                X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
                const int behind = sk_X509_num(X509_STORE_CTX_get0_untrusted(store)) - 1;
                static_cast<Record*>(record)->add(name + std::string("+") + std::to_string(behind));
                return 1;
            },
            &shown);
        server = std::make_unique<RawServer>(always(answer("ok", "Connection: close\r\n")), context.get());
    }

    Record shown;
    ServerContext context;
    std::unique_ptr<RawServer> server;
};

Issued clientIdentity(const Authority& authority, const std::string& subject)
{
    CertificateOptions options;
    options.subject = subject;
    options.usage = "clientAuth";
    return authority.issue(options);
}

TransportOptions trusting(const Authority& authority)
{
    TransportOptions options;
    options.tls.caFile = authority.file();
    return options;
}

/// The options must be refused, naming the reason and not the secret.
void checkUnusable(const TransportOptions& options, const std::string& reason)
{
    RawServer server([](Peer& peer) { peer.readToEnd(); });
    const auto error = errorOf<ConfigurationError>(
        [&] { get(*Transport::create(options), "https://127.0.0.1:" + std::to_string(server.port()) + "/"); });
    BOOST_TEST(error->details().message.find(reason) != std::string::npos, error->what());
    BOOST_TEST(std::string(error->what()).find("open sesame") == std::string::npos);
    BOOST_CHECK(error->delivery() == Delivery::NotSent);
}

} // namespace

BOOST_AUTO_TEST_SUITE(TlsOptionsTests)

BOOST_AUTO_TEST_CASE(a_client_certificate_is_shown_to_its_host_and_to_no_other)
{
    const Authority authority;
    const Issued identity = clientIdentity(authority, "Acme CRM");
    const PemFile certificates; // with what leads to its authority
    certificates.add(identity.certificate.get());
    certificates.add(authority.certificate());
    const PemFile key;
    key.add(identity.key.get(), "open sesame");

    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        AskingServer ours(authority, "DNS:localhost");
        AskingServer theirs(authority, "IP:127.0.0.1", false);
        SSL_CTX_set_max_proto_version(ours.context.get(), version);
        SSL_CTX_set_max_proto_version(theirs.context.get(), version);
        for (const char* host : {"localhost", "LOCALHOST", "localhost."}) {
            TransportOptions options = trusting(authority);
            options.tls.clientCertificates = {{host, certificates.path(), key.path(), Secret("open sesame")}};
            options.tls.resumeSessions = false;
            const auto transport = Transport::create(options);
            const std::size_t before = ours.shown.size();
            BOOST_TEST(get(*transport, ours.server->url("/", "localhost")) == "ok");
            // As a redirect would lead on, to a server that wants a certificate too.
            BOOST_TEST(get(*transport, theirs.server->url("/")) == "ok");
            BOOST_TEST(get(*transport, ours.server->url("/", "localhost.")) == "ok");
            BOOST_TEST(ours.shown.size() - before == 2u);
        }
        for (const std::string& each : ours.shown.all()) BOOST_TEST(each == "Acme CRM+1");
        BOOST_TEST(theirs.shown.size() == 0u);
    }
}

// A stranger would choose what we do there in our own name.
BOOST_AUTO_TEST_CASE(no_redirect_leads_from_elsewhere_to_a_host_that_sees_a_client_certificate)
{
    const Authority authority;
    const Issued identity = clientIdentity(authority, "Acme CRM");
    const PemFile both;
    both.add(identity.certificate.get());
    both.add(identity.key.get());
    AskingServer ours(authority, "DNS:localhost");
    const ServerContext context = authority.serve("IP:127.0.0.1");
    const std::string there = ours.server->url("/delete", "localhost");
    RawServer stranger(always("HTTP/1.1 307 Elsewhere\r\nLocation: " + there + "\r\nContent-Length: 0\r\n\r\n"), context.get());
    TransportOptions options = trusting(authority);
    options.tls.clientCertificates = {{"localhost.", both.path(), "", Secret()}};
    const auto transport = Transport::create(options);
    BOOST_TEST(get(*transport, ours.server->url("/", "localhost")) == "ok"); // a warm connection would be as good
    const unsigned before = ours.server->connections();
    const Client client = Client::to(stranger.url()).transport(transport).followRedirects().build();
    const auto error = errorOf<InsecureTransport>([&] { client.post("/").json("{}").send(); });
    BOOST_TEST(std::string(error->what()).find("client certificate") != std::string::npos);
    BOOST_TEST(ours.server->connections() == before);
}

BOOST_AUTO_TEST_CASE(a_client_certificate_is_not_shown_to_a_peer_that_is_not_verified)
{
    const Authority authority;
    const Authority unknown;
    const Issued identity = clientIdentity(authority, "Acme CRM");
    const PemFile both;
    both.add(identity.certificate.get());
    both.add(identity.key.get());
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
        for (const bool pinned : {false, true}) {
            AskingServer imposter(pinned ? authority : unknown, "DNS:localhost");
            SSL_CTX_set_max_proto_version(imposter.context.get(), version);
            TransportOptions options = trusting(authority);
            options.tls.clientCertificates = {{"localhost", both.path(), "", Secret()}};
            if (pinned) options.tls.pins = {{"localhost", pinOf(unknown.key())}};
            const auto transport = Transport::create(options);
            const std::string url = imposter.server->url("/", "localhost");
            errorOf<TlsError>([&] { get(*transport, url); });
            const TlsReport report = transport->tlsReport(url); // goes through with the handshake
            BOOST_TEST(!report.verified);
            BOOST_TEST(report.clientCertificateAsked);
            BOOST_TEST(!report.clientCertificateShown);
            BOOST_TEST(imposter.shown.size() == 0u);
        }
}

BOOST_AUTO_TEST_CASE(a_server_that_misses_a_client_certificate_is_explained)
{
    const Authority authority;
    AskingServer server(authority, "DNS:localhost");
    SSL_CTX_set_max_proto_version(server.context.get(), TLS1_2_VERSION);
    const auto error =
        errorOf<TlsError>([&] { get(*Transport::create(trusting(authority)), server.server->url("/", "localhost")); });
    BOOST_TEST(error->hint().find("clientCertificates") != std::string::npos, error->what());
    BOOST_CHECK(error->delivery() == Delivery::NotSent);
}

BOOST_AUTO_TEST_CASE(client_certificates_that_cannot_be_used_are_refused)
{
    const Authority authority;
    const Issued identity = clientIdentity(authority, "Acme CRM");
    const Issued other = clientIdentity(authority, "Somebody else");
    const PemFile certificate;
    certificate.add(identity.certificate.get());
    const PemFile locked;
    locked.add(identity.key.get(), "open sesame");
    const PemFile plain;
    plain.add(identity.key.get());
    const PemFile wrong;
    wrong.add(other.key.get());
    const PemFile garbage;
    garbage.add("-----BEGIN PRIVATE KEY-----\nopen sesame\n-----END PRIVATE KEY-----\n");
    const auto check = [&](const std::string& host, const std::string& file, const std::string& key, const char* passphrase,
                           const std::string& reason) {
        TransportOptions options = trusting(authority);
        options.tls.clientCertificates = {{host, file, key, *passphrase ? Secret(passphrase) : Secret()}};
        checkUnusable(options, reason);
    };
    const std::string& file = certificate.path();
    check("localhost", "/nowhere/client.pem", "", "", "/nowhere/client.pem cannot be opened: No such file");
    check("localhost", file, "/nowhere/key.pem", "", "/nowhere/key.pem cannot be opened: No such file");
    check("localhost", plain.path(), "", "", "no certificate could be read from " + plain.path());
    check("localhost", "/tmp", "", "", "no certificate could be read from /tmp");
    check("localhost", file, "", "", "no private key could be read from " + file);
    check("localhost", file, garbage.path(), "", "no private key could be read from " + garbage.path());
    check("localhost", file, wrong.path(), "", "belongs to another certificate than that in " + file);
    check("localhost", file, locked.path(), "", "is encrypted and no passphrase was given");
    check("localhost", file, locked.path(), "open sesame!", "cannot be decrypted with the passphrase given");
    check("localhost", file, locked.path(), std::string(5000, 'x').c_str(), "cannot be decrypted with the passphrase given");
    for (const char* host : {"", "https://localhost", "localhost/x", "localhost:443", "a b", "[::1", "u@localhost"})
        check(host, file, plain.path(), "", "TlsOptions::clientCertificates names no host");

    TransportOptions options = trusting(authority);
    options.tls.clientCertificates = {{"localhost", file, plain.path(), Secret()}, {"LocalHost.", file, plain.path(), Secret()}};
    checkUnusable(options, "two client certificates for localhost");
}

BOOST_AUTO_TEST_CASE(nobody_is_asked_for_a_passphrase)
{
    // Were the terminal or standard input asked, this would hang or read it.
    const Authority authority;
    const Issued identity = clientIdentity(authority, "Acme CRM");
    const PemFile both;
    both.add(identity.key.get(), "open sesame");
    both.add(identity.certificate.get());
    int pipes[2];
    BOOST_REQUIRE(::pipe2(pipes, O_CLOEXEC | O_NONBLOCK) == 0);
    BOOST_REQUIRE(::write(pipes[1], "open sesame\n", 12) == 12);
    const int input = ::dup(0);
    ::dup2(pipes[0], 0);
    TransportOptions options = trusting(authority);
    options.tls.clientCertificates = {{"localhost", both.path(), "", Secret()}};
    checkUnusable(options, "is encrypted and no passphrase was given");
    char buffer[20];
    BOOST_TEST(::read(0, buffer, sizeof buffer) == 12);
    ::dup2(input, 0);
    for (const int descriptor : {input, pipes[0], pipes[1]}) ::close(descriptor);
}

BOOST_AUTO_TEST_CASE(a_pinned_host_needs_one_of_its_keys_in_the_verified_chain)
{
    const Authority authority;
    const Authority spare;
    CertificateOptions names;
    names.names = "DNS:localhost,IP:127.0.0.1";
    const Issued issued = authority.issue(names);
    const ServerContext context = serverContext(issued);
    // The spare authority's certificate is shown, but vouches for nothing: it is not in the verified chain.
    BOOST_REQUIRE(SSL_CTX_add1_chain_cert(context.get(), spare.certificate()) == 1);
    const std::string own = pinOf(issued.key.get());
    const std::string root = pinOf(authority.key());
    const std::string stranger = pinOf(spare.key());

    Record requests;
    RawServer server(
        [&](Peer& peer) {
            const std::string text = peer.readRequest();
            if (text.empty()) return;
            requests.add(text);
            peer.send(answer("ok", "Connection: close\r\n"));
        },
        context.get());
    const auto with = [&](std::vector<PublicKeyPin> pins) {
        TransportOptions options = trusting(authority);
        options.tls.pins = std::move(pins);
        return Transport::create(options);
    };
    const std::string url = server.url("/", "localhost");
    for (const auto& pins : std::vector<std::vector<PublicKeyPin>>{{{"localhost", own}},
                                                                   {{"localhost", "sha256/" + own}},
                                                                   {{"LOCALHOST.", root}},
                                                                   {{"localhost", stranger}, {"localhost", own}},
                                                                   {{"example.com", stranger}}})
        BOOST_TEST(get(*with(pins), url) == "ok");
    const auto good = requests.size();

    for (const char* host : {"localhost", "LocalHost", "localhost."})
        for (const char* written : {"localhost", "LOCALHOST", "localhost."}) {
            const auto error = errorOf<TlsError>([&] { get(*with({{written, stranger}}), server.url("/", host)); });
            BOOST_CHECK(error->delivery() == Delivery::NotSent);
            BOOST_TEST(error->details().message.find("sha256/" + own) != std::string::npos, error->what());
        }
    errorOf<TlsError>([&] { get(*with({{"127.0.0.1", stranger}}), server.url("/")); });
    BOOST_TEST(requests.size() == good);
}

BOOST_AUTO_TEST_CASE(pins_never_stand_in_for_verification)
{
    const Authority authority;
    const Authority unknown;
    CertificateOptions names;
    names.names = "DNS:localhost";
    const Issued issued = unknown.issue(names);
    const ServerContext context = serverContext(issued);
    RawServer server(always(answer("ok")), context.get());
    TransportOptions options = trusting(authority);
    options.tls.pins = {{"localhost", pinOf(issued.key.get())}};
    errorOf<TlsError>([&] { get(*Transport::create(options), server.url("/", "localhost")); });
}

BOOST_AUTO_TEST_CASE(pins_hold_for_resumed_sessions)
{
    const Authority authority;
    CertificateOptions names;
    names.names = "DNS:localhost";
    const Issued issued = authority.issue(names);
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const ServerContext context = serverContext(issued);
        SSL_CTX_set_max_proto_version(context.get(), version);
        RawServer server(always(answer("ok", "Connection: close\r\n")), context.get());
        const std::string url = server.url("/", "localhost");

        TransportOptions options = trusting(authority);
        options.tls.pins = {{"localhost", pinOf(issued.key.get())}};
        const auto good = Transport::create(options);
        BOOST_TEST(get(*good, url) == "ok");
        BOOST_TEST(get(*good, url) == "ok");
        BOOST_TEST(SSL_CTX_sess_hits(context.get()) == 1); // only a session whose chain was pinned can be resumed

        options.tls.pins = {{"localhost", std::string(43, 'A') + "="}};
        const auto bad = Transport::create(options);
        for (int i = 0; i < 3; ++i) {
            errorOf<TlsError>([&] { get(*bad, url); });
            BOOST_TEST(!bad->tlsReport(url).verified);
        }
        BOOST_TEST(SSL_CTX_sess_hits(context.get()) == 1); // what was refused left no session behind
    }
}

BOOST_AUTO_TEST_CASE(a_malformed_pin_is_refused)
{
    const Authority authority;
    const std::string good = pinOf(authority.key());
    for (const std::string& pin : {std::string(), std::string("sha256/"), good.substr(1), good + "=", " " + good.substr(1),
                                   good.substr(0, 42) + "==", std::string(43, '*') + "=", std::string(43, 'B') + "=",
                                   "sha1/" + good, "sha256//" + good, std::string(64, 'a')})
    {
        TransportOptions options = trusting(authority);
        options.tls.pins = {{"localhost", pin}};
        checkUnusable(options, "pin for localhost is not the base64 of a SHA-256");
    }
    TransportOptions options = trusting(authority);
    options.tls.pins = {{"https://localhost", good}};
    checkUnusable(options, "TlsOptions::pins names no host");
}

BOOST_AUTO_TEST_CASE(the_minimum_version_is_kept)
{
    const Authority authority;
    const ServerContext context = authority.serve("DNS:localhost");
    RawServer server(always(answer("ok")), context.get());
    const std::string url = server.url("/", "localhost");
    TransportOptions options = trusting(authority);
    SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    BOOST_TEST(get(*Transport::create(options), url) == "ok");
    options.tls.minimumVersion = TlsVersion::Tls13;
    const auto error = errorOf<TlsError>([&] { get(*Transport::create(options), url); });
    BOOST_TEST(error->details().message.find("no version of TLS that is new enough") != std::string::npos, error->what());
    SSL_CTX_set_max_proto_version(context.get(), TLS1_3_VERSION);
    BOOST_TEST(get(*Transport::create(options), url) == "ok");
}

BOOST_AUTO_TEST_CASE(sessions_belong_to_host_and_port_and_can_be_switched_off)
{
    const Authority authority;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const ServerContext context = authority.serve("DNS:localhost,IP:127.0.0.1"); // one key for all tickets
        SSL_CTX_set_max_proto_version(context.get(), version);
        RawServer first(always(answer("ok", "Connection: close\r\n")), context.get());
        RawServer second(always(answer("ok", "Connection: close\r\n")), context.get());
        const auto hits = [&](Transport& transport, const std::string& url) {
            const long before = SSL_CTX_sess_hits(context.get());
            BOOST_TEST(get(transport, url) == "ok");
            return SSL_CTX_sess_hits(context.get()) - before;
        };
        TransportOptions options = trusting(authority);
        const auto transport = Transport::create(options);
        BOOST_TEST(hits(*transport, first.url()) == 0);
        BOOST_TEST(hits(*transport, second.url()) == 0); // another port
        BOOST_TEST(hits(*transport, first.url("/", "localhost")) == 0);
        BOOST_TEST(hits(*Transport::create(options), first.url()) == 0); // another transport, perhaps with other settings
        BOOST_TEST(hits(*transport, first.url()) == 1);
        BOOST_TEST(hits(*transport, second.url()) == 1);
        options.tls.resumeSessions = false;
        const auto fresh = Transport::create(options);
        for (int i = 0; i < 3; ++i) BOOST_TEST(hits(*fresh, first.url()) == 0);
    }
}

BOOST_AUTO_TEST_CASE(two_transports_trust_each_its_own_authorities)
{
    const Authority one;
    const Authority two;
    const ServerContext context = one.serve("DNS:localhost");
    RawServer server(always(answer("ok", "Connection: close\r\n")), context.get());
    const auto first = Transport::create(trusting(one));
    const auto second = Transport::create(trusting(two));
    for (int i = 0; i < 2; ++i) {
        BOOST_TEST(get(*first, server.url("/", "localhost")) == "ok");
        errorOf<TlsError>([&] { get(*second, server.url("/", "localhost")); });
    }
}

BOOST_AUTO_TEST_SUITE_END()
