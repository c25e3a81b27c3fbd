#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

namespace tollgate::transport::test {

struct Free
{
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Certificate = std::unique_ptr<X509, Free>;
using ServerContext = std::unique_ptr<SSL_CTX, Free>;

inline void require(bool worked)
{
    if (!worked) throw std::runtime_error("OpenSSL failed in the test's set-up");
}

/// A file of this process's own, gone with the object.
class PemFile
{
public:
    PemFile()
    {
        const int descriptor = ::mkstemp(_path.data());
        require(descriptor >= 0);
        ::close(descriptor);
    }
    ~PemFile() { ::unlink(_path.c_str()); }
    PemFile(const PemFile&) = delete;
    PemFile& operator=(const PemFile&) = delete;

    const std::string& path() const { return _path; }
    void add(X509* certificate) const
    {
        const File file = open();
        require(PEM_write_X509(file.get(), certificate) == 1);
    }
    /// Encrypted if there is a passphrase.
    void add(EVP_PKEY* key, const std::string& passphrase = {}) const
    {
        const File file = open();
        const auto* bytes = reinterpret_cast<const unsigned char*>(passphrase.data());
        require(PEM_write_PrivateKey(file.get(), key, passphrase.empty() ? nullptr : EVP_aes_128_cbc(), bytes,
                                     static_cast<int>(passphrase.size()), nullptr, nullptr) == 1);
    }
    void add(const std::string& text) const { require(std::fputs(text.c_str(), open().get()) >= 0); }

private:
    struct Close
    {
        void operator()(FILE* file) const { std::fclose(file); }
    };
    using File = std::unique_ptr<FILE, Close>;
    File open() const { return File(std::fopen(_path.c_str(), "a")); }
    std::string _path = "/tmp/tollgate-test-XXXXXX";
};

/// What a certificate says.
struct CertificateOptions
{
    std::string names;      ///< as OpenSSL writes them: "IP:127.0.0.1,DNS:localhost"
    long validFrom = -7200; ///< seconds from now
    long validUntil = 7200;
    std::string usage; ///< extended key usage: "clientAuth"; empty: none is named
    bool selfSigned = false;
    std::string subject = "tollgate test server";
};

struct Issued
{
    Key key;
    Certificate certificate;
};

/// The pin of a key (RFC 7469), worked out from the key itself.
inline std::string pinOf(EVP_PKEY* key)
{
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key, &der);
    require(size > 0);
    std::array<unsigned char, 32> digest{};
    require(EVP_Digest(der, static_cast<std::size_t>(size), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
    OPENSSL_free(der);
    std::array<unsigned char, 45> text{};
    EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
    return {text.begin(), text.end() - 1};
}

inline ServerContext serverContext(const Issued& issued)
{
    ServerContext context(SSL_CTX_new(TLS_server_method()));
    require(context && SSL_CTX_use_certificate(context.get(), issued.certificate.get()) == 1 &&
            SSL_CTX_use_PrivateKey(context.get(), issued.key.get()) == 1);
    const unsigned char id[] = "tollgate test";
    SSL_CTX_set_session_id_context(context.get(), id, sizeof id);
    return context;
}

/// An authority made in this process, which signs certificates and can be written to a PEM file.
class Authority
{
public:
    Authority() : _key(EVP_EC_gen("P-256"))
    {
        CertificateOptions options;
        options.subject = "tollgate test authority " + std::to_string(::getpid()) + "/" + std::to_string(++_made);
        _certificate = make(options, *_key, nullptr, *_key, true);
        _file.add(_certificate.get());
    }

    const std::string& file() const { return _file.path(); }
    X509* certificate() const { return _certificate.get(); }
    EVP_PKEY* key() const { return _key.get(); }

    Issued issue(const CertificateOptions& options) const
    {
        Issued issued{Key(EVP_EC_gen("P-256")), nullptr};
        issued.certificate = options.selfSigned ? make(options, *issued.key, nullptr, *issued.key, false)
                                                : make(options, *issued.key, _certificate.get(), *_key, false);
        return issued;
    }

    /// A server's context whose certificate is for these names.
    ServerContext serve(const std::string& names, bool expired = false) const
    {
        CertificateOptions options;
        options.names = names;
        if (expired) options.validUntil = -3600;
        return serve(options);
    }
    ServerContext serve(const CertificateOptions& options) const { return serverContext(issue(options)); }

private:
    static Certificate make(const CertificateOptions& options, EVP_PKEY& key, X509* issuer, EVP_PKEY& issuerKey, bool authority)
    {
        Certificate certificate(X509_new());
        X509* x = certificate.get();
        X509_set_version(x, 2);
        static long serial = 1;
        ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
        X509_gmtime_adj(X509_getm_notBefore(x), options.validFrom);
        X509_gmtime_adj(X509_getm_notAfter(x), options.validUntil);
        X509_NAME* name = X509_get_subject_name(x);
        const auto* subject = reinterpret_cast<const unsigned char*>(options.subject.c_str());
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, subject, -1, -1, 0);
        X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : name);
        X509_set_pubkey(x, &key);
        X509V3_CTX context;
        X509V3_set_ctx(&context, issuer ? issuer : x, x, nullptr, nullptr, 0);
        const auto extend = [&](int nid, const std::string& value) {
            X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
            require(extension != nullptr);
            X509_add_ext(x, extension, -1);
            X509_EXTENSION_free(extension);
        };
        if (authority) extend(NID_basic_constraints, "critical,CA:TRUE");
        if (!options.names.empty()) extend(NID_subject_alt_name, options.names);
        if (!options.usage.empty()) extend(NID_ext_key_usage, options.usage);
        require(X509_sign(x, &issuerKey, EVP_sha256()) > 0);
        return certificate;
    }

    static inline int _made = 0; ///< names differ, as those of real authorities do
    Key _key;
    Certificate _certificate;
    PemFile _file;
};

} // namespace tollgate::transport::test
