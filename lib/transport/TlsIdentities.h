#pragma once

#include "tollgate/Tls.h"

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

struct ssl_st;

namespace tollgate::transport {

/// The client certificates of a transport, each for one host. Read once; the private keys live in OpenSSL's memory from then on.
/// Immutable, thread-safe.
class TlsIdentities
{
public:
    /// Throws ConfigurationError, naming the file, for what cannot be read, a key that belongs to another certificate, and a
    /// passphrase that is wrong or missing. Never asks a terminal, nor the host program.
    explicit TlsIdentities(const std::vector<ClientCertificate>& certificates);
    ~TlsIdentities();

    /// Has the SSL object show the host's certificate; false if there is none for that host.
    bool show(ssl_st* ssl, const std::string& host) const;

private:
    struct Identity;
    std::unordered_map<std::string, std::unique_ptr<const Identity>> _identities; ///< by host
};

} // namespace tollgate::transport
