#include "transport/TlsContext.h"

#include "transport/Failure.h"

#include <Poco/Net/SSLManager.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tollgate::transport {

namespace {

// Where Linux distributions keep the bundle: Debian and Ubuntu, Fedora and RHEL, openSUSE, older RHEL, Alpine.
constexpr const char* bundleFiles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                       "/etc/ssl/ca-bundle.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                       "/etc/ssl/cert.pem"};
constexpr const char* bundleDirectory = "/etc/ssl/certs";

constexpr std::size_t maxSessions = 256;

using SessionPtr = std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>;

int passThrough(int verified, X509_STORE_CTX*) { return verified; }

std::string environment(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

bool loadFile(SSL_CTX* context, const std::string& path)
{
    const bool loaded = SSL_CTX_load_verify_locations(context, path.c_str(), nullptr) == 1;
    ERR_clear_error();
    return loaded;
}

bool loadDirectories(SSL_CTX* context, const std::string& paths)
{
    // OpenSSL takes any directory and looks into it later, so look first.
    bool any = false;
    for (std::size_t begin = 0; begin <= paths.size();) {
        const std::size_t end = std::min(paths.find(':', begin), paths.size());
        std::error_code error;
        const std::filesystem::directory_iterator entries(paths.substr(begin, end - begin), error);
        any = any || (!error && entries != std::filesystem::directory_iterator());
        begin = end + 1;
    }
    const bool loaded = any && SSL_CTX_load_verify_locations(context, nullptr, paths.c_str()) == 1;
    ERR_clear_error();
    return loaded;
}

Poco::Net::Context::Ptr makeContext()
{
    // Poco counts these; without a reference of our own, a host that uninitialises SSL would pull it away from under us. It is
    // never given back, since streams may outlive everything that could do so.
    static const bool initialized = (Poco::Net::initializeSSL(), true);
    (void)initialized;
    return new Poco::Net::Context(Poco::Net::Context::TLS_CLIENT_USE, "", Poco::Net::Context::VERIFY_STRICT, 9, false,
                                  OSSL_default_cipher_list());
}

} // namespace

/// The newest session of each host and port. A session is never offered to another name, because resumption checks no name.
class TlsContext::Sessions
{
public:
    void put(const std::string& key, SessionPtr session)
    {
        const std::lock_guard<std::mutex> lock(_mutex);
        if (_sessions.size() >= maxSessions && _sessions.count(key) == 0) _sessions.erase(_sessions.begin());
        _sessions.insert_or_assign(key, std::move(session));
    }

    /// Takes it out: a TLS 1.3 ticket is for one use (RFC 8446 appendix C.4).
    SessionPtr take(const std::string& key)
    {
        const std::lock_guard<std::mutex> lock(_mutex);
        const auto found = _sessions.find(key);
        if (found == _sessions.end()) return {nullptr, SSL_SESSION_free};
        SessionPtr session = std::move(found->second);
        if (SSL_SESSION_get_protocol_version(session.get()) < TLS1_3_VERSION && SSL_SESSION_up_ref(session.get()) == 1)
            found->second.reset(session.get()); // older ones may be used again
        else
            _sessions.erase(found);
        return session;
    }

    /// Hangs on each SSL object; the cache lives as long as the last of them.
    struct Owner
    {
        std::shared_ptr<Sessions> sessions;
        std::string key;
    };

    static int ownerIndex()
    {
        static const int index =
            SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, [](void*, void* owner, CRYPTO_EX_DATA*, int, long, void*) {
                delete static_cast<Owner*>(owner);
            });
        return index;
    }

    static int onNewSession(SSL* ssl, SSL_SESSION* session)
    {
        auto* owner = static_cast<Owner*>(SSL_get_ex_data(ssl, ownerIndex()));
        if (!owner) return 0;
        owner->sessions->put(owner->key, SessionPtr(session, SSL_SESSION_free));
        return 1; // the reference is ours now
    }

private:
    std::mutex _mutex;
    std::unordered_map<std::string, SessionPtr> _sessions;
};

TlsContext::TlsContext(const TlsOptions& options) : _context(makeContext()), _sessions(std::make_shared<Sessions>())
{
    SSL_CTX* context = _context->sslContext();
    trust(options);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, passThrough); // not Poco's: process-wide handlers could relax it
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384"); // Poco's choice, X448, costs five times as much
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, Sessions::onNewSession);
    ERR_clear_error();
}

TlsContext::~TlsContext() = default;

void TlsContext::trust(const TlsOptions& options)
{
    SSL_CTX* context = _context->sslContext();
    if (!options.caFile.empty()) {
        if (loadFile(context, options.caFile)) return;
        fail<ConfigurationError>("no trusted certificates could be read from " + options.caFile,
                                 "caFile must name a readable PEM file with at least one certificate.");
    }

    // Who sets these variables means them: the system's bundle would trust more than was asked for.
    const std::string file = environment("SSL_CERT_FILE");
    const std::string directory = environment("SSL_CERT_DIR");
    std::vector<std::string> tried;
    bool loaded = false;
    if (!file.empty() || !directory.empty()) {
        if (!file.empty()) {
            tried.push_back("SSL_CERT_FILE=" + file);
            loaded = loadFile(context, file);
        }
        if (!directory.empty()) {
            tried.push_back("SSL_CERT_DIR=" + directory);
            loaded = loadDirectories(context, directory) || loaded;
        }
    } else {
        for (const char* path : bundleFiles) {
            tried.emplace_back(path);
            if ((loaded = loadFile(context, path))) break;
        }
        if (!loaded) {
            tried.emplace_back(bundleDirectory);
            loaded = loadDirectories(context, bundleDirectory);
        }
    }
    if (!loaded)
        fail<ConfigurationError>(
            fmt::format("no trusted certificates found; looked in {}", fmt::join(tried, ", ")),
            "Install the ca-certificates package, or name a PEM file with SSL_CERT_FILE or TlsOptions::caFile.");
}

std::unique_ptr<TlsStream> TlsContext::open(int descriptor, const Origin& origin)
{
    std::unique_ptr<TlsStream> stream;
    try {
        stream = TlsStream::client(_context->sslContext(), descriptor, origin.host);
    } catch (const std::invalid_argument& error) {
        fail<TlsError>(error.what(), "Certificates name hosts by DNS names or plain IP addresses; use one of these in the URL.");
    }
    auto owner = std::make_unique<Sessions::Owner>(Sessions::Owner{_sessions, origin.authority()});
    if (const SessionPtr session = _sessions->take(owner->key)) SSL_set_session(stream->native(), session.get());
    if (SSL_set_ex_data(stream->native(), Sessions::ownerIndex(), owner.get()) == 1)
        (void)owner.release(); // freed with the SSL object
    return stream;
}

} // namespace tollgate::transport
