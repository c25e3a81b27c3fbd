#pragma once

#include "tollgate/Clock.h"
#include "tollgate/Secret.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tollgate {

/// The oldest version of TLS to accept. Older ones than 1.2 are never spoken (RFC 8996).
enum class TlsVersion
{
    Tls12,
    Tls13
};

/// A certificate that proves who we are (mTLS). It is shown to one host only: to show it is to authenticate.
struct TOLLGATE_API ClientCertificate
{
    std::string host;            ///< who gets to see it, as in the URL: "api.example.com"
    std::string certificateFile; ///< PEM, the certificate first and what leads to its authority behind it
    std::string keyFile;         ///< PEM; empty: the key stands in certificateFile
    Secret passphrase;           ///< of the key; empty: it has none. Nobody is ever asked for one.
};

/// Accepts for one host only verified chains that hold a certain public key, beside the usual verification and never instead of
/// it. A host may have several pins, of which one must match: pin a spare key too, or a change of keys locks you out.
struct TOLLGATE_API PublicKeyPin
{
    std::string host; ///< as in the URL: "api.example.com"
    /// Base64 of the SHA-256 of the certificate's SubjectPublicKeyInfo (RFC 7469 section 2.4), perhaps with "sha256/" before it.
    /// TlsCertificate::pin shows what a server has.
    std::string sha256;
};

/// How TLS is set up. Verification of chain and host name cannot be switched off. Files are read and options checked at the first
/// https request, once per transport; what is wrong with them is a ConfigurationError.
struct TOLLGATE_API TlsOptions
{
    /// PEM file with the certificate authorities to trust instead of the system's. Empty: the system's bundle, looked for in
    /// SSL_CERT_FILE, SSL_CERT_DIR and the places Linux distributions use.
    std::string caFile;
    TlsVersion minimumVersion = TlsVersion::Tls12; ///< some gateways of the providers speak nothing newer
    std::vector<ClientCertificate> clientCertificates;
    std::vector<PublicKeyPin> pins;
    /// Resumes sessions, each with the same host and port only: saves a round trip or a signature per connection.
    bool resumeSessions = true;
};

/// One certificate as a server showed it.
struct TOLLGATE_API TlsCertificate
{
    std::string subject; ///< "CN=api.example.com,O=Example"
    std::string issuer;
    std::vector<std::string> names; ///< "DNS:api.example.com", "IP:203.0.113.5"
    WallTime validFrom{};
    WallTime validUntil{};
    std::string pin; ///< base64 SHA-256 of its public key, see PublicKeyPin
};

/// What one TLS handshake came to: for a person who wants to know whom a program talks to, and for monitoring.
struct TOLLGATE_API TlsReport
{
    std::string host;
    std::uint16_t port = 0;
    std::string address;                 ///< peer, "203.0.113.5:443"; the proxy's if there is one
    bool verified = false;               ///< chain, name, validity, usage and pins: all in order; a request would go out
    std::string problem;                 ///< why not, in plain words; empty if verified
    std::string version;                 ///< "TLSv1.3"; empty if the handshake did not get that far, as all below
    std::string cipher;                  ///< "TLS_AES_256_GCM_SHA384"
    std::string group;                   ///< of the key exchange: "x25519"
    std::vector<TlsCertificate> chain;   ///< as the server showed it, its own first
    bool clientCertificateAsked = false; ///< the server wanted to see one
    bool clientCertificateShown = false;
    std::string trust; ///< what is trusted: "/etc/ssl/certs/ca-certificates.crt"
};

} // namespace tollgate
