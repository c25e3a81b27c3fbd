#pragma once

#include "tollgate/Attempt.h"
#include "tollgate/Clock.h"
#include "tollgate/ServerHint.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tollgate {

/// Names one granted permit within its state.
using PermitId = std::uint64_t;

/// How requests are spread over a limit's window.
enum class Shape : std::uint8_t
{
    Burst, ///< all at once if need be: safe wherever the server counts fixed windows, sliding logs, or a bucket of the full size
    Adaptive, ///< a seventh at once, then evenly: safe against sliding counters and small buckets too, at 98.8 % of 100 a minute
    Paced     ///< one by one: for servers that allow next to no burst
};

/// What a policy remembers, and all it remembers: kept by a QuotaStore, changed by the policy's functions only. Times are the
/// store's own.
struct TOLLGATE_API LimitState
{
    /// Granted and not yet answered.
    struct Flight
    {
        PermitId permit = 0;
        unsigned weight = 1;
        TimePoint lapse{};       ///< nobody will report it after that (its process may have died): it counts as sent then
        std::uint64_t spent = 0; ///< LimitState::spent once this one was granted
    };
    /// Answered: counted by the server at `release` minus the window, at the latest.
    struct Slot
    {
        TimePoint release; ///< free again from then on
        PermitId permit = 0;
        unsigned weight = 1;
    };
    /// What the server says is left of one of its quotas, less what was sent since. Counts until its window moves on.
    struct Allowance
    {
        std::uint32_t quota = 0; ///< a hash of its name and window; 0: neither was told
        TimePoint until{};
        std::int64_t left = 0; ///< may be less than nothing: sent before the server said so
        friend bool operator==(const Allowance& a, const Allowance& b)
        {
            return a.quota == b.quota && a.until == b.until && a.left == b.left;
        }
    };
    std::vector<Flight> inFlight; ///< in no order
    std::uint64_t inFlightWeight = 0;
    std::deque<Slot> cooling; ///< not yet released, sorted by release
    std::uint64_t coolingWeight = 0;
    std::deque<Slot> past;             ///< released within the last window, sorted: what a server's sliding counter still weighs
    std::uint64_t spent = 0;           ///< weight ever granted
    TimePoint shutUntil{};             ///< nothing goes before: after a 429
    TimePoint paced{};                 ///< when the small bucket of Adaptive and Paced is full again
    unsigned capacity = 0;             ///< the smallest limit anybody declared for it; 0: not declared yet
    unsigned serverCapacity = 0;       ///< what the server says of itself, where it is asked; 0: not known
    Shape shape = Shape::Burst;        ///< the most careful that was declared, or stepped down to
    bool contradicted = false;         ///< a 429 came while there was room: stays for the life of this state
    bool serverSilent = false;         ///< an answer came without a word about the limit, so the declared one counts
    std::vector<Allowance> allowances; ///< what the server says is left, sorted, at most eight
    unsigned share = 1; ///< every request counts so many times: while a shared store cannot be reached, for those who do likewise
};

/// What decide() let through.
struct TOLLGATE_API Permit
{
    PermitId id = 0;
    unsigned weight = 1;
    Duration patience{}; ///< when it counts as lost if nobody reports it: the call's time left and a reserve
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
    /// Makes a fresh or shared state know this policy: the more careful of two declarations counts.
    virtual void declare(LimitState& state) const = 0;
    /// Forgets what no longer counts. decide() answers as before, or up to a thousandth of the window more carefully.
    virtual void tidy(LimitState& state, TimePoint now) const = 0;

    /// Zero: go. Else a lower bound of the wait for a request of this weight with `ahead` units before it in line; exact if
    /// nothing is in flight and nobody is ahead. Duration::max(): never, it is too heavy.
    virtual Duration decide(const LimitState& state, TimePoint now, unsigned weight, std::uint64_t ahead) const = 0;
    /// Spends the permit that decide() found free.
    virtual void take(LimitState& state, TimePoint now, const Permit& permit) const = 0;
    /// The response head arrived.
    virtual void answered(LimitState& state, TimePoint now, PermitId permit, const ServerAnswer& answer) const = 0;
    /// No response will arrive: a NotSent request gives its slot back.
    virtual void abandoned(LimitState& state, TimePoint now, PermitId permit, Delivery delivery) const = 0;
    /// The true weight is known afterwards (tokens at the end of a stream).
    virtual void correct(LimitState& state, TimePoint now, PermitId permit, unsigned actual) const = 0;

    /// How much is left, and of how much; for people.
    virtual std::uint64_t remaining(const LimitState& state, TimePoint now) const = 0;
    /// Of a fresh state: as declared; else the smallest that was declared or that the server told.
    virtual std::uint64_t capacity(const LimitState& state) const noexcept = 0;
    /// The longest time after which nothing of the state matters any more, but for a step-down.
    virtual Duration memory() const noexcept = 0;
};

using RateLimitPolicyPtr = std::shared_ptr<const RateLimitPolicy>;

} // namespace tollgate
