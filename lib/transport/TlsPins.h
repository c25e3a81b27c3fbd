#pragma once

#include "tollgate/Tls.h"

#include <string>
#include <unordered_map>
#include <vector>

struct x509_st;
struct stack_st_X509;

namespace tollgate::transport {

/// The public keys that hosts are pinned to. Immutable, thread-safe.
class TlsPins
{
public:
    /// Throws ConfigurationError for a malformed host or pin.
    explicit TlsPins(const std::vector<PublicKeyPin>& pins);

    /// Whether the host has no pins, or one of them is that of a key in the chain. The chain must be the verified one: a server
    /// may show what it likes beside it.
    bool accept(const std::string& host, const stack_st_X509* chain) const;

private:
    std::unordered_map<std::string, std::vector<std::string>> _pins; ///< by host
};

/// The pin of the certificate's key: base64 of the SHA-256 of its SubjectPublicKeyInfo (RFC 7469 section 2.4).
std::string publicKeyPin(const x509_st* certificate);

} // namespace tollgate::transport
