#include "tollgate/WindowLimit.h"

#include "limits/Hash.h"
#include "limits/PhaseTest.h"
#include "limits/SlotLog.h"
#include "tollgate/Error.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace tollgate {

namespace {

constexpr Duration farAway = std::chrono::hours(24 * 365 * 100); ///< beyond every deadline, and far from overflow
constexpr Duration lateArrival = std::chrono::seconds(5); ///< bytes handed to the kernel or a proxy can still arrive for so long

/// What a WindowLimit says.
struct Terms
{
    unsigned requests;
    Duration window;
    std::string prefix;
    Shape shape;
    bool declaredByServer;
};

/// The exact log (SlotLog.h), and for the careful shapes a small bucket and the all-phase test (PhaseTest.h) with it.
class WindowPolicy final : public RateLimitPolicy
{
public:
    explicit WindowPolicy(Terms terms)
        : _terms(std::move(terms))
        , _hold(_terms.window + _terms.window / 1000 + std::chrono::milliseconds(1))
        , _id(_terms.prefix + '|' + std::to_string(_terms.window.count()))
    {}

    const std::string& id() const noexcept override { return _id; }
    Duration memory() const noexcept override { return 2 * _hold; }

    std::uint64_t capacity(const LimitState& state) const noexcept override
    {
        std::uint64_t least = _terms.requests;
        if (state.capacity != 0) least = std::min<std::uint64_t>(least, state.capacity);
        if (state.serverCapacity != 0) least = std::min<std::uint64_t>(least, state.serverCapacity);
        return least;
    }

    std::string describe() const override
    {
        return fmt::format("{}{} requests per {} s{}{}", _terms.declaredByServer ? "what the server allows, at most " : "",
                           _terms.requests, std::chrono::duration<double>(_terms.window).count(),
                           _terms.prefix.empty() ? "" : " on ", _terms.prefix);
    }

    bool covers(std::string_view path) const noexcept override
    {
        const std::string& prefix = _terms.prefix;
        if (path.substr(0, prefix.size()) != prefix) return false;
        return prefix.empty() || path.size() == prefix.size() || prefix.back() == '/' || path[prefix.size()] == '/' ||
               path[prefix.size()] == '?';
    }

    void declare(LimitState& state) const override
    {
        state.capacity = state.capacity == 0 ? _terms.requests : std::min(state.capacity, _terms.requests);
        state.shape = std::max(state.shape, _terms.shape);
    }

    void tidy(LimitState& state, TimePoint now) const override { limits::tidyLog(state, now, _hold); }

    Duration decide(const LimitState& state, TimePoint now, unsigned weight, std::uint64_t ahead) const override
    {
        const std::uint64_t most = capacity(state);
        if (weight > most) return Duration::max();
        const std::uint64_t need = (ahead + weight) * state.share;
        if (std::uint64_t{weight} * state.share > most) return _hold; // until the shared store is back

        Duration wait = std::max<Duration>(state.shutUntil - now,
                                           waitForSlots(state, now, most, need, ahead > 0 || state.inFlightWeight > 0));
        wait = std::max(wait, waitForServer(state, now, need));
        if (shapeOf(state) == Shape::Burst || wait >= farAway) return std::max(wait, Duration::zero());
        wait = std::max(wait, waitForBucket(state, now, most, std::uint64_t{weight} * state.share, ahead * state.share));
        if (ahead > 0) return std::max(wait, Duration::zero());
        return limits::earliestForAnyPhase(state, now, now + wait, most, need, _hold) - now;
    }

    void take(LimitState& state, TimePoint now, const Permit& permit) const override
    {
        const unsigned weight = permit.weight * state.share;
        state.spent += weight;
        state.inFlight.push_back({permit.id, weight, now + permit.patience + lateArrival, state.spent});
        state.inFlightWeight += weight;
        for (LimitState::Allowance& allowance : state.allowances) allowance.left -= weight;
        if (shapeOf(state) != Shape::Burst)
            state.paced = std::max(state.paced, now) + static_cast<Duration::rep>(weight) * interval(state, capacity(state));
    }

    void answered(LimitState& state, TimePoint now, PermitId permit, const ServerAnswer& answer) const override
    {
        const auto flight = limits::land(state, permit);
        if (flight)
            limits::cool(state, permit, flight->weight, now + _hold);
        else
            limits::coolLater(state, permit, now + _hold);
        const bool asked = waitsForServer(state);
        heed(state, now, flight ? std::optional(state.spent - flight->spent) : std::nullopt, answer);

        const bool spent = answer.status == 429 || (answer.status == 403 && answer.hint.exhausted());
        if (!spent && !answer.hint.retryAfter) return;
        if (spent || answer.status == 403 || answer.status == 413 || answer.status >= 500)
            state.shutUntil = std::max(state.shutUntil, now + silence(answer.hint));
        // The log had room, or the request would not have been sent: this server counts in another way. (Not so if it had yet to
        // tell.)
        if (!spent || asked || shapeOf(state) != Shape::Burst) return;
        state.shape = Shape::Adaptive;
        state.contradicted = true;
        state.paced =
            now + static_cast<Duration::rep>(bucketSize(state, capacity(state))) * interval(state, capacity(state)); // empty
    }

    void abandoned(LimitState& state, TimePoint now, PermitId permit, Delivery delivery) const override
    {
        const auto flight = limits::land(state, permit);
        if (!flight) return;
        if (delivery != Delivery::NotSent) {
            limits::cool(state, permit, flight->weight, now + lateArrival + _hold);
        } else if (flight->spent == state.spent) { // the last one granted: all that it took is given back
            for (LimitState::Allowance& allowance : state.allowances) allowance.left += flight->weight;
            if (shapeOf(state) != Shape::Burst)
                state.paced -= static_cast<Duration::rep>(flight->weight) * interval(state, capacity(state));
        }
    }

    void correct(LimitState& state, TimePoint /*now*/, PermitId permit, unsigned actual) const override
    {
        limits::correctWeight(state, permit, actual);
    }

    std::uint64_t remaining(const LimitState& state, TimePoint now) const override
    {
        const std::uint64_t most = capacity(state);
        const std::uint64_t busy = limits::busyWeight(state, now);
        std::uint64_t left = busy < most ? most - busy : 0;
        for (const LimitState::Allowance& allowance : state.allowances)
            if (allowance.until > now)
                left = std::min(left, static_cast<std::uint64_t>(std::max<std::int64_t>(allowance.left, 0)));
        return state.shutUntil > now ? 0 : left;
    }

private:
    Shape shapeOf(const LimitState& state) const noexcept { return std::max(state.shape, _terms.shape); }

    /// The server's own limit is not known yet: one request goes to ask.
    bool waitsForServer(const LimitState& state) const noexcept
    {
        return _terms.declaredByServer && state.serverCapacity == 0 && !state.serverSilent;
    }

    std::uint64_t bucketSize(const LimitState& state, std::uint64_t most) const noexcept
    {
        return shapeOf(state) == Shape::Paced ? 1 : std::max<std::uint64_t>(1, most / 7);
    }

    /// Between two requests that are spread evenly. One request less a window for Paced, which has no other margin.
    Duration interval(const LimitState& state, std::uint64_t most) const
    {
        const auto requests = static_cast<Duration::rep>(shapeOf(state) == Shape::Paced && most > 1 ? most - 1 : most);
        return std::max<Duration>(_hold / requests, Duration(1));
    }

    /// The unit that lies k * capacity places behind another one cannot be granted before that one's answer plus a hold. Those
    /// ahead, or in flight, may give a slot back after a hold, sooner than one that is taken for longer.
    Duration waitForSlots(const LimitState& state, TimePoint now, std::uint64_t most, std::uint64_t need, bool behind) const
    {
        if (need <= most && !behind) return limits::waitForSlots(state, now, most, need, _hold);
        const std::uint64_t rounds = (need - 1) / most;
        if (rounds > static_cast<std::uint64_t>(farAway / _hold)) return farAway;
        const Duration rest = limits::waitForSlots(state, now, most, need - rounds * most, _hold);
        return static_cast<Duration::rep>(rounds) * _hold + (behind ? std::min(rest, _hold) : rest);
    }

    /// A bucket of `size` that fills evenly. What is heavier than the bucket goes when it is full, and empties it for longer.
    Duration waitForBucket(const LimitState& state, TimePoint now, std::uint64_t most, std::uint64_t weight,
                           std::uint64_t ahead) const
    {
        const Duration step = interval(state, most);
        const std::uint64_t size = bucketSize(state, most);
        if (ahead > static_cast<std::uint64_t>(farAway / step)) return farAway;
        const Duration level = std::max(state.paced, now) - now;
        const std::uint64_t room = size - std::min(weight, size);
        return level + (static_cast<Duration::rep>(ahead) - static_cast<Duration::rep>(room)) * step;
    }

    Duration waitForServer(const LimitState& state, TimePoint now, std::uint64_t need) const
    {
        if (waitsForServer(state) && state.inFlightWeight > 0) return std::chrono::milliseconds(50);
        Duration wait{};
        for (const LimitState::Allowance& allowance : state.allowances) {
            const bool room = allowance.left > 0 && static_cast<std::uint64_t>(allowance.left) >= need;
            if (!room && allowance.until > now) wait = std::max<Duration>(wait, allowance.until - now);
        }
        return wait;
    }

    /// Takes over what the server says of its quotas; `since` is the weight that was granted after the request it answers. If
    /// that is not known (the answer is late, or told twice), what remained then says nothing about now.
    void heed(LimitState& state, TimePoint now, std::optional<std::uint64_t> since, const ServerAnswer& answer) const
    {
        std::uint64_t most = 0; // of several quotas for one window the smallest
        for (const ServerHint::Quota& quota : answer.hint.quotas) {
            const bool ours = quota.window ? *quota.window == _terms.window : _terms.declaredByServer;
            if (ours && quota.limit && *quota.limit > 0) most = most == 0 ? *quota.limit : std::min(most, *quota.limit);
            if (quota.remaining && since) allow(state, now, quota, *since);
        }
        if (most > 0) state.serverCapacity = static_cast<unsigned>(std::min<std::uint64_t>(most, _terms.requests));
        const bool counted = answer.status < 500 && answer.status != 401 && answer.status != 403 && answer.status != 429;
        if (waitsForServer(state) && counted) state.serverSilent = true;
    }

    /// At most so many more until the server's window moves on. Within one window of the server's it only ever gets less.
    void allow(LimitState& state, TimePoint now, const ServerHint::Quota& quota, std::uint64_t since) const
    {
        constexpr std::uint64_t plenty = 1'000'000'000'000;
        constexpr std::size_t enough = 8;
        const Duration slot = std::max<Duration>(interval(state, capacity(state)), std::chrono::seconds(1));
        LimitState::Allowance fresh;
        fresh.quota = nameOf(quota);
        fresh.until = now + std::min(quota.reset.value_or(slot), std::max(_hold, Duration(std::chrono::hours(6))));
        fresh.left =
            static_cast<std::int64_t>(std::min(*quota.remaining, plenty)) - static_cast<std::int64_t>(std::min(since, plenty));

        const Duration coarse = std::min<Duration>(std::chrono::seconds(2), _hold / 10); // resets come in whole seconds
        auto& known = state.allowances;
        for (auto at = known.begin(); at != known.end();) {
            const bool same = at->quota == fresh.quota && std::chrono::abs(at->until - fresh.until) <= coarse;
            if (same) {
                fresh.left = std::min(fresh.left, at->left);
                fresh.until = at->until;
            }
            // A later reset means that this quota's window moved on; an earlier one, that it is another quota without a name.
            const bool movedOn = at->quota == fresh.quota && at->until < fresh.until;
            at = same || movedOn || at->until <= now ? known.erase(at) : std::next(at);
        }
        if (known.size() >= enough) known.erase(known.begin());
        const auto place =
            std::find_if(known.begin(), known.end(), [&fresh](const auto& one) { return one.until > fresh.until; });
        known.insert(place, fresh);
    }

    static std::uint32_t nameOf(const ServerHint::Quota& quota)
    {
        if (quota.name.empty() && !quota.window) return 0;
        const auto window = quota.window ? std::chrono::duration_cast<std::chrono::seconds>(*quota.window).count() : 0;
        return limits::hashOf(quota.name + '\n' + std::to_string(window));
    }

    /// A server that counts refused requests too would keep refusing: silence for what it asks, else for a window, but for an
    /// hour's window not longer than a minute at a time.
    Duration silence(const ServerHint& hint) const
    {
        if (hint.retryAfter && *hint.retryAfter > Duration::zero())
            return *hint.retryAfter; // a zero was rounded down: it says nothing
        Duration longest{};
        for (const ServerHint::Quota& quota : hint.quotas)
            if (quota.remaining && *quota.remaining == 0 && quota.reset) longest = std::max(longest, *quota.reset);
        return longest > Duration::zero() ? std::min<Duration>(longest, std::chrono::hours(6))
                                          : std::min<Duration>(_terms.window, std::chrono::minutes(1));
    }

    Terms _terms;
    Duration _hold; ///< the window and what clocks may differ in rate: 500 ppm on either side, and a timer's grain
    std::string _id;
};

} // namespace

WindowLimit::WindowLimit(unsigned requests, Duration window) : _requests(requests), _window(window)
{
    if (requests == 0)
        throw ConfigurationError("a limit of 0 requests lets nothing go", "Give the provider's figure, or leave the limit out.");
    if (requests > 1'000'000'000)
        throw ConfigurationError("a limit of more than 1,000,000,000 requests looks like a negative number or a slip",
                                 "Give the provider's figure, or leave the limit out.");
    if (window <= Duration::zero() || window > std::chrono::hours(24 * 31))
        throw ConfigurationError("a limit's window must be longer than nothing and at most 31 days",
                                 "perMinute and perHour fit most providers.");
}

WindowLimit WindowLimit::forPath(std::string prefix) const
{
    WindowLimit limit = *this;
    if (!prefix.empty() && prefix.front() != '/') prefix.insert(prefix.begin(), '/');
    limit._prefix = std::move(prefix);
    return limit;
}

WindowLimit WindowLimit::shape(Shape shape) const
{
    WindowLimit limit = *this;
    limit._shape = shape;
    return limit;
}

WindowLimit WindowLimit::declaredByServer() const
{
    WindowLimit limit = *this;
    limit._declaredByServer = true;
    return limit;
}

WindowLimit::operator RateLimitPolicyPtr() const
{
    return std::make_shared<const WindowPolicy>(Terms{_requests, _window, _prefix, _shape, _declaredByServer});
}

WindowLimit perMinute(unsigned requests) { return {requests, std::chrono::minutes(1)}; }

WindowLimit perHour(unsigned requests) { return {requests, std::chrono::hours(1)}; }

WindowLimit serverDeclared(const WindowLimit& ceiling) { return ceiling.declaredByServer(); }

} // namespace tollgate
