// A matrix: in each state of a hostile host process, calls to each kind of bad server at each pace. No byte of a request may get
// there, and good servers go on to work. Each state runs in a process of its own, since what such a host does is process-wide.

#include "WatchfulServer.h"
#include "transport/Support.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <sstream>

using namespace tollgate::tests;
using namespace tollgate::transport::test;

namespace {

constexpr std::array states = {"calm",         "accept-all", "ignore-errors", "no-verification", "global-proxy", "churn-before",
                               "churn-during", "sigpipe",    "stale-errors",  "own-callbacks",   "passphrases",  "lax-parameters",
                               "lax-openssl",  "all"};

/// A kind of server that must get nothing.
struct BadPeer
{
    std::string name;
    ServerContext context; ///< null: plain http
};

std::vector<BadPeer> badPeers(const Authority& trusted, const Authority& unknown)
{
    std::vector<BadPeer> peers;
    const auto add = [&](const char* name, const Authority& authority, void (*change)(CertificateOptions&)) {
        CertificateOptions options;
        options.names = "DNS:localhost,IP:127.0.0.1";
        change(options);
        peers.push_back({name, authority.serve(options)});
        return peers.back().context.get();
    };
    add("wrong-name", trusted, [](CertificateOptions& options) { options.names = "DNS:example.com,IP:127.0.0.2"; });
    add("no-name", trusted, [](CertificateOptions& options) {
        options.names.clear();
        options.subject = "localhost"; // the subject's common name is no identity
    });
    add("expired", trusted, [](CertificateOptions& options) { options.validUntil = -3600; });
    add("not-yet-valid", trusted, [](CertificateOptions& options) { options.validFrom = 3600; });
    add("self-signed", trusted, [](CertificateOptions& options) { options.selfSigned = true; });
    add("unknown-issuer", unknown, [](CertificateOptions&) {});
    add("wrong-usage", trusted, [](CertificateOptions& options) { options.usage = "clientAuth"; });
    SSL_CTX* old = add("tls-1.1", trusted, [](CertificateOptions&) {});
    SSL_CTX_set_cipher_list(old, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(old, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(old, TLS1_1_VERSION);
    peers.push_back({"anonymous", ServerContext(SSL_CTX_new(TLS_server_method()))});
    SSL_CTX* anonymous = peers.back().context.get();
    SSL_CTX_set_max_proto_version(anonymous, TLS1_2_VERSION);
    SSL_CTX_set_dh_auto(anonymous, 1);
    require(SSL_CTX_set_cipher_list(anonymous, "aNULL:@SECLEVEL=0") == 1);
    peers.push_back({"plain-http", nullptr});
    return peers;
}

struct Case
{
    std::string name;
    std::string kind;
    std::unique_ptr<WatchfulServer> server;
};

/// What the host process said, by the name of the job, and how it ended.
struct Said
{
    std::multimap<std::string, std::string> answers;
    int status = -1;
};

Said runHost(const std::string& state, unsigned short proxyPort, const std::string& jobs, const std::string& openSslConfiguration)
{
    int output[2];
    require(::pipe2(output, O_CLOEXEC) == 0);
    const PemFile input;
    input.add(jobs);
    const std::string program = TOLLGATE_BIN_DIR "/test-hostile-host";
    const std::string port = std::to_string(proxyPort);
    std::vector<std::string> environment;
    for (char** each = ::environ; *each; ++each) environment.emplace_back(*each);
    if (state == "lax-openssl") environment.push_back("OPENSSL_CONF=" + openSslConfiguration);
    std::vector<char*> variables;
    for (auto& each : environment) variables.push_back(each.data());
    variables.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) { // of a process with threads: only system calls until exec
        ::dup2(::open(input.path().c_str(), O_RDONLY | O_CLOEXEC), 0);
        ::dup2(output[1], 1);
        ::signal(SIGPIPE, SIG_DFL);
        ::alarm(120);
        ::execle(program.c_str(), program.c_str(), state.c_str(), port.c_str(), static_cast<char*>(nullptr), variables.data());
        ::_exit(127);
    }
    ::close(output[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(output[0], buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(got));
    ::close(output[0]);

    Said said;
    ::waitpid(child, &said.status, 0);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t blank = line.find(' ');
        if (blank != std::string::npos) said.answers.emplace(line.substr(0, blank), line.substr(blank + 1));
    }
    return said;
}

/// The servers that all is well with, and what they saw.
struct GoodServers
{
    GoodServers(const Authority& authority, const Issued& identity)
        : context(authority.serve("DNS:localhost,IP:127.0.0.1"))
        , watched(context.get(), Pace::AtOnce)
        , resumingContext(authority.serve("DNS:localhost,IP:127.0.0.1"))
        , resuming(always(answer("ok", "Connection: close\r\n")), resumingContext.get())
        , resetting(hangUpInUpload, context.get())
        , resettingPlain(hangUpInUpload)
        , hangingUp(
              [](Peer& peer) {
                  peer.readRequest();
                  peer.send(answer("ok"));
                  hangUp(peer);
              },
              context.get())
        , forking(
              [this](Peer& peer) {
                  std::string seen;
                  for (std::string text = peer.readRequest(); !text.empty(); text = peer.readRequest()) {
                      seen += text.compare(0, 11, "GET /parent") == 0 ? 'p' : 'c';
                      if (!peer.send(answer("ok"))) break;
                  }
                  owners.add(seen);
              },
              context.get())
    {
        key.add(identity.certificate.get());
        key.add(identity.key.get(), "open sesame");
    }

    /// An end and then a reset: who writes now gets EPIPE, and SIGPIPE if he has not asked to be spared. A reset alone would be
    /// told as ECONNRESET first.
    static void hangUp(Peer& peer)
    {
        peer.shutdownWrite();
        Peer::pause(std::chrono::milliseconds(50));
        peer.reset();
    }

    static void hangUpInUpload(Peer& peer)
    {
        peer.readSome();
        hangUp(peer);
    }

    std::string url(unsigned short port) const { return "https://localhost:" + std::to_string(port) + "/"; }

    PemFile key;
    Record owners; ///< for each connection of the forking job: whose requests came on it
    ServerContext context;
    WatchfulServer watched;
    ServerContext resumingContext;
    RawServer resuming, resetting, resettingPlain, hangingUp, forking;
};

struct Outcome
{
    std::string state;
    Said said;
    std::vector<Case> cases;
    std::unique_ptr<GoodServers> good;
    unsigned proxied = 0;
    long resumed = 0;
};

class Matrix
{
public:
    Matrix() : _peers(badPeers(_trusted, _unknown)), _identity(_trusted.issue({}))
    {
        _laxOpenSsl.add("openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = lax\n[lax]\n"
                        "MinProtocol = TLSv1\nCipherString = ALL:aNULL:@SECLEVEL=0\nOptions = UnsafeLegacyRenegotiation\n");
    }

    Outcome run(const std::string& state) const
    {
        RawServer proxy([](Peer& peer) { peer.readToEnd(); });
        Outcome outcome;
        outcome.state = state;
        outcome.good = std::make_unique<GoodServers>(_trusted, _identity);
        const GoodServers& good = *outcome.good;
        const std::string& ca = _trusted.file();
        std::string jobs = "resume resume " + good.url(good.resuming.port()) + " " + ca + "\n";
        jobs += "fork fork " + good.url(good.forking.port()) + " " + ca + "\n";
        jobs += "upload-tls upload " + good.url(good.resetting.port()) + " " + ca + "\n";
        jobs += "upload-plain upload http://localhost:" + std::to_string(good.resettingPlain.port()) + "/ " + ca + "\n";
        jobs += "hang-up hang-up " + good.url(good.hangingUp.port()) + " " + ca + "\n";
        jobs += "other-authority get " + good.url(good.resuming.port()) + " " + _unknown.file() + "\n";
        jobs += "locked-key get " + good.url(good.resuming.port()) + " " + ca + " " + good.key.path() + "\n";
        jobs += "after client " + good.url(good.watched.port()) + " " + ca + "\n";
        for (const BadPeer& peer : _peers)
            for (const char* kind : {"client", "stalled", "slow", "look"}) {
                const Pace pace = *kind == 's' ? (kind[1] == 't' ? Pace::Stalled : Pace::Slow) : Pace::AtOnce;
                Case each{state + "/" + peer.name + "/" + kind, kind, std::make_unique<WatchfulServer>(peer.context.get(), pace)};
                jobs += each.name + " " + kind + " " + good.url(each.server->port()) + " " + ca + "\n";
                outcome.cases.push_back(std::move(each));
            }
        outcome.said = runHost(state, proxy.port(), jobs, _laxOpenSsl.path());
        outcome.proxied = proxy.connections();
        outcome.resumed = SSL_CTX_sess_hits(good.resumingContext.get());
        eventually([&] {
            return std::all_of(outcome.cases.begin(), outcome.cases.end(),
                               [](const Case& each) { return each.server->ended(1); });
        });
        eventually([&] { return good.watched.ended(2) && good.owners.size() == good.forking.connections(); });
        return outcome;
    }

private:
    Authority _trusted;
    Authority _unknown;
    std::vector<BadPeer> _peers;
    Issued _identity;
    PemFile _laxOpenSsl;
};

std::string answerOf(const Outcome& outcome, const std::string& name)
{
    const auto found = outcome.said.answers.find(name);
    return found == outcome.said.answers.end() ? "nothing" : found->second;
}

void checkBadPeer(const Outcome& outcome, const Case& each)
{
    BOOST_TEST_CONTEXT(each.name)
    {
        const std::string said = answerOf(outcome, each.name);
        if (each.kind == "client")
            BOOST_TEST(said == "TlsError NotSent");
        else if (each.kind == "stalled")
            BOOST_TEST(said == "Timeout NotSent");
        else if (each.kind == "slow")
            BOOST_TEST((said == "TlsError NotSent" || said == "Timeout NotSent"), said);
        else
            BOOST_TEST(said == "unverified -");
        BOOST_TEST(each.server->connections() == 1u); // nobody tried again
        BOOST_TEST(each.server->ended(1));
        BOOST_TEST(each.server->requestBytes() == 0u);
    }
}

void checkGoodServers(const Outcome& outcome)
{
    BOOST_TEST_CONTEXT(outcome.state)
    {
        const GoodServers& good = *outcome.good;
        BOOST_TEST(outcome.said.status == 0); // not killed by SIGPIPE, nor by anything else
        BOOST_TEST(outcome.proxied == 0u);
        BOOST_TEST(answerOf(outcome, "resume") == "ok -");
        BOOST_TEST(outcome.resumed == 1); // by the same name, and never by another
        BOOST_TEST(answerOf(outcome, "upload-tls").find("ConnectionLost") == 0u, answerOf(outcome, "upload-tls"));
        BOOST_TEST(answerOf(outcome, "upload-plain").find("ConnectionLost") == 0u, answerOf(outcome, "upload-plain"));
        BOOST_TEST(answerOf(outcome, "hang-up") == "ok -");
        BOOST_TEST(answerOf(outcome, "other-authority") == "TlsError NotSent");
        BOOST_TEST(answerOf(outcome, "locked-key") == "ConfigurationError NotSent"); // the host's passphrase is not for us

        // In the hostile state and behind it; the server that counts does count.
        BOOST_TEST(outcome.said.answers.count("after") == 2u);
        const auto after = outcome.said.answers.equal_range("after");
        for (auto at = after.first; at != after.second; ++at) BOOST_TEST(at->second == "ok -");
        BOOST_TEST(good.watched.connections() == 2u);
        BOOST_TEST(good.watched.requestBytes() > 100u);

        if (outcome.state == "churn-during" || outcome.state == "all") return; // those do not fork
        BOOST_TEST(answerOf(outcome, "fork") == "ok -");
        std::vector<std::string> owners = good.owners.all();
        std::sort(owners.begin(), owners.end());
        // Two connections of the child with two requests each; the parent's two lived through it all.
        BOOST_TEST(owners == (std::vector<std::string>{"cc", "cc", "ppp", "ppp"}), boost::test_tools::per_element());
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(HostileHostTests)

BOOST_AUTO_TEST_CASE(no_bad_server_gets_a_byte_of_a_request_in_any_host)
{
    std::signal(SIGPIPE, SIG_IGN); // if somebody dies of it, then the host, not the servers here
    const Matrix matrix;
    std::size_t cases = 0;
    std::size_t leaked = 0;
    constexpr std::size_t together = 4; // mostly they wait
    for (std::size_t first = 0; first < states.size(); first += together) {
        std::vector<std::future<Outcome>> running;
        for (std::size_t i = first; i < std::min(first + together, states.size()); ++i)
            running.push_back(std::async(std::launch::async, [&matrix, i] { return matrix.run(states[i]); }));
        for (auto& each : running) {
            const Outcome outcome = each.get();
            for (const Case& tried : outcome.cases) {
                checkBadPeer(outcome, tried);
                leaked += tried.server->requestBytes();
            }
            checkGoodServers(outcome);
            cases += outcome.cases.size();
        }
    }
    std::cout << "host cases: " << cases << "\nrequest bytes leaked: " << leaked << std::endl;
    BOOST_TEST(leaked == 0u);
    BOOST_TEST(cases == states.size() * 40);
}

BOOST_AUTO_TEST_SUITE_END()
