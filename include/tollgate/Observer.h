#pragma once

#include "tollgate/Attempt.h"
#include "tollgate/Export.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tollgate {

/// One attempt, as it may be logged: everything that a carrier holds is replaced by "***".
struct TOLLGATE_API AttemptRecord
{
    std::string method;
    std::string url; ///< redacted
    const Attempt& attempt;
    std::string requestId;
};

/// Something worth telling that is not an error: two clients declare different limits, a hint that cannot be read.
struct TOLLGATE_API Notice
{
    std::string text;
};

/// An account or one of its limits changed its state. Told by the client whose call brought it about, once.
struct TOLLGATE_API Transition
{
    enum class Kind
    {
        SteppedDown,        ///< a 429 came while a limit had room: it spreads requests evenly from now on
        CredentialRejected, ///< a 401: this version of the credential is kept back
        CredentialAccepted, ///< a version that was rejected, or that replaces another, got a good answer
        Locked,             ///< the account is locked, or held back before it is
        Unlocked,           ///< a probe showed that the lock is over
        StoreTrouble,       ///< the shared store is out of reach: see StoreFailure
        StoreRecovered
    };
    Kind kind{};
    std::string text;             ///< one sentence, without secrets
    std::optional<Duration> wait; ///< Locked, CredentialRejected: until the next try
};

/// Sees what clients do, for logs, metrics and audit. Called on the thread that does it: be short, be thread-safe, do not throw.
class TOLLGATE_API Observer
{
public:
    virtual ~Observer() = default;
    virtual void onAttempt(const AttemptRecord& /*record*/) {}
    virtual void onNotice(const Notice& /*notice*/) {}
    virtual void onTransition(const Transition& /*transition*/) {}
};

using ObserverPtr = std::shared_ptr<Observer>;

} // namespace tollgate
