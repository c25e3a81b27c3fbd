#include "limits/OpenLimit.h"

#include <algorithm>
#include <limits>

namespace tollgate::limits {

namespace {

class OpenLimit final : public RateLimitPolicy
{
public:
    const std::string& id() const noexcept override { return _id; }
    std::string describe() const override { return "the server's own limit"; }
    bool covers(std::string_view) const noexcept override { return true; }
    void declare(LimitState&) const override {}
    void tidy(LimitState&, TimePoint) const override {}

    Duration decide(const LimitState& state, TimePoint now, unsigned, std::uint64_t) const override
    {
        return std::max<Duration>(state.shutUntil - now, Duration::zero());
    }
    void take(LimitState&, TimePoint, const Permit&) const override {}
    void answered(LimitState& state, TimePoint now, PermitId, const ServerAnswer& answer) const override
    {
        const bool refused = answer.status == 403 || answer.status == 429 || answer.status >= 500;
        if (!refused) return;
        std::optional<Duration> silence = answer.hint.retryAfter;
        for (const ServerHint::Quota& quota : answer.hint.quotas)
            if (!silence && quota.remaining && *quota.remaining == 0) silence = quota.reset;
        if (silence && *silence == Duration::zero() && answer.status == 429) silence = std::chrono::seconds(1); // rounded down
        if (silence) state.shutUntil = std::max(state.shutUntil, now + std::min<Duration>(*silence, std::chrono::hours(6)));
    }
    void abandoned(LimitState&, TimePoint, PermitId, Delivery) const override {}
    void correct(LimitState&, TimePoint, PermitId, unsigned) const override {}
    std::uint64_t remaining(const LimitState& state, TimePoint now) const override
    {
        return state.shutUntil > now ? 0 : capacity(state);
    }
    std::uint64_t capacity(const LimitState&) const noexcept override { return std::numeric_limits<std::uint64_t>::max(); }
    Duration memory() const noexcept override { return std::chrono::hours(6); }

private:
    std::string _id = "|open";
};

} // namespace

RateLimitPolicyPtr openLimit()
{
    static const RateLimitPolicyPtr limit = std::make_shared<const OpenLimit>();
    return limit;
}

} // namespace tollgate::limits
