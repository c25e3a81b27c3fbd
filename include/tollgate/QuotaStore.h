#pragma once

#include "tollgate/Clock.h"
#include "tollgate/Lockout.h"
#include "tollgate/RateLimitPolicy.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tollgate {

/// What is known of one version of a credential in one partition of the account.
struct TOLLGATE_API VersionState
{
    enum class Verdict
    {
        Unverified,
        Good,
        Bad
    };
    Verdict verdict = Verdict::Unverified;
    TimePoint nextTry{};  ///< Bad: when one canary may go
    unsigned strikes = 0; ///< 401s in a row
    PermitId canary = 0;  ///< the one request in flight that will tell; 0: none
};

/// The gate of one account: verdicts on credential versions, and the lock of the whole account.
struct TOLLGATE_API GateState
{
    LockoutPolicy policy;                         ///< the strictest that any client of the account declared: it holds for all
    std::map<std::string, VersionState> versions; ///< by fingerprint and partition
    std::optional<TimePoint> lastRejected;        ///< newest 401
    PermitId rejectedPermit = 0;                  ///< the request that got it: answers to older ones prove nothing
    unsigned rejections = 0;                      ///< 401s while the suspicion lasts
    std::optional<TimePoint> lockedUntil;         ///< set while locked, and half open after that until a probe succeeds
    unsigned locks = 0;                           ///< in a row
    PermitId probe = 0;                           ///< the one probe in flight after a lock
    unsigned failedProbes = 0;                    ///< in a row that came back without an answer to the question
    std::string cause;                            ///< what led to the lock or the suspicion
};

/// All that is counted for one account: one document, changed as a whole.
struct TOLLGATE_API QuotaState
{
    std::map<std::string, LimitState, std::less<>> limits; ///< by RateLimitPolicy::id()
    GateState gate;
    PermitId lastPermit = 0;
};

/// The account a state belongs to.
class TOLLGATE_API QuotaKey
{
public:
    QuotaKey(const std::string& realm, const std::string& principal) : _text(realm + '\n' + principal) {}
    /// Both in one, as stores look it up.
    const std::string& text() const noexcept { return _text; }

private:
    std::string _text;
};

/// Keeps the state of limits and lockouts. Its one operation runs a pure function over one account's state, atomically; the
/// function may run more than once. `now` is the store's own clock: only durations leave it. Thread-safe.
class TOLLGATE_API QuotaStore
{
public:
    using Change = std::function<void(QuotaState& state, TimePoint now)>;

    virtual ~QuotaStore() = default;
    virtual void update(const QuotaKey& key, const Change& change) = 0;

    /// Within this process; gone when it ends. After a fork() parent and child count on, each for itself.
    static std::shared_ptr<QuotaStore> inProcess(std::shared_ptr<Clock> clock);
};

using QuotaStorePtr = std::shared_ptr<QuotaStore>;

} // namespace tollgate
