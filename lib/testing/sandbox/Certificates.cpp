#include "Certificates.h"

#include <Poco/Exception.h>
#include <Poco/Path.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace tollgate::testing::sandbox {

namespace {

struct Release
{
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
    void operator()(X509_EXTENSION* extension) const noexcept { X509_EXTENSION_free(extension); }
};
using Key = std::unique_ptr<EVP_PKEY, Release>;
using Certificate = std::unique_ptr<X509, Release>;
using Extension = std::unique_ptr<X509_EXTENSION, Release>;

constexpr long secondsPerDay = 24 * 60 * 60;

void require(bool works, const char* what)
{
    if (!works) throw Poco::RuntimeException("The sandbox cannot make its certificates", what);
}

Key newKey()
{
    Key key(EVP_EC_gen("P-256"));
    require(key != nullptr, "key");
    return key;
}

void addExtension(X509* certificate, X509* issuer, int kind, const char* value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
    require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "extension");
}

/// A certificate valid from yesterday (clocks differ) for 30 days. `issuer` null: it signs itself.
Certificate newCertificate(EVP_PKEY* key, const char* name, X509* issuer, EVP_PKEY* issuerKey)
{
    Certificate certificate(X509_new());
    require(certificate != nullptr, "certificate");
    auto* const raw = certificate.get();
    unsigned char serial[8];
    require(RAND_bytes(serial, sizeof serial) == 1, "serial number");
    std::uint64_t number = 0;
    for (const auto byte : serial) number = number << 8U | byte;
    X509_set_version(raw, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(raw), number >> 1U);
    X509_gmtime_adj(X509_getm_notBefore(raw), -secondsPerDay);
    X509_gmtime_adj(X509_getm_notAfter(raw), 30 * secondsPerDay);
    X509_set_pubkey(raw, key);
    auto* const subject = X509_get_subject_name(raw);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509_set_issuer_name(raw, issuer ? X509_get_subject_name(issuer) : subject);

    addExtension(raw, issuer ? issuer : raw, NID_subject_key_identifier, "hash");
    if (issuer) {
        addExtension(raw, issuer, NID_authority_key_identifier, "keyid:always");
        addExtension(raw, issuer, NID_basic_constraints, "critical,CA:FALSE");
        addExtension(raw, issuer, NID_key_usage, "critical,digitalSignature");
        addExtension(raw, issuer, NID_ext_key_usage, "serverAuth");
        addExtension(raw, issuer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
    } else {
        addExtension(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
        addExtension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign");
    }
    require(X509_sign(raw, issuerKey, EVP_sha256()) > 0, "signature");
    return certificate;
}

std::string writeCertificate(X509* certificate)
{
    auto path = Poco::Path::temp() + "tollgate-sandbox-ca-XXXXXX";
    const int descriptor = ::mkstemp(path.data()); // mode 0600
    require(descriptor >= 0, "file in the temporary folder");
    FILE* const file = ::fdopen(descriptor, "w");
    const bool written = file != nullptr && PEM_write_X509(file, certificate) == 1;
    const bool closed = file != nullptr ? std::fclose(file) == 0 : ::close(descriptor) == 0;
    if (!written || !closed) ::unlink(path.c_str());
    require(written && closed, "file of the authority");
    return path;
}

} // namespace

Certificates::Certificates()
{
    const auto authorityKey = newKey();
    const auto authority = newCertificate(authorityKey.get(), "tollgate sandbox authority", nullptr, authorityKey.get());
    const auto serverKey = newKey();
    const auto server = newCertificate(serverKey.get(), "tollgate sandbox", authority.get(), authorityKey.get());

    _context = {SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
    require(_context != nullptr, "TLS context");
    auto* const context = _context.get();
    static const unsigned char sessions[] = "tollgate-sandbox";
    require(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 && SSL_CTX_use_certificate(context, server.get()) == 1 &&
                SSL_CTX_use_PrivateKey(context, serverKey.get()) == 1 &&
                SSL_CTX_set_session_id_context(context, sessions, sizeof sessions - 1) == 1,
            "TLS context");
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    _caFile = writeCertificate(authority.get());
}

Certificates::~Certificates() { ::unlink(_caFile.c_str()); }

} // namespace tollgate::testing::sandbox
