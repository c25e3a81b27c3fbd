#include "limits/RetryAfter.h"
#include "tollgate/Error.h"
#include "tollgate/RateLimitPolicy.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tollgate {

namespace {

/// The exact log with release at response head + window (Theorem A: no window of the server, whatever its phase, can then see
/// more than N arrivals). Slots in flight have no release time yet; it lies at least a window ahead.
class WindowPolicy final : public RateLimitPolicy
{
public:
    WindowPolicy(unsigned requests, Duration window, std::string prefix)
        : _requests(requests)
        , _window(window)
        , _prefix(std::move(prefix))
        , _id(_prefix + '|' + std::to_string(_window.count()))
    {}

    const std::string& id() const noexcept override { return _id; }
    std::uint64_t capacity() const noexcept override { return _requests; }

    std::string describe() const override
    {
        return fmt::format("{} requests per {} s{}{}", _requests, std::chrono::duration<double>(_window).count(),
                           _prefix.empty() ? "" : " on ", _prefix);
    }

    bool covers(std::string_view path) const noexcept override
    {
        if (path.substr(0, _prefix.size()) != _prefix) return false;
        return _prefix.empty() || path.size() == _prefix.size() || _prefix.back() == '/' || path[_prefix.size()] == '/' ||
               path[_prefix.size()] == '?';
    }

    void declare(LimitState& state) const override
    {
        state.capacity = state.capacity == 0 ? _requests : std::min(state.capacity, _requests);
    }

    Duration decide(const LimitState& state, TimePoint now, unsigned weight, std::uint64_t ahead) const override
    {
        const std::uint64_t capacity = capacityOf(state);
        if (weight > capacity) return Duration::max();
        const Duration shut = state.shutUntil > now ? state.shutUntil - now : Duration::zero();

        const std::uint64_t need = ahead + weight;
        // The unit k places behind another one with k = capacity cannot be granted before that one's answer plus a window.
        const std::uint64_t rounds = (need - 1) / capacity;
        const std::uint64_t rest = need - rounds * capacity;
        constexpr Duration longest = std::chrono::hours(24 * 365 * 100); // beyond every deadline, and far from overflow
        if (rounds > static_cast<std::uint64_t>(longest / hold())) return longest;
        return std::max(shut, static_cast<Duration::rep>(rounds) * hold() + waitFor(state, now, capacity, rest));
    }

    void take(LimitState& state, TimePoint now, PermitId permit, unsigned weight) const override
    {
        expire(state, now);
        state.inFlight.emplace_back(permit, weight);
        state.inFlightWeight += weight;
    }

    void answered(LimitState& state, TimePoint now, PermitId permit, const ResponseHead& head) const override
    {
        cool(state, permit, now + hold());
        if (head.status != 429) return;
        // A server that counts refused requests too would keep refusing: silence for what it asks, else for a window, but for an
        // hour's window not longer than a minute at a time.
        const Duration hint = limits::retryAfter(head.headers).value_or(std::min<Duration>(_window, std::chrono::minutes(1)));
        state.shutUntil = std::max(state.shutUntil, now + hint);
    }

    void abandoned(LimitState& state, TimePoint now, PermitId permit, Delivery delivery) const override
    {
        if (delivery == Delivery::NotSent) {
            land(state, permit);
            return;
        }
        // Bytes handed to the kernel or a proxy can still arrive for a while.
        cool(state, permit, now + lateArrival + hold());
    }

    void correct(LimitState& state, TimePoint /*now*/, PermitId permit, unsigned actual) const override
    {
        const auto flying = find(state, permit);
        if (flying != state.inFlight.end()) {
            state.inFlightWeight += actual;
            state.inFlightWeight -= flying->second;
            flying->second = actual;
            return;
        }
        const auto slot = std::find_if(state.cooling.rbegin(), state.cooling.rend(),
                                       [permit](const LimitState::Slot& one) { return one.permit == permit; });
        if (slot == state.cooling.rend()) return;
        state.coolingWeight += actual;
        state.coolingWeight -= slot->weight;
        slot->weight = actual;
    }

    std::uint64_t remaining(const LimitState& state, TimePoint now) const override
    {
        const std::uint64_t capacity = capacityOf(state);
        const std::uint64_t busy = state.inFlightWeight + busyCooling(state, now);
        return busy < capacity ? capacity - busy : 0;
    }

private:
    static constexpr Duration lateArrival = std::chrono::seconds(5);

    /// The window and what clocks may differ in rate: 500 ppm on either side, and a timer's grain.
    Duration hold() const noexcept { return _window + _window / 1000 + std::chrono::milliseconds(1); }

    std::uint64_t capacityOf(const LimitState& state) const noexcept
    {
        return state.capacity == 0 ? _requests : std::min(state.capacity, _requests);
    }

    static void expire(LimitState& state, TimePoint now)
    {
        while (!state.cooling.empty() && state.cooling.front().release <= now) {
            state.coolingWeight -= state.cooling.front().weight;
            state.cooling.pop_front();
        }
    }

    static std::uint64_t busyCooling(const LimitState& state, TimePoint now)
    {
        std::uint64_t weight = state.coolingWeight;
        for (const LimitState::Slot& slot : state.cooling) {
            if (slot.release > now) break;
            weight -= slot.weight;
        }
        return weight;
    }

    /// How long until `need` <= capacity units are free.
    Duration waitFor(const LimitState& state, TimePoint now, std::uint64_t capacity, std::uint64_t need) const
    {
        const std::uint64_t busy = state.inFlightWeight + busyCooling(state, now);
        if (busy + need <= capacity) return Duration::zero();
        std::uint64_t missing = busy + need - capacity;
        for (const LimitState::Slot& slot : state.cooling) {
            if (slot.release <= now) continue;
            if (slot.weight >= missing) return slot.release - now;
            missing -= slot.weight;
        }
        return hold();
    }

    /// As many as there are requests in flight at one moment: few, so a look through them is cheaper than a tree.
    static std::vector<std::pair<PermitId, unsigned>>::iterator find(LimitState& state, PermitId permit)
    {
        return std::find_if(state.inFlight.begin(), state.inFlight.end(),
                            [permit](const auto& one) { return one.first == permit; });
    }

    static unsigned land(LimitState& state, PermitId permit)
    {
        const auto flying = find(state, permit);
        if (flying == state.inFlight.end()) return 0;
        const unsigned weight = flying->second;
        state.inFlightWeight -= weight;
        *flying = state.inFlight.back();
        state.inFlight.pop_back();
        return weight;
    }

    static void cool(LimitState& state, PermitId permit, TimePoint release)
    {
        const unsigned weight = land(state, permit);
        if (weight == 0) return;
        // Answers come in time order, so this is nearly always the end.
        const auto later = std::upper_bound(state.cooling.begin(), state.cooling.end(), release,
                                            [](TimePoint at, const LimitState::Slot& slot) { return at < slot.release; });
        state.cooling.insert(later, {release, permit, weight});
        state.coolingWeight += weight;
    }

    unsigned _requests;
    Duration _window;
    std::string _prefix;
    std::string _id;
};

} // namespace

WindowLimit::WindowLimit(unsigned requests, Duration window) : _requests(requests), _window(window)
{
    if (requests == 0)
        throw ConfigurationError("a limit of 0 requests lets nothing go", "Give the provider's figure, or leave the limit out.");
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

WindowLimit::operator RateLimitPolicyPtr() const { return std::make_shared<const WindowPolicy>(_requests, _window, _prefix); }

WindowLimit perMinute(unsigned requests) { return {requests, std::chrono::minutes(1)}; }

WindowLimit perHour(unsigned requests) { return {requests, std::chrono::hours(1)}; }

} // namespace tollgate
