#pragma once

#include "tollgate/QuotaStore.h"

#include <string>

/// The simplest use of a store: a number of permits that were ever drawn, and requests in flight under one limit.
namespace tollgate::testing {

inline const QuotaKey& someKey()
{
    static const QuotaKey key("https://api.example.com", "someone");
    return key;
}

/// Draws a permit and answers it.
inline PermitId draw(QuotaStore& store, const QuotaKey& key = someKey())
{
    PermitId permit = 0;
    store.update(key, [&](QuotaState& state, TimePoint now) {
        permit = ++state.lastPermit;
        LimitState& limit = state.limits["|60"];
        limit.capacity = 1'000;
        limit.cooling.push_back({now + std::chrono::minutes(1), permit, state.share});
        limit.coolingWeight += state.share;
    });
    return permit;
}

/// The weight of what was drawn and counts still.
inline std::uint64_t drawn(QuotaStore& store, const QuotaKey& key = someKey())
{
    std::uint64_t weight = 0;
    store.update(key, [&](QuotaState& state, TimePoint now) {
        weight = 0;
        const auto limit = state.limits.find("|60");
        if (limit == state.limits.end()) return;
        for (const LimitState::Slot& slot : limit->second.cooling)
            if (slot.release > now) weight += slot.weight;
    });
    return weight;
}

} // namespace tollgate::testing
