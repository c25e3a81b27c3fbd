#pragma once

#include "ForkMutex.h"
#include "tollgate/AuthStrategy.h"
#include "tollgate/CredentialSource.h"
#include "tollgate/schemes/BearerAuth.h"

#include <string>
#include <string_view>

namespace tollgate::schemes {

/// Throws InvalidCredential with the reason if `secret` cannot be real. `what` names it: "the secret key (environment variable
/// X)".
void checkCredential(const Secret& secret, const std::string& what);

/// "the secret key (environment variable X)", for messages.
std::string named(const char* what, const CredentialSource& source);

/// The account that a source's secret belongs to: its slot, or without one the secret itself.
Identity identityOf(CredentialSource& source);

[[noreturn]] void refuseCredential(const std::string& message, const std::string& hint);

/// Makes a credential from a source's newest secret, and the same one again as long as the secret stays the same: the header line
/// is rendered once per version. Bearer and scoped Bearer share it. Thread-safe.
class BearerTokens
{
public:
    BearerTokens(CredentialSourcePtr source, KeyShape shape);
    CredentialPtr newest();
    /// Whether the source has moved on since `credential` was made: then a 401 may be cured by the newer key.
    bool hasFresherThan(const Credential& credential) { return newest()->fingerprint() != credential.fingerprint(); }
    Identity identity() const { return identityOf(*_source); }

private:
    CredentialSourcePtr _source;
    KeyShape _shape;
    ForkMutex _mutex;
    Secret _secret;
    CredentialPtr _credential;
};

} // namespace tollgate::schemes
