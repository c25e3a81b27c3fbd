#pragma once

#include "tollgate/Exchange.h"
#include "tollgate/Request.h"
#include "tollgate/Response.h"
#include "tollgate/Result.h"
#include "tollgate/Secret.h"

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace tollgate {

/// Whose quota and whose lockout a call counts for.
struct TOLLGATE_API Identity
{
    std::string realm;     ///< where the account lives; empty: the origin of the client's base URL
    std::string principal; ///< the account, never the key, so that it outlives a rotation
    Secret partition{};    ///< a part of the account that may be refused on its own, such as a site_uuid; often empty
    Secret unnamed{};      ///< without a principal: the secret that stands for the account; the quota store gives it a name
};

/// Where a strategy puts secrets. Known before any credential is there: redaction, cache keys and redirects follow from it.
struct TOLLGATE_API Carriers
{
    std::vector<std::string> headers;
    std::vector<std::string> queryParameters;
};

/// One version of a credential, as it is applied to a request. Immutable, thread-safe.
class TOLLGATE_API Credential
{
public:
    virtual ~Credential() = default;

    /// Names the version: changes when the key changes, never tells the key.
    virtual const std::string& fingerprint() const noexcept = 0;

    /// The last four characters of the key, as vendors show it; empty for short ones.
    virtual std::string lastFour() const { return {}; }

    /// Whether it stays valid beside a newer version until somebody revokes it, as keys do that are rotated by hand: then calls
    /// go on with it while the newer one proves itself. Tokens that expire do not.
    virtual bool overlaps() const { return false; }

    /// Puts the credential into the exchange.
    virtual void apply(Exchange& exchange) const = 0;

    /// The texts that must not show up in any message; what is applied in an encoded form counts in that form too.
    virtual std::vector<Secret> secrets() const = 0;
};

using CredentialPtr = std::shared_ptr<const Credential>;

/// What a strategy may look at when it is asked for a credential.
struct TOLLGATE_API AuthContext
{
    const Request& request;
    TimePoint now;
    WallTime wallNow;
};

/// A credential, or a request to be answered first (a token to be fetched), whose outcome comes back through learn().
using Acquired = std::variant<CredentialPtr, Request>;

/// How to prove who you are: one object for each scheme and account, shared by all calls. Thread-safe.
class TOLLGATE_API AuthStrategy
{
public:
    virtual ~AuthStrategy() = default;

    virtual Identity identity() const = 0;
    virtual Carriers carriers() const = 0;

    /// Whether apply() reads the body (a signature): then it is buffered before.
    virtual bool needsBody() const { return false; }

    /// The newest usable credential for this request. Never waits. Throws MissingScope, MissingCredential or InvalidCredential;
    /// then nothing is sent. An answered request is sent without a credential of its own, once for all calls that wait for it; a
    /// call ends with ConfigurationError after three such requests of its own with no call served between them, or 100 in all.
    virtual Acquired acquire(const AuthContext& context) = 0;

    /// The outcome of a request that acquire() answered. Throws to fail the calls that wait for it.
    virtual void learn(const Result<Response>& /*outcome*/) {}

    /// A 401 came for `credential`: can a fresher one be had? True sends the call once more, past the gate.
    virtual bool onChallenge(const ResponseHead& /*head*/, const Credential& /*credential*/) { return false; }
};

using AuthStrategyPtr = std::shared_ptr<AuthStrategy>;

} // namespace tollgate
