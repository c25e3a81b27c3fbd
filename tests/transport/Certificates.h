#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

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

/// An authority made in this process, which signs server certificates and can be written to a PEM file.
class Authority
{
public:
    Authority()
        : _key(EVP_EC_gen("P-256"))
        , _certificate(make("tollgate test authority " + std::to_string(::getpid()) + "/" + std::to_string(++_made), {}, *_key,
                            nullptr, *_key, false))
    {
        char path[] = "/tmp/tollgate-ca-XXXXXX";
        const int descriptor = ::mkstemp(path);
        require(descriptor >= 0);
        _file = path;
        FILE* file = ::fdopen(descriptor, "w");
        PEM_write_X509(file, _certificate.get());
        std::fclose(file);
    }
    ~Authority() { ::unlink(_file.c_str()); }
    Authority(const Authority&) = delete;
    Authority& operator=(const Authority&) = delete;

    const std::string& file() const { return _file; }

    /// A server's context whose certificate is for these names, as OpenSSL writes them: "IP:127.0.0.1,DNS:localhost".
    ServerContext serve(const std::string& names, bool expired = false) const
    {
        const Key key(EVP_EC_gen("P-256"));
        const Certificate certificate = make("tollgate test server", names, *key, _certificate.get(), *_key, expired);
        ServerContext context(SSL_CTX_new(TLS_server_method()));
        require(context && SSL_CTX_use_certificate(context.get(), certificate.get()) == 1 &&
                SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1);
        const unsigned char id[] = "tollgate test";
        SSL_CTX_set_session_id_context(context.get(), id, sizeof id);
        return context;
    }

private:
    static Certificate make(const std::string& subject, const std::string& names, EVP_PKEY& key, X509* issuer,
                            EVP_PKEY& issuerKey, bool expired)
    {
        Certificate certificate(X509_new());
        X509* x = certificate.get();
        X509_set_version(x, 2);
        static long serial = 1;
        ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
        X509_gmtime_adj(X509_getm_notBefore(x), -7200);
        X509_gmtime_adj(X509_getm_notAfter(x), expired ? -3600 : 7200);
        X509_NAME* name = X509_get_subject_name(x);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(subject.c_str()), -1, -1, 0);
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
        if (!issuer) extend(NID_basic_constraints, "critical,CA:TRUE");
        if (!names.empty()) extend(NID_subject_alt_name, names);
        require(X509_sign(x, &issuerKey, EVP_sha256()) > 0);
        return certificate;
    }

    static inline int _made = 0; ///< names differ, as those of real authorities do
    Key _key;
    Certificate _certificate;
    std::string _file;
};

} // namespace tollgate::transport::test
