#pragma once

#include "tollgate/Attempt.h"
#include "tollgate/Clock.h"
#include "tollgate/Response.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tollgate {

/// Names one granted permit within its state.
using PermitId = std::uint64_t;

/// What a policy remembers, and all it remembers: kept by a QuotaStore, changed by the policy's functions only. Times are the
/// store's own.
struct TOLLGATE_API LimitState
{
    struct Slot
    {
        TimePoint release; ///< free again from then on
        PermitId permit = 0;
        unsigned weight = 1;
    };
    std::vector<std::pair<PermitId, unsigned>> inFlight; ///< granted and not yet answered: permit and weight, in no order
    std::uint64_t inFlightWeight = 0;
    std::deque<Slot> cooling; ///< answered, sorted by release
    std::uint64_t coolingWeight = 0;
    TimePoint shutUntil{}; ///< nothing goes before: after a 429
    unsigned capacity = 0; ///< the smallest limit anybody declared for it; 0: not declared yet
};

/// One limit: how fast you may go. An immutable value; its functions are pure over a LimitState, so that one algorithm serves
/// all stores and is proved by simulation. Thread-safe.
class TOLLGATE_API RateLimitPolicy
{
public:
    virtual ~RateLimitPolicy() = default;

    /// Names the state it keeps: limits with the same id under one account share it.
    virtual const std::string& id() const noexcept = 0;
    /// "100 requests per 60 s on /fetch", for messages.
    virtual std::string describe() const = 0;
    /// Whether it counts requests to this path (below the client's base URL).
    virtual bool covers(std::string_view path) const noexcept = 0;
    /// Makes a fresh or shared state know this policy: the stricter of two declarations counts.
    virtual void declare(LimitState& state) const = 0;

    /// Zero: go. Else a lower bound of the wait for a request of this weight with `ahead` units before it in line.
    virtual Duration decide(const LimitState& state, TimePoint now, unsigned weight, std::uint64_t ahead) const = 0;
    /// Spends the permit that decide() found free.
    virtual void take(LimitState& state, TimePoint now, PermitId permit, unsigned weight) const = 0;
    /// The response head arrived.
    virtual void answered(LimitState& state, TimePoint now, PermitId permit, const ResponseHead& head) const = 0;
    /// No response will arrive: a NotSent request gives its slot back.
    virtual void abandoned(LimitState& state, TimePoint now, PermitId permit, Delivery delivery) const = 0;
    /// The true weight is known afterwards (tokens at the end of a stream).
    virtual void correct(LimitState& state, TimePoint now, PermitId permit, unsigned actual) const = 0;

    /// How much is left, and of how much; for people.
    virtual std::uint64_t remaining(const LimitState& state, TimePoint now) const = 0;
    virtual std::uint64_t capacity() const noexcept = 0;
};

using RateLimitPolicyPtr = std::shared_ptr<const RateLimitPolicy>;

/// At most `requests` in any window of this length, whatever the server's window looks like: a slot is taken until the response
/// has arrived plus the window, so no delay, jitter or clock difference leads to a 429. Full bursts are allowed.
class TOLLGATE_API WindowLimit
{
public:
    /// Throws ConfigurationError if either is zero or the window is over 31 days.
    WindowLimit(unsigned requests, Duration window);

    /// Counts only paths that are this one or below it: "/fetch" covers "/fetch" and "/fetch/tags", not "/fetches".
    WindowLimit forPath(std::string prefix) const;

    operator RateLimitPolicyPtr() const; // NOLINT(google-explicit-constructor): a limit is passed where a policy is due

private:
    unsigned _requests;
    Duration _window;
    std::string _prefix;
};

/// `requests` in any 60 seconds.
TOLLGATE_API WindowLimit perMinute(unsigned requests);
/// `requests` in any 3600 seconds.
TOLLGATE_API WindowLimit perHour(unsigned requests);

} // namespace tollgate
