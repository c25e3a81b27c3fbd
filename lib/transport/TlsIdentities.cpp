#include "transport/TlsIdentities.h"

#include "transport/Failure.h"
#include "transport/TlsHost.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace tollgate::transport {

namespace {

struct Free
{
    void operator()(BIO* file) const noexcept { BIO_free(file); }
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
    void operator()(STACK_OF(X509) * chain) const noexcept { sk_X509_pop_free(chain, X509_free); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// Answers OpenSSL's question for a passphrase. There is always such an answer, else OpenSSL would ask the terminal.
struct Passphrase
{
    std::string_view text;
    bool asked = false;

    static int answer(char* buffer, int capacity, int, void* context)
    {
        auto& self = *static_cast<Passphrase*>(context);
        self.asked = true;
        if (self.text.empty() || self.text.size() > static_cast<std::size_t>(capacity)) return -1;
        std::memcpy(buffer, self.text.data(), self.text.size());
        return static_cast<int>(self.text.size());
    }
};

Owned<BIO> openFile(const std::string& path)
{
    errno = 0;
    Owned<BIO> file(BIO_new_file(path.c_str(), "r"));
    const int error = errno;
    ERR_clear_error();
    if (!file)
        fail<ConfigurationError>(
            fmt::format("the client certificate's file {} cannot be opened: {}", path, systemErrorText(error)),
            "Check the path, and that this process may read the file.");
    return file;
}

Owned<X509> readCertificate(BIO* file)
{
    Passphrase none; // certificates are not encrypted, and nobody is asked
    Owned<X509> certificate(PEM_read_bio_X509(file, nullptr, Passphrase::answer, &none));
    ERR_clear_error();
    return certificate;
}

Owned<EVP_PKEY> readKey(const std::string& path, const Secret& secret)
{
    const Owned<BIO> file = openFile(path);
    Passphrase passphrase{secret.expose()};
    Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(file.get(), nullptr, Passphrase::answer, &passphrase));
    ERR_clear_error();
    if (key) return key;
    if (!passphrase.asked)
        fail<ConfigurationError>("no private key could be read from " + path,
                                 "The file must hold the client certificate's private key in PEM form.");
    if (secret.empty())
        fail<ConfigurationError>(fmt::format("the private key in {} is encrypted and no passphrase was given", path),
                                 "Set ClientCertificate::passphrase. Nobody is ever asked for it.");
    fail<ConfigurationError>(fmt::format("the private key in {} cannot be decrypted with the passphrase given", path),
                             "Check ClientCertificate::passphrase.");
}

} // namespace

struct TlsIdentities::Identity
{
    Owned<X509> certificate;
    Owned<STACK_OF(X509)> chain;
    Owned<EVP_PKEY> key;
};

TlsIdentities::TlsIdentities(const std::vector<ClientCertificate>& certificates)
{
    for (const ClientCertificate& each : certificates) {
        const std::string host = hostOfOption(each.host, "TlsOptions::clientCertificates");
        const std::string& keyFile = each.keyFile.empty() ? each.certificateFile : each.keyFile;
        auto identity = std::make_unique<Identity>();

        const Owned<BIO> file = openFile(each.certificateFile);
        identity->certificate = readCertificate(file.get());
        if (!identity->certificate)
            fail<ConfigurationError>(
                "no certificate could be read from " + each.certificateFile,
                "The file must hold the client certificate in PEM form, and behind it what leads to its authority.");
        identity->chain.reset(sk_X509_new_null());
        for (Owned<X509> next = readCertificate(file.get()); next; next = readCertificate(file.get()))
            if (sk_X509_push(identity->chain.get(), next.get()) > 0) (void)next.release();

        identity->key = readKey(keyFile, each.passphrase);
        const bool pair = X509_check_private_key(identity->certificate.get(), identity->key.get()) == 1;
        ERR_clear_error();
        if (!pair)
            fail<ConfigurationError>(fmt::format("the private key in {} belongs to another certificate than that in {}", keyFile,
                                                 each.certificateFile),
                                     "Name the key that the certificate was made for.");
        if (!_identities.emplace(host, std::move(identity)).second)
            fail<ConfigurationError>("there are two client certificates for " + host, "Decide on one of them.");
    }
}

TlsIdentities::~TlsIdentities() = default;

bool TlsIdentities::show(SSL* ssl, const std::string& host) const
{
    const auto found = _identities.find(host);
    if (found == _identities.end()) return false;
    const Identity& identity = *found->second;
    return SSL_use_cert_and_key(ssl, identity.certificate.get(), identity.key.get(), identity.chain.get(), 1) == 1;
}

} // namespace tollgate::transport
