#include "States.h"

#include <Poco/Delegate.h>
#include <Poco/Net/AcceptCertificateHandler.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/SSLManager.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <vector>

namespace tollgate::tests {

namespace {

using Poco::Net::Context;
using Poco::Net::SSLManager;

Context::Ptr clientContext(Context::VerificationMode mode) { return new Context(Context::TLS_CLIENT_USE, "", mode); }

/// The snippet that half the web recommends.
struct AcceptAll : HostState
{
    AcceptAll()
    {
        SSLManager::instance().initializeClient(nullptr, new Poco::Net::AcceptCertificateHandler(false),
                                                clientContext(Context::VERIFY_RELAXED));
    }
};

struct IgnoreErrors : HostState
{
    IgnoreErrors() { SSLManager::instance().ClientVerificationError += Poco::delegate(this, &IgnoreErrors::ignore); }
    ~IgnoreErrors() override { SSLManager::instance().ClientVerificationError -= Poco::delegate(this, &IgnoreErrors::ignore); }
    void ignore(const void*, Poco::Net::VerificationErrorArgs& error) { error.setIgnoreError(true); }
};

struct NoVerification : HostState
{
    NoVerification() { SSLManager::instance().initializeClient(nullptr, nullptr, clientContext(Context::VERIFY_NONE)); }
};

/// A proxy for everybody in the process, and in the environment.
struct GlobalProxy : HostState
{
    explicit GlobalProxy(unsigned short port)
    {
        Poco::Net::HTTPClientSession::ProxyConfig proxy;
        proxy.host = "127.0.0.1";
        proxy.port = port;
        Poco::Net::HTTPClientSession::setGlobalProxyConfig(proxy);
        const std::string url = "http://127.0.0.1:" + std::to_string(port);
        for (const char* name : {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
            ::setenv(name, url.c_str(), 1);
    }
};

/// Initialises and uninitialises Poco's SSL before we come.
struct ChurnBefore : HostState
{
    ChurnBefore()
    {
        for (int i = 0; i < 3; ++i) once();
    }
    static void once()
    {
        Poco::Net::initializeSSL();
        SSLManager::instance().initializeClient(nullptr, new Poco::Net::AcceptCertificateHandler(false),
                                                clientContext(Context::VERIFY_NONE));
        Poco::Net::uninitializeSSL();
    }
    ~ChurnBefore() override { once(); }
};

/// The same all the time, on a thread of its own and around each call.
struct ChurnDuring : HostState
{
    ChurnDuring()
    {
        Poco::Net::initializeSSL(); // the host's own, as any program with Poco's SSL has it
        _thread = std::thread([this] {
            while (!_done) {
                Poco::Net::initializeSSL();
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
                Poco::Net::uninitializeSSL();
            }
        });
    }
    ~ChurnDuring() override
    {
        _done = true;
        _thread.join();
        Poco::Net::uninitializeSSL();
        Poco::Net::uninitializeSSL(); // once too often
    }
    void beforeCall() override
    {
        Poco::Net::initializeSSL();
        Poco::Net::uninitializeSSL();
    }
    bool hasThreads() const override { return true; }

private:
    std::atomic<bool> _done{false};
    std::thread _thread;
};

struct DefaultSigpipe : HostState
{
    DefaultSigpipe()
    {
        std::signal(SIGPIPE, SIG_DFL);
        beforeCall();
    }
    void beforeCall() override
    {
        sigset_t pipe;
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
    }
};

/// Leaves errors in OpenSSL's queue of the thread, which OpenSSL takes for those of the next call.
struct StaleErrors : HostState
{
    void beforeCall() override
    {
        ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
        ERR_raise(ERR_LIB_SSL, SSL_R_UNEXPECTED_EOF_WHILE_READING);
        ERR_raise(ERR_LIB_SYS, ECONNRESET);
    }
};

/// Callbacks that wave everybody through, on the host's own contexts.
struct OwnCallbacks : HostState
{
    OwnCallbacks()
    {
        const Context::Ptr context = clientContext(Context::VERIFY_RELAXED);
        SSL_CTX* native = context->sslContext();
        SSL_CTX_set_verify(native, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
        SSL_CTX_set_cert_verify_callback(
            native, [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
        SSL_CTX_sess_set_new_cb(native, [](SSL*, SSL_SESSION*) { return 0; });
        SSL_CTX_set_info_callback(native, [](const SSL*, int, int) {});
        SSLManager::instance().initializeClient(nullptr, nullptr, context);
        _context = context;
    }
    ~OwnCallbacks() override { SSLManager::instance().initializeClient(nullptr, nullptr, nullptr); }

private:
    Context::Ptr _context;
};

/// Tells everybody who asks the passphrase.
struct Passphrases : HostState
{
    Passphrases() { SSLManager::instance().PrivateKeyPassphraseRequired += Poco::delegate(this, &Passphrases::tell); }
    ~Passphrases() override { SSLManager::instance().PrivateKeyPassphraseRequired -= Poco::delegate(this, &Passphrases::tell); }
    void tell(const void*, std::string& passphrase) { passphrase = "open sesame"; }
};

/// What OpenSSL takes for a server's certificate, replaced for the whole process: expired will do, and so will one for clients.
struct LaxParameters : HostState
{
    LaxParameters()
    {
        X509_VERIFY_PARAM* parameters = X509_VERIFY_PARAM_new();
        X509_VERIFY_PARAM_set1_name(parameters, "ssl_server");
        X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_add0_table(parameters); // for good: OpenSSL would lose the name when it empties the table
    }
};

struct AllAtOnce : HostState
{
    explicit AllAtOnce(unsigned short proxyPort)
    {
        for (const char* name : {"churn-before", "accept-all", "own-callbacks", "ignore-errors", "passphrases", "lax-parameters",
                                 "global-proxy", "sigpipe", "churn-during", "stale-errors"})
            _states.push_back(makeHostState(name, proxyPort));
        SSLManager::instance().initializeClient(nullptr, new Poco::Net::AcceptCertificateHandler(false),
                                                clientContext(Context::VERIFY_NONE));
    }
    ~AllAtOnce() override
    {
        while (!_states.empty()) _states.pop_back();
    }
    void beforeCall() override
    {
        for (const auto& state : _states) state->beforeCall();
    }
    bool hasThreads() const override { return true; }

private:
    std::vector<std::unique_ptr<HostState>> _states;
};

} // namespace

std::unique_ptr<HostState> makeHostState(const std::string& name, unsigned short proxyPort)
{
    // "lax-openssl" is in the environment already: a configuration file of OpenSSL which allows all that is old and weak.
    if (name == "calm" || name == "lax-openssl") return std::make_unique<HostState>();
    if (name == "accept-all") return std::make_unique<AcceptAll>();
    if (name == "ignore-errors") return std::make_unique<IgnoreErrors>();
    if (name == "no-verification") return std::make_unique<NoVerification>();
    if (name == "global-proxy") return std::make_unique<GlobalProxy>(proxyPort);
    if (name == "churn-before") return std::make_unique<ChurnBefore>();
    if (name == "churn-during") return std::make_unique<ChurnDuring>();
    if (name == "sigpipe") return std::make_unique<DefaultSigpipe>();
    if (name == "stale-errors") return std::make_unique<StaleErrors>();
    if (name == "own-callbacks") return std::make_unique<OwnCallbacks>();
    if (name == "passphrases") return std::make_unique<Passphrases>();
    if (name == "lax-parameters") return std::make_unique<LaxParameters>();
    if (name == "all") return std::make_unique<AllAtOnce>(proxyPort);
    throw std::invalid_argument("no such state: " + name);
}

} // namespace tollgate::tests
