#pragma once

#include "tollgate/Cancellation.h"
#include "tollgate/Clock.h"
#include "tollgate/Lockout.h"
#include "tollgate/RateLimitPolicy.h"
#include "tollgate/Secret.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tollgate {

/// What is known of one version of a credential in one partition of the account.
struct TOLLGATE_API VersionState
{
    enum class Verdict : std::uint8_t
    {
        Unverified,
        Good,
        Bad
    };
    Verdict verdict = Verdict::Unverified;
    TimePoint nextTry{};               ///< Bad: when one canary may go
    unsigned strikes = 0;              ///< 401s in a row
    PermitId canary = 0;               ///< the one request in flight that will tell; 0: none
    TimePoint canaryLapse{};           ///< its process may have died: from then on another one may go
    std::optional<TimePoint> lastGood; ///< newest answer that only an accepted credential gets
    std::optional<TimePoint> lastUsed; ///< newest request sent with it
    std::uint64_t uses = 0;            ///< requests sent with it
    std::string lastFour;              ///< of the key, as vendors show it; empty for short ones
    std::vector<std::pair<std::uint32_t, TimePoint>>
        goodPaths; ///< newest 2xx by endpoint family (a hash of its name), at most eight
};

/// The gate of one account: verdicts on credential versions, and the lock of the whole account.
struct TOLLGATE_API GateState
{
    struct Flight
    {
        PermitId permit = 0;
        TimePoint lapse{}; ///< nobody will report it after that
    };
    LockoutPolicy policy;                         ///< the strictest that any client of the account declared: it holds for all
    std::map<std::string, VersionState> versions; ///< by name of the version and partition
    std::vector<Flight> inFlight;                 ///< kept only where the policy has a cap
    std::optional<TimePoint> lastRejected;        ///< newest 401
    PermitId rejectedPermit = 0;                  ///< the request that got it: answers to older ones prove nothing
    unsigned rejections = 0;                      ///< 401s while the suspicion lasts
    std::optional<TimePoint> lockedUntil;         ///< set while locked, and half open after that until a probe succeeds
    unsigned locks = 0;                           ///< in a row
    PermitId probe = 0;                           ///< the one probe in flight after a lock
    TimePoint probeLapse{};                       ///< its process may have died: from then on another one may go
    unsigned failedProbes = 0;                    ///< in a row that came back without an answer to the question
    std::string cause;                            ///< what led to the lock or the suspicion
    std::optional<TimePoint> lastForbidden;       ///< newest 403 to a credential that was good before, if nothing explained it...
    std::uint32_t forbiddenPath = 0;              ///< ...and its endpoint family, if that had taken the credential
};

/// All that is counted for one account: one document, changed as a whole.
struct TOLLGATE_API QuotaState
{
    std::map<std::string, LimitState, std::less<>> limits; ///< by RateLimitPolicy::id()
    GateState gate;
    PermitId lastPermit = 0;
    unsigned share = 1;                       ///< each request counts so often: see StoreFailure::SafeShare; not kept
    std::map<std::string, TimePoint> members; ///< processes that share it, and when each was last seen: kept by shared stores
};

/// The account a state belongs to.
class TOLLGATE_API QuotaKey
{
public:
    QuotaKey(const std::string& realm, const std::string& principal) : _text(realm + '\n' + principal) {}
    /// Both in one, as stores look it up.
    const std::string& text() const noexcept { return _text; }
    std::string_view realm() const noexcept { return std::string_view(_text).substr(0, _text.find('\n')); }
    std::string_view principal() const noexcept { return std::string_view(_text).substr(_text.find('\n') + 1); }

private:
    std::string _text;
};

/// How long one use of a store may wait, for its turn and for the store itself.
struct TOLLGATE_API Patience
{
    TimePoint until = never;        ///< on the real steady clock, whatever clock the store counts by
    CancellationToken cancellation; ///< ends the wait as well
};

/// Keeps the state of limits and lockouts. Its one operation runs a pure function over one account's state, atomically; the
/// function may run more than once. `now` is the store's own clock: only durations leave it. Thread-safe.
class TOLLGATE_API QuotaStore
{
public:
    using Change = std::function<void(QuotaState& state, TimePoint now)>;

    virtual ~QuotaStore() = default;

    /// Throws StoreUnavailable if the state cannot be had and the store was told to refuse then; Timeout or Cancelled if the
    /// patience ends first. Then nothing was changed, unless the store fell silent on the last word; so a change may come to
    /// be made twice.
    virtual void update(const QuotaKey& key, const Change& change, const Patience& patience = {}) = 0;

    /// The key that names credentials in this store (HMAC-SHA-256): made once with the store, so that the same credential has one
    /// name in all processes that share it, and names mean nothing outside. Empty while it cannot be had, or not in time.
    virtual Secret namingKey(const Patience& patience = {}) = 0;

    /// What is wrong with it, in plain words, while it runs in a degraded mode; else empty.
    virtual std::string trouble() const { return {}; }

    /// Within this process; gone when it ends. After a fork() parent and child count on, each for itself. Accounts that hold
    /// nothing worth knowing any more are forgotten.
    static std::shared_ptr<QuotaStore> inProcess(std::shared_ptr<Clock> clock);
};

using QuotaStorePtr = std::shared_ptr<QuotaStore>;

} // namespace tollgate
