#include "transport/TlsContext.h"

#include "ForkMutex.h"
#include "transport/Failure.h"
#include "transport/TlsHost.h"
#include "transport/TlsIdentities.h"
#include "transport/TlsPins.h"
#include "transport/TlsSessions.h"
#include "transport/TlsTrust.h"

#include <Poco/Net/SSLManager.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <new>
#include <stdexcept>
#include <utility>

namespace tollgate::transport {

namespace {

int passThrough(int verified, X509_STORE_CTX*) { return verified; }

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

/// What streams need of the context, which they may outlive.
struct TlsContext::Settings
{
    explicit Settings(const TlsOptions& options)
        : identities(options.clientCertificates)
        , pins(options.pins)
        , resume(options.resumeSessions)
    {}
    const TlsIdentities identities;
    const TlsPins pins;
    const bool resume;
    TlsSessions sessions;
};

/// Hangs on each SSL object and goes with it: what its callbacks need to know, and what they found.
struct TlsContext::Notes
{
    std::shared_ptr<Settings> settings;
    std::string host;       ///< as hostOfOption() writes it
    std::string sessionKey; ///< host and port
    bool look = false;
    bool asked = false;
    std::string pinMismatch;

    static int index()
    {
        static const int index =
            SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, [](void*, void* notes, CRYPTO_EX_DATA*, int, long, void*) {
                delete static_cast<Notes*>(notes);
            });
        return index;
    }
    static Notes* of(const SSL* ssl) noexcept { return static_cast<Notes*>(SSL_get_ex_data(ssl, index())); }

    /// What OpenSSL takes for a server's certificate comes from a table that the host can replace (X509_VERIFY_PARAM_add0_table).
    static void insist(X509_VERIFY_PARAM* parameters) noexcept
    {
        X509_VERIFY_PARAM_clear_flags(parameters, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_USE_CHECK_TIME |
                                                      X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_IGNORE_CRITICAL |
                                                      X509_V_FLAG_ALLOW_PROXY_CERTS);
        X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
        X509_VERIFY_PARAM_set_trust(parameters, X509_TRUST_SSL_SERVER);
    }

    /// Verifies the chain, then the pins: inside the handshake, so that a peer which fails sees no certificate of ours, and no
    /// session of it is kept.
    static int verify(X509_STORE_CTX* store, void*) noexcept
    try {
        const auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
        Notes* notes = of(ssl);
        insist(X509_STORE_CTX_get0_param(store));
        bool verified = X509_verify_cert(store) == 1;
        const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(store);
        if (verified && !notes->settings->pins.accept(notes->host, chain)) {
            verified = false;
            X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
            notes->pinMismatch =
                "its chain is in order, but holds no key that this host is pinned to; its own key has the pin sha256/" +
                publicKeyPin(sk_X509_value(chain, 0));
        }
        // A look goes on, but the verdict stays with the SSL object, and TlsStream fails the handshake for it.
        return verified || notes->look ? 1 : 0;
    } catch (...) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
        return 0;
    }

    /// The server wants a certificate. It has been verified by now, unless this is a look.
    static int show(SSL* ssl, void*) noexcept
    try {
        Notes* notes = of(ssl);
        notes->asked = true;
        if (SSL_get_verify_result(ssl) == X509_V_OK) notes->settings->identities.show(ssl, notes->host);
        return 1;
    } catch (...) {
        return 0;
    }

    static int keep(SSL* ssl, SSL_SESSION* session) noexcept
    try {
        Notes* notes = of(ssl);
        if (!notes || notes->look || SSL_get_verify_result(ssl) != X509_V_OK) return 0;
        notes->settings->sessions.put(notes->sessionKey, TlsSession(session));
        return 1; // the reference is ours now
    } catch (...) {
        return 1; // put() had it, and it is freed
    }
};

TlsContext::TlsContext(const TlsOptions& options)
    : _context(makeContext())
    , _trust(loadTrust(_context->sslContext(), options))
    , _settings(std::make_shared<Settings>(options))
{
    SSL_CTX* context = _context->sslContext();
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, passThrough); // not Poco's: process-wide handlers could relax it
    SSL_CTX_set_cert_verify_callback(context, Notes::verify, nullptr);
    SSL_CTX_set_min_proto_version(context, options.minimumVersion == TlsVersion::Tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384"); // Poco's choice, X448, costs five times as much
    SSL_CTX_set_cert_cb(context, Notes::show, nullptr);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    if (options.resumeSessions) SSL_CTX_sess_set_new_cb(context, Notes::keep);
    ERR_clear_error();
}

TlsContext::~TlsContext()
{
    const ForkSection inside;
    _settings.reset();
    _context = nullptr;
}

std::unique_ptr<TlsStream> TlsContext::open(int descriptor, const Origin& origin)
{
    const ForkSection inside;
    auto stream = start(descriptor, origin, false);
    if (!_settings->resume) return stream;
    if (const TlsSession session = _settings->sessions.take(Notes::of(stream->native())->sessionKey))
        SSL_set_session(stream->native(), session.get());
    return stream;
}

std::unique_ptr<TlsStream> TlsContext::look(int descriptor, const Origin& origin)
{
    const ForkSection inside;
    return start(descriptor, origin, true);
}

std::unique_ptr<TlsStream> TlsContext::start(int descriptor, const Origin& origin, bool look)
{
    std::unique_ptr<TlsStream> stream;
    try {
        stream = TlsStream::client(_context->sslContext(), descriptor, origin.host);
    } catch (const std::invalid_argument& error) {
        fail<TlsError>(error.what(), "Certificates name hosts by DNS names or plain IP addresses; use one of these in the URL.");
    }
    auto notes = std::make_unique<Notes>();
    notes->settings = _settings;
    notes->host = withoutRootDot(origin.host);
    notes->sessionKey = origin.authority();
    notes->look = look;
    if (SSL_set_ex_data(stream->native(), Notes::index(), notes.get()) != 1) throw std::bad_alloc();
    (void)notes.release(); // freed with the SSL object
    return stream;
}

const std::string& TlsContext::pinMismatch(const TlsStream& stream) noexcept { return Notes::of(stream.native())->pinMismatch; }

bool TlsContext::certificateAsked(const TlsStream& stream) noexcept { return Notes::of(stream.native())->asked; }

} // namespace tollgate::transport
